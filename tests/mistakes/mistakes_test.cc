// Tests of the crash tests: each mistake that somebody could make in the library is made on
// purpose, and has to be noticed; without it, the same look finds nothing.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "base/mistake.h"
#include "crash/crash_matrix.h"
#include "crash/fault_points.h"
#include "mistakes/checks.h"

namespace packstore::crash {
namespace {

// Enough to meet every step of one scenario in each way, with several seeds; second cuts count too.
constexpr std::uint64_t kRounds = 24;

Complaints cut_power_in(const std::string& scenario) {
  Complaints found;
  std::uint64_t cuts = 0;
  const auto note = [&](std::string_view name, const std::vector<Cut>& at,
                        const Complaints& complaints) {
    found.push_back(std::string(name) + " cut at " + to_text(at) + ": " + complaints.front());
  };
  const auto moments = record(find_scenario(scenario));
  if (!moments) return {scenario + " undisturbed: " + moments.error().message};
  cuts = moments->size() * (certain_cuts().size() + kRounds * tossed_cuts(0).size());
  run_matrix({.cuts = cuts, .violations = 1, .seed = 1, .scenario = scenario}, note);
  return found;
}

Complaints fail_in(const std::string& scenario) {
  return fail_everywhere(find_scenario(scenario), {.seed = 1, .runs = 60}).complaints;
}

struct Case {
  Mistake mistake;
  std::string name;
  std::string look_name;
  std::function<Complaints()> look;
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

Case cut(Mistake mistake, std::string name, const std::string& scenario) {
  return {mistake, std::move(name), "power cuts in " + scenario,
          [scenario] { return cut_power_in(scenario); }};
}

Case fail(Mistake mistake, std::string name, const std::string& scenario) {
  return {mistake, std::move(name), "faults in " + scenario,
          [scenario] { return fail_in(scenario); }};
}

std::vector<Case> cases() {
  using enum Mistake;
  return {
      cut(kSkipPackSync, "SkipPackSync", "put_packed"),
      cut(kSkipPackDirectorySync, "SkipPackDirectorySync", "batch_commit"),
      cut(kCommitBeforeSync, "CommitBeforeSync", "put_packed"),
      cut(kSkipPublishSync, "SkipPublishSync", "put_small"),
      cut(kSkipPublishDirectorySync, "SkipPublishDirectorySync", "put_small"),
      cut(kRenameBeforeSync, "RenameBeforeSync", "put_small"),
      cut(kUnlinkLooseBeforeCommit, "UnlinkLooseBeforeCommit", "pack_loose"),
      cut(kUnlinkLooseAfterLazyCommit, "UnlinkLooseAfterLazyCommit", "pack_loose"),
      cut(kUnlinkPackBeforeCommit, "UnlinkPackBeforeCommit", "repack"),
      cut(kForgetUnlinkBeforeSync, "ForgetUnlinkBeforeSync", "remove"),
      cut(kRemoveLazily, "RemoveLazily", "remove"),
      cut(kMoveRefLazily, "MoveRefLazily", "ref_moves"),
      cut(kAcknowledgeBeforeCommit, "AcknowledgeBeforeCommit", "put_packed"),
      cut(kSkipCommitRecord, "SkipCommitRecord", "batch_commit"),
      cut(kLeaveTailsOut, "LeaveTailsOut", "put_packed"),
      cut(kTakeInOpenGroups, "TakeInOpenGroups", "batch_commit"),
      cut(kReusePackNumber, "ReusePackNumber", "churn"),
      fail(kRetryFailedSync, "RetryFailedSync", "put_packed"),
      fail(kGoOnAfterFailure, "GoOnAfterFailure", "batch_commit"),
      fail(kLeaveLogInDoubt, "LeaveLogInDoubt", "remove"),
      {kSyncTailWithoutRewriting, "SyncTailWithoutRewriting", "a tail of a failed sync",
       check_tail_of_failed_sync},
      {kAcceptShortWrite, "AcceptShortWrite", "a short write", check_short_write},
      {kForgetLock, "ForgetLock", "two holders", check_lock},
      {kSkipSecondLookup, "SkipSecondLookup", "a move during a read", check_move_during_read},
      {kMoveRefToAbsentObject, "MoveRefToAbsentObject", "a ref to nothing",
       check_ref_to_absent_object},
      {kCopyDamagedRecord, "CopyDamagedRecord", "repack of damage", check_repack_of_damage},
      {kTrustLength, "TrustLength", "a false length", check_false_length},
  };
}

class MistakeOnPurpose : public ::testing::TestWithParam<Case> {
 protected:
  ~MistakeOnPurpose() override { mistake_of_the_test = Mistake::kNone; }
};

TEST_P(MistakeOnPurpose, IsNoticed) {
  mistake_of_the_test = GetParam().mistake;
  const Complaints found = GetParam().look();
  ASSERT_FALSE(found.empty()) << GetParam().look_name;
  std::printf("%s: %s\n", GetParam().look_name.c_str(), found.front().c_str());
}

INSTANTIATE_TEST_SUITE_P(Store, MistakeOnPurpose, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

// Of the checks that nothing else runs; power cuts and faults without a mistake are tests/crash.
TEST(NoMistake, IsNotNoticed) {
  for (const auto check :
       {check_tail_of_failed_sync, check_short_write, check_lock, check_move_during_read,
        check_ref_to_absent_object, check_repack_of_damage, check_false_length}) {
    EXPECT_EQ(check(), Complaints());
  }
}

}  // namespace
}  // namespace packstore::crash
