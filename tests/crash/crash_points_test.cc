#include "crash/crash_points.h"

#include <gtest/gtest.h>

#include "crash/expect.h"
#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

// Enough to meet most steps in most ways; the soak run does all.
constexpr std::uint64_t kEverydayStates = 150;

class Operation : public ::testing::TestWithParam<Scenario> {};

TEST_P(Operation, SurvivesAPowerCutAtAnyStep) {
  expect_no_complaints(
      cut_power_everywhere(GetParam(), {.seed = testing::test_seed(), .states = kEverydayStates}));
}

TEST_P(Operation, SurvivesAFailureOfAnyStep) {
  expect_no_complaints(
      fail_everywhere(GetParam(), {.seed = testing::test_seed(), .states = kEverydayStates}));
}

INSTANTIATE_TEST_SUITE_P(Store, Operation, ::testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace packstore::crash
