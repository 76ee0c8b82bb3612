#include "crash/fault_points.h"

#include <gtest/gtest.h>

#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

// Enough to meet most kinds of steps in most ways; the soak run does all.
constexpr std::uint64_t kEverydayRuns = 12;

class FaultDuring : public ::testing::TestWithParam<Scenario> {};

TEST_P(FaultDuring, BreaksNoPromise) {
  const FaultSurvey survey =
      fail_everywhere(GetParam(), {.seed = testing::test_seed(), .runs = kEverydayRuns});
  for (const std::string& complaint : survey.complaints) ADD_FAILURE() << complaint;
  EXPECT_GT(survey.runs, 0U);
}

INSTANTIATE_TEST_SUITE_P(Store, FaultDuring, ::testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace packstore::crash
