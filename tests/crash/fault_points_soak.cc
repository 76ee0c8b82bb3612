#include <gtest/gtest.h>

#include "crash/fault_points.h"
#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

class FaultAnywhereDuring : public ::testing::TestWithParam<Scenario> {};

TEST_P(FaultAnywhereDuring, BreaksNoPromise) {
  const FaultSurvey survey = fail_everywhere(GetParam(), {.seed = testing::test_seed()});
  for (const std::string& complaint : survey.complaints) ADD_FAILURE() << complaint;
  EXPECT_GE(survey.runs, survey.steps);
}

INSTANTIATE_TEST_SUITE_P(Store, FaultAnywhereDuring, ::testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace packstore::crash
