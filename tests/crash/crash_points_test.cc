#include "crash/crash_points.h"

#include <gtest/gtest.h>

#include "crash/crash_matrix.h"
#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

// A few cuts of everything, for builds in which the matrix takes too long; it does all.
constexpr std::uint64_t kEverydayCuts = 120;

class PowerCutDuring : public ::testing::TestWithParam<Scenario> {};

TEST_P(PowerCutDuring, LosesNothingAcknowledged) {
  const MatrixOptions options{
      .cuts = kEverydayCuts, .seed = testing::test_seed(), .scenario = GetParam().name};
  const MatrixReport report =
      run_matrix(options, [](std::string_view scenario, const auto& cuts, const auto& complaints) {
        ADD_FAILURE() << scenario << " cut at " << to_text(cuts) << ": " << complaints.front();
      });
  EXPECT_GE(report.total().cuts, kEverydayCuts);
}

INSTANTIATE_TEST_SUITE_P(Store, PowerCutDuring, ::testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

TEST(Cuts, AreReadAsTheyAreWritten) {
  const std::string text = "57:all/some:123+4:none/lengths:0";
  const auto cuts = parse_cuts(text);
  ASSERT_TRUE(cuts);
  EXPECT_EQ(to_text(*cuts), text);
  for (const char* wrong : {"x", "57:all", "57:all/few:1", "57:all/some:", "57/all/some/1"}) {
    EXPECT_FALSE(parse_cuts(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace packstore::crash
