// Steps that failed once. After the sync of a directory whoever tries again, or comes later, finds
// the name there and must not take it for durable. Each of these broke a promise that was made
// afterwards.
#include <gtest/gtest.h>

#include "crash/crash_points.h"
#include "crash/fault_points.h"

namespace packstore::crash {
namespace {

// A step of that kind fails like `fault`; after the operation was tried again, every promise holds.
void expect_retry_keeps(const std::string& name, std::string_view step, Fault fault = {}) {
  const Scenario scenario = find_scenario(name);
  const auto moments = record(scenario);
  ASSERT_TRUE(moments) << moments.error().message;
  int met = 0;
  for (const Moment& moment : *moments) {
    if (!moment.step.starts_with(step)) continue;
    ++met;
    fault.step = moment.number;
    const FaultSurvey survey = fail_at(scenario, {fault});
    for (const std::string& complaint : survey.complaints) ADD_FAILURE() << complaint;
  }
  EXPECT_GT(met, 0);
}

TEST(FailedSync, OfANewStoreIsDoneAgain) { expect_retry_keeps("create", "sync "); }
TEST(FailedSync, OfTheFirstPutIsDoneAgain) { expect_retry_keeps("put_first", "sync "); }
TEST(FailedSync, OfABackedUpObjectIsDoneAgain) {
  expect_retry_keeps("backup", "sync /backup/loose/");
}
TEST(FailedSync, OfABackupsPacksIsDoneAgain) {
  expect_retry_keeps("backup", "sync /backup/packs/");
}
TEST(FailedSync, OfANewPackIsDoneAgainFromItsHeaderOn) {
  expect_retry_keeps("churn", "sync /store/packs/0", {.for_good = true});
}

// The records of a commit that failed stay in the pack, whole; what was removed afterwards came
// back from there.
TEST(FailedCommit, BringsNothingBackThatIsRemovedAfterwards) {
  expect_retry_keeps("churn", "write /store/index.sqlite-wal");
}

}  // namespace
}  // namespace packstore::crash
