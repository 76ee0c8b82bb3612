// Plans carried out on real records in memory: same result for any number of threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <set>

#include "base/error.h"
#include "compaction/record_merge.h"
#include "packstore/compaction_runner.h"

namespace packstore {
namespace {

struct OwnedRecord {
  Key key;
  Lsn lsn = 0;
  Bytes value;
};

using OwnedLayer = std::vector<OwnedRecord>;

class LayerStream final : public RecordStream {
 public:
  LayerStream(const OwnedLayer& layer, const KeyRange& keys) : layer_(layer), keys_(keys) {}

  Result<const LayerRecord*> next() override {
    while (next_ < layer_.size() && !keys_.contains(layer_[next_].key)) ++next_;
    if (next_ == layer_.size()) return nullptr;
    const OwnedRecord& record = layer_[next_++];
    record_ = {record.key, record.lsn, record.value};
    return &record_;
  }

 private:
  const OwnedLayer& layer_;
  KeyRange keys_;
  std::size_t next_ = 0;
  LayerRecord record_;
};

struct MemoryOutputs final : JobOutputs {
  std::vector<OwnedLayer> layers;
};

// Layers by id; inputs of a published job lose the job's keys.
class MemoryExecutor final : public JobExecutor {
 public:
  explicit MemoryExecutor(std::map<LayerId, OwnedLayer> layers)
      : inputs_(layers), layers_(std::move(layers)) {}

  Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job,
                                           const JobControl& control) override {
    auto outputs = std::make_unique<MemoryOutputs>();
    for (const JobPart& part : job.parts) {
      std::vector<std::unique_ptr<RecordStream>> streams;
      for (const JobInput& input : part.inputs) {
        if (inputs_.count(input.layer) == 0) {
          return fail(ErrorCode::kNotFound, "layer {}", input.layer);
        }
        streams.push_back(std::make_unique<LayerStream>(inputs_.at(input.layer), input.keys));
      }
      OwnedLayer& made = outputs->layers.emplace_back();
      const auto append = [&](const LayerRecord& record) -> Status {
        RETURN_IF_ERROR(control.before_read(record.value.size()));
        RETURN_IF_ERROR(control.before_write(record.value.size()));
        made.push_back({record.key, record.lsn, Bytes(record.value.begin(), record.value.end())});
        return {};
      };
      RETURN_IF_ERROR(merge_records(streams, append));
    }
    return std::unique_ptr<JobOutputs>(std::move(outputs));
  }

  Status publish(const CompactionJob& job, JobOutputs& outputs) override {
    for (const JobPart& part : job.parts) {
      for (const JobInput& input : part.inputs) {
        std::erase_if(layers_.at(input.layer),
                      [&](const OwnedRecord& record) { return input.keys.contains(record.key); });
      }
    }
    for (OwnedLayer& layer : static_cast<MemoryOutputs&>(outputs).layers) {
      layers_.emplace(next_id_++, std::move(layer));
    }
    return {};
  }

  std::string print() const {
    std::string text;
    for (const auto& [id, layer] : layers_) {
      text += "layer " + std::to_string(id) + "\n";
      for (const OwnedRecord& record : layer) {
        text += to_string(record.key) + "@" + std::to_string(record.lsn) + "=" +
                std::string(as_text(record.value)) + "\n";
      }
    }
    return text;
  }

 private:
  const std::map<LayerId, OwnedLayer> inputs_;
  std::map<LayerId, OwnedLayer> layers_;
  LayerId next_id_ = 1000;
};

constexpr std::uint64_t kKeys = 400;
constexpr LayerId kLayers = 6;

std::map<LayerId, OwnedLayer> some_layers() {
  std::mt19937_64 random(7);
  std::map<LayerId, OwnedLayer> layers;
  for (LayerId id = 1; id <= kLayers; ++id) {
    std::set<std::uint64_t> keys;
    for (int i = 0; i < 300; ++i) keys.insert(random() % kKeys);
    for (const std::uint64_t key : keys) {
      const std::string value = std::to_string(random() % 1000);
      const ByteView bytes = as_bytes(value);
      layers[id].push_back({{0, key}, id * 100 + key % 10, Bytes(bytes.begin(), bytes.end())});
    }
  }
  return layers;
}

// Merges the layers in strips of keys: newest three in one job, all in the next, and so on.
CompactionPlan merge_in_strips() {
  CompactionPlan plan;
  for (std::uint64_t strip = 0; strip < 40; ++strip) {
    const KeyRange keys{{0, strip * 10}, {0, strip * 10 + 10}};
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
    MemoryExecutor executor(some_layers());
    ASSERT_TRUE(run_plan(merge_in_strips(), executor, {.threads = threads}).has_value());
    if (on_one.empty()) on_one = executor.print();
    EXPECT_EQ(executor.print(), on_one) << threads;
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
  MemoryExecutor executor(some_layers());
  ASSERT_TRUE(run_plan(merge_in_strips(), executor,
                       {.threads = 2, .pace_read = add_to(read), .pace_write = add_to(written)})
                  .has_value());
  EXPECT_GT(read, 0U);
  EXPECT_EQ(read, written);
}

TEST(RunPlan, BeginsAJobAfterThoseItNames) {
  class Recorder final : public JobExecutor {
   public:
    Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job, const JobControl&) override {
      const std::lock_guard lock(mutex_);
      for (const std::uint32_t before : job.after) EXPECT_LT(before, published_);
      return std::unique_ptr<JobOutputs>(std::make_unique<MemoryOutputs>());
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

TEST(RunPlan, RefusesAJobThatWaitsForALaterOne) {
  CompactionPlan plan;
  plan.jobs.push_back({.after = {0}});
  MemoryExecutor executor({});
  const Status status = run_plan(plan, executor);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
}

TEST(RunPlan, PublishesWhatComesBeforeAnErrorAndNothingElse) {
  CompactionPlan plan = merge_in_strips();
  plan.jobs[5].parts[0].inputs.push_back({77, plan.jobs[5].parts[0].keys});
  std::string on_one;
  for (const unsigned threads : {1U, 4U}) {
    MemoryExecutor executor(some_layers());
    const Status status = run_plan(plan, executor, {.threads = threads});
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
    if (on_one.empty()) on_one = executor.print();
    EXPECT_EQ(executor.print(), on_one);
  }
}

TEST(RunPlan, StopsBetweenBlocks) {
  std::stop_source stop;
  MemoryExecutor executor(some_layers());
  std::uint64_t blocks = 0;
  const Status status =
      run_plan(merge_in_strips(), executor,
               {.control = {.stop = stop.get_token()}, .pace_read = [&](std::uint64_t) {
                  if (++blocks == 100) stop.request_stop();
                }});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(blocks, 100U);
}

TEST(MergeRecords, NamesARecordThatComesTwice) {
  const OwnedLayer layer{{{0, 5}, 10, {}}};
  std::vector<std::unique_ptr<RecordStream>> streams;
  streams.push_back(std::make_unique<LayerStream>(layer, KeyRange::all()));
  streams.push_back(std::make_unique<LayerStream>(layer, KeyRange::all()));
  const Status status = merge_records(streams, [](const LayerRecord&) { return Status(); });
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, testing::HasSubstr("key 0:5 at LSN 10 comes twice"));
}

TEST(MergeRecords, NamesARecordThatIsOutOfOrder) {
  const OwnedLayer layer{{{0, 5}, 10, {}}, {{0, 4}, 10, {}}};
  std::vector<std::unique_ptr<RecordStream>> streams;
  streams.push_back(std::make_unique<LayerStream>(layer, KeyRange::all()));
  const Status status = merge_records(streams, [](const LayerRecord&) { return Status(); });
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, testing::HasSubstr("key 0:4 at LSN 10 is out of order"));
}

}  // namespace
}  // namespace packstore
