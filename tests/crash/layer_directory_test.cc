// A compaction of layers in files, cut off at every step: jobs are done or not begun, and every
// read finds what it found before. Method: keep the disk before each step of one run, and open what
// a power cut leaves of each.
#include <gtest/gtest.h>

#include <vector>

#include "compaction/made_layers.h"
#include "crash/sim_disk.h"

namespace packstore::crash {
namespace {

// The directory as a power cut leaves it: nothing that was not synced, or all of it.
void expect_layers_after(const DiskState& state, Lsn tip, const Pages& pages) {
  for (const Kept kept : {Kept::kNothing, Kept::kEverything}) {
    SimDisk disk(state.after({.names = kept, .content = kept}));
    Layers layers(disk.open_directory("/layers").value());
    EXPECT_EQ(read_all(*layers.executor, tip), pages);
  }
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
    expect_layers_after(moments[i], 3000, pages);
  }
}

}  // namespace
}  // namespace packstore::crash
