// A step of one process fails; another one, that has the store open beside it or opens it
// afterwards, goes on. What it acknowledges must be there when both have ended, with the power on
// or not. Method: fail each step of the first one's operation, each in several ways.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "crash/crash_points.h"
#include "crash/sim_disk.h"
#include "crash/world.h"

namespace packstore::crash {
namespace {

using Act = std::function<Status(World&)>;

constexpr PutOptions kPacked{.placement = Placement::kPacked};
constexpr Fault::Effect kEffects[] = {Fault::Effect::kNothingDone, Fault::Effect::kHalfDone,
                                      Fault::Effect::kDoneAnyway};

struct Story {
  Act before;  // The store that they meet.
  Act first;   // Fails.
  Act second;  // Done by the other process.
};

enum class Other : std::uint8_t { kWasThereBefore, kComesAfterwards };
std::string to_text(Other other) {
  return other == Other::kWasThereBefore ? "WasThereBefore" : "ComesAfterwards";
}
void PrintTo(Other other, std::ostream* out) { *out << to_text(other); }

class TwoProcesses : public ::testing::TestWithParam<Other> {
 protected:
  void expect_kept(Story told) {
    story_ = std::move(told);
    SimDisk disk;
    World planter(disk);
    ASSERT_TRUE(planter.create() && story_.before(planter));
    planter.close();
    start_ = disk.state();
    claims_ = planter.claims();
    bool has_step = true;
    for (std::uint64_t step = 1; has_step && !HasFailure(); ++step) {
      for (const Fault::Effect effect : kEffects) {
        SCOPED_TRACE(::testing::Message() << "step " << step << ", effect " << int(effect));
        has_step = run_into({.step = step, .effect = effect});
      }
    }
    EXPECT_GT(failures_, 0) << "no fault mattered";
  }

 private:
  // False: the operation has fewer steps.
  bool run_into(Fault fault) {
    SimDisk disk(start_);
    World first(disk, claims_);
    World second(disk);
    EXPECT_TRUE(first.open());
    if (GetParam() == Other::kWasThereBefore) {
      EXPECT_TRUE(second.open());
    }
    fault.step += disk.steps();
    disk.fail({fault});
    if (!story_.first(first)) ++failures_;
    const bool has_step = disk.steps() >= fault.step;
    disk.fail({});
    first.close();

    second.learn(first.claims());
    if (!second.is_open()) {
      EXPECT_TRUE(second.open());
    }
    EXPECT_TRUE(story_.second(second));
    second.close();
    look("power stays", disk.state(), second.claims());
    for (const Kept content : {Kept::kNothing, Kept::kEverything, Kept::kByChance}) {
      look("power cut", disk.state().after({Kept::kEverything, content, fault.step}),
           second.claims());
    }
    return has_step;
  }

  void look(std::string_view when, const DiskState& left, const Claims& claims) {
    const Scenario scenario{.name = "two processes", .act = story_.second};
    for (const std::string& line : examine(scenario, left, claims, {}).complaints) {
      ADD_FAILURE() << when << ": " << line;
    }
  }

  Story story_;
  DiskState start_;
  Claims claims_;
  int failures_ = 0;
};

INSTANTIATE_TEST_SUITE_P(AnotherThat, TwoProcesses,
                         ::testing::Values(Other::kWasThereBefore, Other::kComesAfterwards),
                         [](const auto& test) { return to_text(test.param); });

Status put_both_ways(World& world) {
  RETURN_IF_ERROR(world.open());
  RETURN_IF_ERROR(world.put("loose"));
  RETURN_IF_ERROR(world.put("packed", kPacked));
  return world.commit_batch({"of a batch", "of the same batch"});
}

// Turns a bit of it.
Status damage_loose_copy(World& world, std::string_view text) {
  const std::string hex = ObjectId::of(as_bytes(text)).to_hex();
  const std::string shard_path = world.store_path() + "/loose/" + hex.substr(0, 2);
  ASSIGN_OR_RETURN(const auto shard, world.files().open_directory(shard_path));
  ASSIGN_OR_RETURN(const auto file, shard->open_file(hex.substr(2), io::OpenMode::kReadWrite));
  const std::byte flipped = as_bytes(text).front() ^ std::byte{1};
  RETURN_IF_ERROR(file->write_at(0, {&flipped, 1}));
  return file->sync();
}

// The removal may turn up when the log is read again: not after somebody was told that it is there.
TEST_P(TwoProcesses, KeepWhatIsFoundAfterARemovalThatFailed) {
  expect_kept({.before = put_both_ways,
               .first =
                   [](World& world) {
                     return world.remove({"packed", "loose"});
                   },
               .second = [](World& world) -> Status {
                 RETURN_IF_ERROR(world.put("packed", kPacked));
                 return world.put("loose");
               }});
}

// Nor after somebody was told that it is pinned, and found it.
TEST_P(TwoProcesses, KeepWhatIsPinnedAfterARemovalThatFailed) {
  expect_kept({.before = put_both_ways,
               .first =
                   [](World& world) {
                     return world.remove({"packed", "loose"});
                   },
               .second =
                   [](World& world) {
                     return world.rely_on({"packed", "loose"});
                   }});
}

// Nor after a damaged loose copy was found, and written anew: the removal would unlink it.
TEST_P(TwoProcesses, KeepWhatIsWrittenAnewAfterARemovalThatFailed) {
  expect_kept({.before = [](World& world) -> Status {
                 RETURN_IF_ERROR(put_both_ways(world));
                 return damage_loose_copy(world, "loose");
               },
               .first = [](World& world) { return world.remove({"loose"}); },
               .second = [](World& world) { return world.put("loose"); }});
}

// The batch may turn up as well, and be lost with the power: its rows were never synced.
TEST_P(TwoProcesses, KeepWhatIsFoundAfterABatchThatFailed) {
  expect_kept({.before = put_both_ways,
               .first = [](World& world) -> Status {
                 return world.commit_batch({"new", "newer"}, {}, "head");
               },
               .second =
                   [](World& world) {
                     return world.commit_batch({"new", "newer"});
                   }});
}

// A sync that succeeds after one that failed keeps nothing of what was written before that one.
TEST_P(TwoProcesses, KeepWhatIsMadeDurableAfterASyncThatFailed) {
  expect_kept({.before = put_both_ways,
               .first = [](World& world) -> Status {
                 RETURN_IF_ERROR(world.put("lazily committed", kPacked));
                 return world.move_ref("head", "packed");
               },
               .second = [](World& world) { return world.move_ref("other", "loose"); }});
}

TEST_P(TwoProcesses, KeepWhatIsMadeDurableAfterACheckpointThatFailed) {
  expect_kept({.before = put_both_ways,
               .first = [](World& world) { return world.checkpoint(); },
               .second = [](World& world) -> Status {
                 RETURN_IF_ERROR(world.move_ref("other", "loose"));
                 RETURN_IF_ERROR(world.checkpoint());
                 return world.move_ref("head", "packed");
               }});
}

}  // namespace
}  // namespace packstore::crash
