// A compaction of layers in files, cut off at every step: jobs are done or not begun, and every
// read finds what it found before. Method: keep the disk before each step of one run, and open what
// a power cut leaves of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "compaction/made_layers.h"
#include "crash/sim_disk.h"

namespace packstore::crash {
namespace {

// What is read of the directory as a power cut leaves it: nothing that was not synced, or all of
// it.
std::vector<Pages> read_after_power_cut(const DiskState& state, Lsn tip) {
  std::vector<Pages> read;
  for (const Kept kept : {Kept::kNothing, Kept::kEverything}) {
    SimDisk disk(state.after({.names = kept, .content = kept}));
    Layers layers(disk.open_directory("/layers").value());
    read.push_back(read_all(*layers.executor, tip));
  }
  return read;
}

TEST(LayerDirectoryPowerCut, LosesNothingWhereverThePowerIsCut) {
  SimDisk disk;
  Layers layers(disk.create_directory("/layers", true).value());
  ASSERT_TRUE(layers.flush(3, 2, 500).has_value());
  const Pages pages = read_all(*layers.executor, 3000);
  std::vector<DiskState> moments;
  disk.observe([&](std::uint64_t, const std::string&) { moments.push_back(disk.state()); });
  ASSERT_TRUE(run_plan(plan_for(3), *layers.executor).has_value());
  disk.observe({});
  moments.push_back(disk.state());
  EXPECT_GT(moments.size(), 50U);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_THAT(read_after_power_cut(moments[i], 3000), ::testing::Each(pages));
  }
}

TEST(LayerDirectoryPowerCut, LeavesAllOfAFlushThatIsMergedFromMemoryOrNothing) {
  SimDisk disk;
  Layers layers(disk.create_directory("/layers", true).value());
  ASSERT_TRUE(layers.flush(2, 2, 500).has_value());
  const Pages before = read_all(*layers.executor, 3000);
  std::vector<DiskState> moments;
  disk.observe([&](std::uint64_t, const std::string&) { moments.push_back(disk.state()); });
  ASSERT_TRUE(layers.executor->begin_flush(made_flush(2000, 2, 500), {2000, 3000}).has_value());
  const Pages after = read_all(*layers.executor, 3000);
  ASSERT_TRUE(run_plan(merges_for(3), *layers.executor).has_value());
  const std::size_t planned = moments.size();
  ASSERT_TRUE(layers.executor->finish_flush().has_value());
  disk.observe({});
  EXPECT_GT(planned, 10U);
  EXPECT_GT(moments.size(), planned + 5);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE(i);
    for (const Pages& read : read_after_power_cut(moments[i], 3000)) {
      EXPECT_TRUE(read == before || (i >= planned && read == after));
    }
  }
  EXPECT_THAT(read_after_power_cut(disk.state(), 3000), ::testing::Each(after));
}

}  // namespace
}  // namespace packstore::crash
