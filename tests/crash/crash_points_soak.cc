#include "crash/crash_points.h"

#include <gtest/gtest.h>

#include "crash/expect.h"
#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

class EveryOperation : public ::testing::TestWithParam<Scenario> {};

TEST_P(EveryOperation, SurvivesAPowerCutAtEveryStep) {
  expect_no_complaints(cut_power_everywhere(GetParam(), {.seed = testing::test_seed()}));
}

TEST_P(EveryOperation, SurvivesAFailureOfEveryStep) {
  expect_no_complaints(fail_everywhere(GetParam(), {.seed = testing::test_seed()}));
}

INSTANTIATE_TEST_SUITE_P(Store, EveryOperation, ::testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace packstore::crash
