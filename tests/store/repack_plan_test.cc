#include "store/repack_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/store_scratch.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Numbers, file bytes, dead bytes.
const std::vector<PackUsage> kPacks = {
    {1, 1000, 0}, {2, 1000, 500}, {3, 100, 0}, {4, 1000, 900}, {5, 200, 20}};

std::vector<std::uint64_t> planned(const RepackOptions& options,
                                   const std::vector<PackUsage>& packs = kPacks) {
  return plan_repack(packs, options).packs;
}

TEST(RepackPlan, TakesEveryPackWhenNoRuleIsSet) {
  const RepackPlan plan = plan_repack(kPacks, {});
  EXPECT_THAT(plan.packs, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(plan.live_bytes, 1000 + 500 + 100 + 100 + 180);
  EXPECT_THAT(planned({}, {}), IsEmpty());
  EXPECT_THAT(planned({}, {{7, 500, 0}}), ElementsAre(7));
}

TEST(RepackPlan, TakesPacksFromTheGivenShareOfDeadBytesOn) {
  EXPECT_THAT(planned({.dead_ratio_min = 0.5}), ElementsAre(2, 4));
  EXPECT_THAT(planned({.dead_ratio_min = 0.1}), ElementsAre(2, 4, 5));
  EXPECT_THAT(planned({.dead_ratio_min = 0.95}), IsEmpty());
}

TEST(RepackPlan, TakesSmallPacksTogether) {
  EXPECT_THAT(planned({.pack_bytes_min = 201}), ElementsAre(3, 5));
  EXPECT_THAT(planned({.pack_bytes_min = 200}), IsEmpty());
}

TEST(RepackPlan, LeavesALoneSmallPackUnlessItHoldsDeadBytes) {
  EXPECT_THAT(planned({.pack_bytes_min = 500}, {{1, 1000, 0}, {2, 100, 0}}), IsEmpty());
  EXPECT_THAT(planned({.pack_bytes_min = 500}, {{1, 1000, 0}, {2, 100, 1}}), ElementsAre(2));
}

TEST(RepackPlan, TakesWhatAnyRuleChooses) {
  EXPECT_THAT(planned({.dead_ratio_min = 0.9, .pack_bytes_min = 150}), ElementsAre(3, 4));
}

TEST(RepackPlan, SpendsItsBudgetWhereItFreesMost) {
  EXPECT_THAT(planned({.bytes_max = 99}), IsEmpty());
  EXPECT_THAT(planned({.bytes_max = 100}), ElementsAre(4));
  EXPECT_THAT(planned({.bytes_max = 600}), ElementsAre(2, 4));
  // Pack 5 is next by its share; pack 1 does not fit any more, pack 3 does.
  EXPECT_THAT(planned({.bytes_max = 900}), ElementsAre(2, 3, 4, 5));
}

TEST(RepackPlan, CountsAnEmptyFileAndMoreDeadBytesThanBytes) {
  const RepackPlan plan = plan_repack({{{1, 0, 0}, {2, 10, 30}}}, {.dead_ratio_min = 1.0});
  EXPECT_THAT(plan.packs, ElementsAre(1, 2));
  EXPECT_EQ(plan.live_bytes, 0);
}

// Nothing but the input counts: not its order, and no chance.
TEST(RepackPlan, IsTheSameForTheSamePacksInAnyOrder) {
  std::mt19937_64 random(testing::test_seed());
  std::vector<PackUsage> packs;
  for (std::uint64_t pack = 1; pack <= 50; ++pack) packs.push_back({pack, 1000, pack % 7 * 100});
  const RepackOptions options{.dead_ratio_min = 0.2, .bytes_max = 9'000};
  const auto expected = planned(options, packs);
  EXPECT_FALSE(expected.empty());
  for (int round = 0; round < 20; ++round) {
    std::shuffle(packs.begin(), packs.end(), random);
    ASSERT_EQ(planned(options, packs), expected);
  }
}

}  // namespace
}  // namespace packstore::store
