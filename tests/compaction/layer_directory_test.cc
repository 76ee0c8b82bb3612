// Plans carried out on files: the same bytes on any number of threads, in bounded memory, stopped
// at any block, and cut off at every step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>

#include "compaction/made_layers.h"
#include "support/scratch_directory.h"

namespace packstore {
namespace {

using testing::ScratchDirectory;

std::map<std::string, std::string> contents_of(const std::filesystem::path& path) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    contents[entry.path().filename()] = testing::read_file(entry.path());
  }
  return contents;
}

// Asks to stop at a block, and counts them.
struct StopAtBlock {
  std::uint64_t at = 0;
  std::uint64_t blocks = 0;
  std::stop_source stop = {};

  void operator()(std::uint64_t) {
    if (++blocks == at) stop.request_stop();
  }
};

TEST(LayerDirectory, IsTheSameToTheByteOnAnyNumberOfThreads) {
  std::map<std::string, std::string> on_one;
  for (const unsigned threads : {1U, 2U, 8U}) {
    const ScratchDirectory scratch;
    Layers layers(scratch.path());
    ASSERT_TRUE(layers.flush(4, 3, 700).has_value());
    ASSERT_TRUE(run_plan(plan_for(4), *layers.executor, {.threads = threads}).has_value());
    if (threads == 1) on_one = contents_of(scratch.path());
    EXPECT_EQ(contents_of(scratch.path()), on_one) << threads;
  }
  EXPECT_EQ(on_one.size(), 1 + kCells + 4);  // The images' inputs are still there.
}

TEST(LayerDirectory, ReadsTheSameAfterARunAndAfterReopening) {
  const ScratchDirectory scratch;
  Layers layers(scratch.path());
  ASSERT_TRUE(layers.flush(4, 3, 700).has_value());
  const Pages at_tip = read_all(*layers.executor, 4000);
  const Pages before = read_all(*layers.executor, 1002);
  EXPECT_EQ(at_tip.size(), kCells * 16);
  EXPECT_NE(at_tip, before);
  ASSERT_TRUE(run_plan(plan_for(4), *layers.executor, {.threads = 2}).has_value());
  EXPECT_EQ(read_all(*layers.executor, 4000), at_tip);
  Layers again(scratch.path());
  EXPECT_EQ(read_all(*again.executor, 4000), at_tip);
  EXPECT_EQ(read_all(*again.executor, 1002), before);
}

TEST(LayerDirectory, NamesADamagedBlock) {
  const ScratchDirectory scratch;
  Layers layers(scratch.path());
  ASSERT_TRUE(layers.flush(2, 3, 700).has_value());
  std::string bytes = testing::read_file(scratch / "layer-1");
  bytes[1000] = static_cast<char>(bytes[1000] ^ 1);
  testing::write_file(scratch / "layer-1", bytes);
  const Status status = run_plan(plan_for(2), *layers.executor);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(status.error().message, ::testing::HasSubstr("layer-1: block at 0 is damaged"));
}

// What is merged is read once, apart from blocks that hold a border of the job's keys.
TEST(LayerDirectory, ReadsEachBlockOnceForAMergeOfWholeLayers) {
  const ScratchDirectory scratch;
  Layers layers(scratch.path());
  ASSERT_TRUE(layers.flush(6, 4, 900).has_value());
  JobPart part{.keys = KeyRange::all(), .lsns = {0, 6000}};
  for (LayerId id = 6; id >= 1; --id) part.inputs.push_back({id, KeyRange::all()});
  CompactionPlan plan;
  plan.jobs.push_back({.kind = JobKind::kMerge, .parts = {std::move(part)}});
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  ASSERT_TRUE(run_plan(plan, *layers.executor,
                       {.pace_read = [&](std::uint64_t bytes) { read += bytes; },
                        .pace_write = [&](std::uint64_t bytes) { written += bytes; }})
                  .has_value());
  EXPECT_EQ(read, layers.executor->layers().layers().back().bytes);
  EXPECT_LE(written, read + read / 100);
}

TEST(LayerDirectory, StoppedAtAnyBlockHasWholeJobsAndNothingElse) {
  for (std::uint64_t at = 1;; at = at * 2 + 1) {
    const ScratchDirectory scratch;
    Layers layers(scratch.path());
    ASSERT_TRUE(layers.flush(3, 3, 1000).has_value());
    const Pages pages = read_all(*layers.executor, 3000);
    StopAtBlock stop{.at = at};
    const Status status = run_plan(plan_for(3), *layers.executor,
                                   {.control = {.stop = stop.stop.get_token()},
                                    .pace_read = std::ref(stop),
                                    .pace_write = std::ref(stop)});
    if (status.has_value()) break;
    EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(stop.blocks, at) << "went on";
    EXPECT_EQ(read_all(*layers.executor, 3000), pages);
    for (const auto& [name, content] : contents_of(scratch.path())) {
      EXPECT_FALSE(name.starts_with("new-")) << name;
    }
    Layers again(scratch.path());
    EXPECT_EQ(read_all(*again.executor, 3000), pages);
  }
}

// What one plan takes from memory is there with the flush, or is not there.
TEST(LayerDirectory, StoppedAtAnyBlockOfAMergeFromMemoryHasAllOfTheFlushOrNothing) {
  bool was_cut = false;
  for (std::uint64_t at = 1;; at = at * 2 + 1) {
    const ScratchDirectory scratch;
    Pages before;
    Pages after;
    bool is_over = false;
    {
      Layers layers(scratch.path());
      ASSERT_TRUE(layers.flush(2, 3, 1000).has_value());
      before = read_all(*layers.executor, 3000);
      ASSERT_TRUE(
          layers.executor->begin_flush(made_flush(2000, 3, 1000), {2000, 3000}).has_value());
      after = read_all(*layers.executor, 3000);
      EXPECT_NE(after, before);
      StopAtBlock stop{.at = at};
      const Status status = run_plan(merges_for(3), *layers.executor,
                                     {.control = {.stop = stop.stop.get_token()},
                                      .pace_read = std::ref(stop),
                                      .pace_write = std::ref(stop)});
      EXPECT_EQ(read_all(*layers.executor, 3000), after);
      is_over = status.has_value();
      if (is_over) {
        ASSERT_TRUE(layers.executor->finish_flush().has_value());
      }
    }
    was_cut |= !is_over;
    Layers again(scratch.path());
    EXPECT_EQ(read_all(*again.executor, 3000), is_over ? after : before);
    if (is_over) break;
  }
  EXPECT_TRUE(was_cut);
}

TEST(LayerDirectory, GoesOnWithAFlushWhosePlanWasStopped) {
  const ScratchDirectory scratch;
  Layers layers(scratch.path());
  ASSERT_TRUE(layers.flush(2, 3, 1000).has_value());
  ASSERT_TRUE(layers.executor->begin_flush(made_flush(2000, 3, 1000), {2000, 3000}).has_value());
  const Pages pages = read_all(*layers.executor, 3000);
  StopAtBlock stop{.at = 8};
  ASSERT_FALSE(run_plan(merges_for(3), *layers.executor,
                        {.control = {.stop = stop.stop.get_token()}, .pace_write = std::ref(stop)})
                   .has_value());
  ASSERT_TRUE(layers.executor->finish_flush().has_value());
  EXPECT_EQ(read_all(*layers.executor, 3000), pages);
  Layers again(scratch.path());
  EXPECT_EQ(read_all(*again.executor, 3000), pages);
}

std::uint64_t blocks_of(const std::filesystem::path& file) {
  struct stat info {};
  EXPECT_EQ(::stat(file.c_str(), &info), 0);
  return static_cast<std::uint64_t>(info.st_blocks) * 512;
}

// Every other cell is merged away: half of each file becomes holes, and what is left is read.
TEST(LayerDirectory, GivesBackWhatIsDeadInTheMiddleOfAFile) {
  const ScratchDirectory scratch;
  Layers layers(scratch.path());
  ASSERT_TRUE(layers.flush(2, 60, 1000).has_value());  // A megabyte a cell.
  const std::uint64_t whole = blocks_of(scratch / "layer-1");
  const Pages at_tip = read_all(*layers.executor, 2000);
  const Pages before = read_all(*layers.executor, 1000);
  ASSERT_TRUE(run_plan(merges_for(2), *layers.executor).has_value());
  EXPECT_EQ(blocks_of(scratch / "layer-1"), whole) << "while somebody may still read it";
  ASSERT_TRUE(layers.executor->settle().has_value());
  if (blocks_of(scratch / "layer-1") == whole) GTEST_SKIP() << "this file system has no holes";
  std::uint64_t claimed = 0;
  for (const FileShape& file : layers.executor->layers().files()) {
    const std::string name = "layer-" + std::to_string(file.id);
    EXPECT_LE(blocks_of(scratch / name), file.bytes + (64 << 10)) << name;  // And its index.
    claimed += file.bytes;
  }
  EXPECT_LT(blocks_of(scratch / "layer-1"), whole * 7 / 10);
  EXPECT_LT(claimed, 2 * whole + whole / 3);  // Not three halves of two files, and one merged.
  EXPECT_EQ(read_all(*layers.executor, 2000), at_tip);
  Layers again(scratch.path());
  EXPECT_EQ(read_all(*again.executor, 2000), at_tip);
  EXPECT_EQ(read_all(*again.executor, 1000), before);
}

// Somebody stopped between the listing and the holes.
TEST(LayerDirectory, MakesTheHolesThatAreMissingWhenItIsOpened) {
  const ScratchDirectory scratch;
  std::uint64_t whole = 0;
  Pages pages;
  {
    Layers layers(scratch.path());
    ASSERT_TRUE(layers.flush(2, 60, 1000).has_value());
    whole = blocks_of(scratch / "layer-1");
    ASSERT_TRUE(run_plan(merges_for(2), *layers.executor).has_value());
    pages = read_all(*layers.executor, 2000);
  }
  Layers again(scratch.path());
  if (blocks_of(scratch / "layer-1") == whole) GTEST_SKIP() << "this file system has no holes";
  EXPECT_LT(blocks_of(scratch / "layer-1"), whole * 7 / 10);
  EXPECT_EQ(read_all(*again.executor, 2000), pages);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Bytes that the heap holds at the most while layers of so many records are merged.
std::size_t memory_of_a_merge(std::size_t inputs, std::uint64_t per_key) {
  const ScratchDirectory scratch;
  Layers layers(scratch.path());
  layers.flush(inputs, per_key, 2000).value();
  JobPart part{.keys = KeyRange::all(), .lsns = {0, inputs * 1000}};
  for (LayerId id = inputs; id >= 1; --id) part.inputs.push_back({id, KeyRange::all()});
  CompactionPlan plan;
  plan.jobs.push_back({.kind = JobKind::kMerge, .parts = {std::move(part)}});
  const auto in_use = [] {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const std::size_t before = in_use();
  std::size_t most = before;
  const auto look = [&](std::uint64_t) { most = std::max(most, in_use()); };
  run_plan(plan, *layers.executor, {.pace_read = look, .pace_write = look}).value();
  return most - before;
}

TEST(LayerDirectory, MergesInMemoryThatGrowsWithTheInputsAndNotWithTheLevel) {
  const std::size_t small = memory_of_a_merge(8, 8);  // 3 MB a layer.
  if (small == 0) GTEST_SKIP() << "this heap does not say how much it holds";
  EXPECT_LT(small, std::size_t{8} << 20);
  // Four times the level: where each block is has to be known, 40 bytes for 64 KiB.
  EXPECT_LT(memory_of_a_merge(8, 32), small + (256 << 10));
  EXPECT_LT(memory_of_a_merge(16, 8), small + (8 << 20));
}
#endif

}  // namespace
}  // namespace packstore
