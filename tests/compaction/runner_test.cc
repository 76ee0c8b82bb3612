// Plans carried out on real records in memory: same result for any number of threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>

#include "compaction/memory_layers.h"
#include "compaction/record_executor.h"
#include "packstore/compaction_runner.h"

namespace packstore {
namespace {

constexpr std::uint64_t kKeys = 640;
constexpr LayerId kLayers = 6;

// Layers of flushes, and the executor that knows them.
struct Flushed {
  MemoryLayers storage;
  RecordExecutor executor{LayerSet(Grid{4}), storage, make_hash_pages};

  Flushed() {
    std::mt19937_64 random(7);
    for (LayerId id = 1; id <= kLayers; ++id) {
      std::set<std::uint64_t> keys;
      for (int i = 0; i < 300; ++i) keys.insert(random() % kKeys);
      OwnedLayer layer;
      for (const std::uint64_t key : keys) {
        layer.push_back({{0, key}, id * 100 + key % 10, std::to_string(random() % 1000)});
      }
      executor.flush(*stream_of(std::move(layer)), {id * 100, id * 100 + 100}).value();
    }
  }

  // Layers, and every record of them.
  std::string print() {
    executor.settle().value();
    const JobControl control({}, {}, {});
    std::string text;
    for (const LayerShape& layer : executor.layers().layers()) {
      text += "layer " + std::to_string(layer.id) + " in file " + std::to_string(layer.file) + "\n";
      const auto records = storage.open(layer, KeyRange::all(), control).value();
      while (const LayerRecord* record = records->next().value()) {
        text += to_string(record->key) + "@" + std::to_string(record->lsn) + "=" +
                std::string(as_text(record->value)) + "\n";
      }
    }
    return text;
  }
};

// Merges the layers in strips of keys: newest three in one job, all in the next, and so on.
CompactionPlan merge_in_strips() {
  CompactionPlan plan;
  for (std::uint64_t strip = 0; strip < 40; ++strip) {
    const KeyRange keys{{0, strip * 16}, {0, strip * 16 + 16}};
    JobPart part{.keys = keys, .lsns = {100, 700}};
    for (LayerId id = kLayers; id >= (strip % 2 == 0 ? 4U : 1U); --id) {
      part.inputs.push_back({id, keys});
    }
    plan.jobs.push_back({.kind = JobKind::kMerge, .parts = {part}});
  }
  return plan;
}

TEST(RunPlan, GivesTheSameLayersOnAnyNumberOfThreads) {
  std::string on_one;
  for (const unsigned threads : {1U, 2U, 8U}) {
    Flushed flushed;
    ASSERT_TRUE(run_plan(merge_in_strips(), flushed.executor, {.threads = threads}).has_value());
    if (on_one.empty()) on_one = flushed.print();
    EXPECT_EQ(flushed.print(), on_one) << threads;
  }
}

TEST(RunPlan, PassesOnWhatAFunctionOfTheCallerThrows) {
  const auto do_throw = [](const auto&) { throw std::runtime_error("thrown"); };
  const std::array<RunPlanOptions, 3> throwing{
      RunPlanOptions{.pace_read = do_throw}, RunPlanOptions{.pace_write = do_throw},
      RunPlanOptions{.control = {.on_progress = do_throw}}};
  for (RunPlanOptions options : throwing) {
    for (const unsigned threads : {1U, 2U, 8U}) {
      Flushed flushed;
      CompactionPlan plan = merge_in_strips();
      for (std::uint32_t job = 1; job < plan.jobs.size(); ++job) plan.jobs[job].after = {job - 1};
      options.threads = threads;
      EXPECT_THROW(static_cast<void>(run_plan(plan, flushed.executor, options)),
                   std::runtime_error);
    }
  }
}

TEST(RunPlan, ReadsWhatItMergesOnce) {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  std::mutex mutex;
  const auto add_to = [&mutex](std::uint64_t& sum) {
    return [&mutex, &sum](std::uint64_t bytes) {
      const std::lock_guard lock(mutex);
      sum += bytes;
    };
  };
  Flushed flushed;
  ASSERT_TRUE(run_plan(merge_in_strips(), flushed.executor,
                       {.threads = 2, .pace_read = add_to(read), .pace_write = add_to(written)})
                  .has_value());
  EXPECT_GT(read, 0U);
  EXPECT_EQ(read, written);
}

TEST(RunPlan, BeginsAJobAfterThoseItNames) {
  struct NoOutputs final : JobOutputs {};
  class Recorder final : public JobExecutor {
   public:
    Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job, const JobControl&) override {
      const std::lock_guard lock(mutex_);
      for (const std::uint32_t before : job.after) EXPECT_LT(before, published_);
      return std::unique_ptr<JobOutputs>(std::make_unique<NoOutputs>());
    }
    Status publish(const CompactionJob&, JobOutputs&) override {
      const std::lock_guard lock(mutex_);
      ++published_;
      return {};
    }

   private:
    std::mutex mutex_;
    std::uint32_t published_ = 0;
  };
  CompactionPlan plan;
  for (std::uint32_t job = 0; job < 60; ++job) {
    plan.jobs.push_back({});
    if (job % 3 == 2) plan.jobs.back().after = {job - 1, job / 2};
  }
  Recorder recorder;
  EXPECT_TRUE(run_plan(plan, recorder, {.threads = 4}).has_value());
}

// Publishing the first job ends only when two later ones are made: by the other thread, which must
// not wait for it.
TEST(RunPlan, MakesOutputsWhileAnEditIsPublished) {
  struct NoOutputs final : JobOutputs {};
  class Slow final : public JobExecutor {
   public:
    Result<std::unique_ptr<JobOutputs>> make(const CompactionJob&, const JobControl&) override {
      const std::lock_guard lock(mutex_);
      ++made_;
      changed_.notify_all();
      return std::unique_ptr<JobOutputs>(std::make_unique<NoOutputs>());
    }
    Status publish(const CompactionJob& job, JobOutputs&) override {
      std::unique_lock lock(mutex_);
      published.push_back(job.reason);
      changed_.wait(lock, [&] { return made_ == 3; });
      return {};
    }

    std::vector<std::string> published;

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int made_ = 0;
  };
  CompactionPlan plan;
  for (const char* name : {"first", "second", "third"}) plan.jobs.push_back({.reason = name});
  Slow slow;
  ASSERT_TRUE(run_plan(plan, slow, {.threads = 2}).has_value());
  EXPECT_THAT(slow.published, ::testing::ElementsAre("first", "second", "third"));
}

TEST(RunPlan, RefusesAJobThatWaitsForALaterOne) {
  CompactionPlan plan;
  plan.jobs.push_back({.after = {0}});
  Flushed flushed;
  const Status status = run_plan(plan, flushed.executor);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
}

TEST(RunPlan, PublishesWhatComesBeforeAnErrorAndNothingElse) {
  CompactionPlan plan = merge_in_strips();
  plan.jobs[5].parts[0].inputs.push_back({77, plan.jobs[5].parts[0].keys});
  std::string on_one;
  for (const unsigned threads : {1U, 4U}) {
    Flushed flushed;
    const Status status = run_plan(plan, flushed.executor, {.threads = threads});
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message, testing::HasSubstr("layer 77"));
    if (on_one.empty()) on_one = flushed.print();
    EXPECT_EQ(flushed.print(), on_one);
  }
}

TEST(RunPlan, StopsBetweenBlocks) {
  std::stop_source stop;
  Flushed flushed;
  std::uint64_t blocks = 0;
  const Status status =
      run_plan(merge_in_strips(), flushed.executor,
               {.control = {.stop = stop.get_token()}, .pace_read = [&](std::uint64_t) {
                  if (++blocks == 100) stop.request_stop();
                }});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(blocks, 100U);
}

// Blocks one after the other, each when it is allowed to go. In any stretch no more goes than the
// rate and one burst.
TEST(RateLimit, LetsItsRateAndOneBurstThrough) {
  RateLimit limit(1000, 500);
  double now = 100;
  std::vector<double> gone_at;
  for (int block = 0; block < 100; ++block) {
    now += limit.take(100, now);
    gone_at.push_back(now);
  }
  EXPECT_NEAR(gone_at[4], 100, 1e-9);  // The burst.
  EXPECT_NEAR(gone_at[99], 100 + 9.5, 1e-9);
  now += 1000;  // A rest is worth one burst, not more.
  for (int block = 0; block < 100; ++block) now += limit.take(100, now);
  EXPECT_NEAR(now, gone_at[99] + 1000 + 9.5, 1e-9);
}

TEST(RunPlan, StaysBelowARateOnAnyNumberOfThreads) {
  Flushed flushed;
  RateLimit limit(1000, 0);
  std::mutex mutex;
  double now = 0;  // A clock that moves when somebody waits.
  std::uint64_t read = 0;
  const auto wait = [&](std::uint64_t bytes) {
    const std::lock_guard lock(mutex);
    read += bytes;
    now += limit.take(bytes, now);
  };
  ASSERT_TRUE(
      run_plan(merge_in_strips(), flushed.executor, {.threads = 4, .pace_read = wait}).has_value());
  EXPECT_NEAR(now, static_cast<double>(read) / 1000, 1e-6);
}

TEST(RecordExecutor, WritesNothingOutsideOfThePart) {
  Flushed flushed;
  CompactionPlan plan = merge_in_strips();
  plan.jobs[0].parts[0].lsns = {500, 700};  // Layer 4 begins at 400.
  const Status status = run_plan(plan, flushed.executor);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(status.error().message, testing::HasSubstr("is not in keys"));
}

// A run that is copied was looked into as often as before; what merges make begins anew.
// A flush of every third key, and a plan that takes it from memory in even strips.
struct InMemory : Flushed {
  static constexpr LsnRange kLsns{700, 800};

  static OwnedLayer records() {
    OwnedLayer layer;
    for (std::uint64_t key = 0; key < kKeys; key += 3) {
      layer.push_back({{0, key}, 700 + key % 10, "new"});
    }
    return layer;
  }

  static CompactionPlan plan() {
    CompactionPlan plan = merge_in_strips();
    for (std::size_t strip = 0; strip < plan.jobs.size(); strip += 2) {
      JobPart& part = plan.jobs[strip].parts.front();
      part.lsns.end = kLsns.end;
      part.inputs.insert(part.inputs.begin(), {kLayers + 1, part.keys});
    }
    return plan;
  }

  std::string pages() {
    std::string text;
    const auto add = [&](const LayerRecord& page) -> Status {
      text += to_string(page.key) + "=" + std::string(as_text(page.value)) + "\n";
      return {};
    };
    executor.read_pages(KeyRange::all(), kLsns.end, add).value();
    return text;
  }
};

TEST(RecordExecutor, WritesNothingByItselfThatAPlanTookFromMemory) {
  InMemory alone;
  alone.executor.flush(*stream_of(InMemory::records()), InMemory::kLsns).value();
  run_plan(InMemory::plan(), alone.executor).value();

  std::string on_one;
  for (const unsigned threads : {1U, 2U, 8U}) {
    InMemory merged;
    const std::size_t files = merged.storage.file_count();
    merged.executor.begin_flush(in_memory(InMemory::records()), InMemory::kLsns).value();
    EXPECT_EQ(merged.pages(), alone.pages());
    run_plan(InMemory::plan(), merged.executor, {.threads = threads}).value();
    EXPECT_EQ(merged.storage.file_count(), files) << "published before the flush was";
    EXPECT_EQ(merged.pages(), alone.pages());
    merged.executor.finish_flush().value();
    EXPECT_EQ(merged.pages(), alone.pages());
    std::uint64_t left = 0;
    for (const LayerShape& layer : merged.executor.layers().layers()) {
      EXPECT_FALSE(layer.is_in_memory());
      if (layer.lsns == InMemory::kLsns) left += layer.records;
    }
    EXPECT_EQ(left, InMemory::records().size() / 2);
    if (threads == 1) on_one = merged.print();
    EXPECT_EQ(merged.print(), on_one) << threads;
  }
}

TEST(RecordExecutor, HasOneFlushInMemoryAtATime) {
  InMemory layers;
  layers.executor.begin_flush(in_memory(InMemory::records()), InMemory::kLsns).value();
  const Status second = layers.executor.begin_flush(in_memory({}), {800, 900});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kInvalidArgument);
  layers.executor.finish_flush().value();
  layers.executor.begin_flush(in_memory({}), {800, 900}).value();
  layers.executor.finish_flush().value();
  EXPECT_EQ(layers.executor.layers().layers().size(),
            kLayers + 1);  // Of nothing there is no layer.
}

TEST(RecordExecutor, RefusesAFlushOfRecordsFromElsewhere) {
  InMemory layers;
  const Status early = layers.executor.begin_flush(in_memory({{{0, 1}, 699, "old"}}), {700, 800});
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(layers.executor.layers().layers().size(), kLayers);
}

TEST(RecordExecutor, RemembersTheVisitsOfWhatItCopies) {
  Flushed flushed;
  flushed.executor.layers().visit_shares([](const LayerShape& layer, CellShare& share) {
    share.visits_even = static_cast<double>(layer.id);
    share.visits_hot = static_cast<double>(share.cell.low);
  });
  const LayerShape copied = *flushed.executor.layers().find(1);
  CompactionPlan plan;
  plan.jobs.push_back(
      {.kind = JobKind::kReclaim,
       .parts = {
           {.keys = copied.keys, .lsns = copied.lsns, .inputs = {{copied.id, copied.keys}}}}});
  plan.jobs.push_back({.kind = JobKind::kMerge,
                       .parts = {{.keys = copied.keys,
                                  .lsns = {200, 400},
                                  .inputs = {{3, copied.keys}, {2, copied.keys}}}}});
  ASSERT_TRUE(run_plan(plan, flushed.executor).has_value());
  flushed.executor.settle().value();
  const auto layers = flushed.executor.layers().layers();
  EXPECT_EQ(layers[layers.size() - 2].cells, copied.cells);
  for (const CellShare& share : layers.back().cells) EXPECT_EQ(share.visits_even, 0);
}

TEST(RecordExecutor, CutsFilesBySizeBetweenPages) {
  Flushed flushed;
  JobPart part{.keys = KeyRange::all(), .lsns = {100, 700}};
  for (LayerId id = kLayers; id >= 1; --id) part.inputs.push_back({id, KeyRange::all()});
  CompactionPlan plan;
  plan.jobs.push_back({.kind = JobKind::kMerge, .parts = {part}, .cuts = {.bytes = 5000}});
  ASSERT_TRUE(run_plan(plan, flushed.executor).has_value());
  flushed.executor.settle().value();
  const auto layers = flushed.executor.layers().layers();
  ASSERT_GT(layers.size(), 2U);
  EXPECT_EQ(flushed.storage.file_count(), layers.size());
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    EXPECT_LE(layers[i].keys.end, layers[i + 1].keys.begin);
    EXPECT_GE(layers[i].bytes, 5000U);
    EXPECT_LT(layers[i].bytes, 5000U + layers[i].page_bytes_max);
  }
}

TEST(MergeRecords, NamesARecordThatComesTwice) {
  std::vector<std::unique_ptr<RecordStream>> streams;
  streams.push_back(stream_of({{{0, 5}, 10}}));
  streams.push_back(stream_of({{{0, 5}, 10}}));
  const Status status = merge_records(streams, [](const LayerRecord&) { return Status(); });
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, testing::HasSubstr("key 0:5 at LSN 10 comes twice"));
}

TEST(MergeRecords, NamesARecordThatIsOutOfOrder) {
  std::vector<std::unique_ptr<RecordStream>> streams;
  streams.push_back(stream_of({{{0, 5}, 10}, {{0, 4}, 10}}));
  const Status status = merge_records(streams, [](const LayerRecord&) { return Status(); });
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, testing::HasSubstr("key 0:4 at LSN 10 is out of order"));
}

}  // namespace
}  // namespace packstore
