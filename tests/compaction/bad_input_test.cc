// Input that makes no sense is named; odd input that does make sense gets a plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compaction/ascii_layers.h"
#include "packstore/compaction.h"

namespace packstore {
namespace {

using testing::HasSubstr;

struct BadInput {
  const char* name;
  std::function<void(DrawnLayers&, PlannerInput&)> spoil;
  const char* message;
};

class BadPlannerInput : public testing::TestWithParam<BadInput> {};

TEST_P(BadPlannerInput, IsNamedByEveryPolicy) {
  DrawnLayers drawn = draw_layers({"bb", "aa"});
  PlannerInput input = drawn.input();
  GetParam().spoil(drawn, input);
  input.layers = drawn.layers;
  input.files = drawn.files;
  input.cells = drawn.cells;
  for (const auto& policy : {make_tiered_policy({}), make_count_policy({}),
                             make_lazy_leveling_policy({}), make_cell_policy({})}) {
    const Result<CompactionPlan> plan = policy->plan(input);
    ASSERT_FALSE(plan.has_value()) << policy->name();
    EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(plan.error().message, HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPlannerInput,
    testing::Values(
        BadInput{"InvertedKeys",
                 [](DrawnLayers& drawn, PlannerInput&) {
                   std::swap(drawn.named('a').keys.begin, drawn.named('a').keys.end);
                 },
                 "layer 97"},
        BadInput{"InvertedLsns",
                 [](DrawnLayers& drawn, PlannerInput&) {
                   drawn.named('b').lsns = {200, 100};
                 },
                 "layer 98"},
        BadInput{"AboveTheTip", [](DrawnLayers&, PlannerInput& input) { input.tip = 150; },
                 "above the tip"},
        BadInput{"Overlap",
                 [](DrawnLayers& drawn, PlannerInput&) {
                   drawn.named('b').lsns = {50, 200};
                 },
                 "overlap in cell"},
        BadInput{"SharesOutOfOrder",
                 [](DrawnLayers& drawn, PlannerInput&) {
                   std::swap(drawn.named('a').cells[0], drawn.named('a').cells[1]);
                 },
                 "out of order"},
        BadInput{"ShareElsewhere",
                 [](DrawnLayers& drawn, PlannerInput&) {
                   drawn.named('a').cells[1].cell = {7, 0};
                 },
                 "no cell of its keys"},
        BadInput{"MoreSharesThanBytes",
                 [](DrawnLayers& drawn, PlannerInput&) { drawn.named('a').bytes = 1; },
                 "shares of"},
        BadInput{"UnknownFile", [](DrawnLayers& drawn, PlannerInput&) { drawn.files.clear(); },
                 "not among the files"},
        BadInput{"HorizonAboveTheTip",
                 [](DrawnLayers&, PlannerInput& input) { input.horizon = 1000; }, "horizon"},
        BadInput{"CellOffTheGrid",
                 [](DrawnLayers& drawn, PlannerInput&) {
                   drawn.cells[0].keys.end = {0, 5};
                 },
                 "none of the grid"},
        BadInput{"TooManyPages",
                 [](DrawnLayers& drawn, PlannerInput&) { drawn.cells[0].pages = 17; },
                 "pages in use"},
        BadInput{"HistoriesOfTwoLengths",
                 [](DrawnLayers& drawn, PlannerInput&) { drawn.cells[1].history.clear(); },
                 "history of 0 intervals"},
        BadInput{"NegativeBudget",
                 [](DrawnLayers&, PlannerInput& input) { input.budgets.read_amp_even = -1; },
                 "budget read_amp_even"},
        BadInput{"GridTooCoarse",
                 [](DrawnLayers&, PlannerInput& input) { input.grid.cell_keys_log2 = 64; },
                 "2^64"}),
    [](const auto& instance) { return instance.param.name; });

TEST(OddPlannerInput, OfNothingGivesAnEmptyPlan) {
  for (const auto& policy : {make_tiered_policy({}), make_count_policy({}),
                             make_lazy_leveling_policy({}), make_cell_policy({})}) {
    EXPECT_TRUE(policy->plan({}).value().jobs.empty()) << policy->name();
  }
}

TEST(OddPlannerInput, OfAnEmptyKeySpaceGivesAPlan) {
  DrawnLayers drawn = draw_layers({"d", "c", "b", "a"});
  drawn.cells.clear();
  const auto policy = make_tiered_policy({.file_bytes = 100, .fan_out = 4});
  EXPECT_EQ(policy->plan(drawn.input()).value().jobs.size(), 1U);
  EXPECT_TRUE(make_cell_policy({})->plan(drawn.input()).has_value());
}

TEST(OddPlannerInput, OfLayersOneKeyWideIsNoDepthForTheTieredRule) {
  DrawnLayers drawn = draw_layers({"d", "c", "b", "a"});
  for (LayerShape& layer : drawn.layers) layer.keys.end = advance(layer.keys.begin, 1);
  const auto policy = make_tiered_policy({.file_bytes = 100, .fan_out = 4});
  EXPECT_TRUE(policy->plan(drawn.input()).value().jobs.empty());
}

TEST(OddPlannerInput, OfAStackOneKeyWideIsMergedLikeAnyOther) {
  DrawnLayers drawn = draw_layers({"c", "b", "a"});
  for (LayerShape& layer : drawn.layers) layer.keys.end = advance(layer.keys.begin, 1);
  PlannerInput input = drawn.input();
  input.budgets.read_amp_peak = 1;
  EXPECT_THAT(outline(make_cell_policy({})->plan(input).value()),
              testing::ElementsAre("merge 0-1 c b a"));
}

// A layer without a share holds nothing, whatever its rectangle says; also where that is wide.
TEST(OddPlannerInput, OfEmptyLayersLeavesThemAlone) {
  DrawnLayers drawn = draw_layers({"dd", "cc", "bb", "aa"});
  for (LayerShape& layer : drawn.layers) {
    layer.cells.clear();
    layer.bytes = 0;
    layer.records = 0;
  }
  for (FileShape& file : drawn.files) file.bytes = 0;
  PlannerInput input = drawn.input();
  input.budgets.read_amp_peak = 1;
  for (const auto& policy :
       {make_count_policy({}), make_lazy_leveling_policy({}), make_cell_policy({})}) {
    EXPECT_TRUE(policy->plan(input).value().jobs.empty()) << policy->name();
  }
  EXPECT_TRUE(make_tiered_policy({})->plan(input).has_value());
}

TEST(OddPlannerInput, OfALayerAcrossTheHorizonKeepsIt) {
  DrawnLayers drawn = draw_layers({"c", "=", "a"});
  PlannerInput input = drawn.input();
  input.horizon = 150;  // Between the image and the end of c; then within a.
  EXPECT_THAT(outline(make_cell_policy({})->plan(input).value()),
              testing::ElementsAre("drop 0-1 a"));
  input.horizon = 50;
  EXPECT_TRUE(make_cell_policy({})->plan(input).value().jobs.empty());
}

TEST(OddPlannerInput, OfImpossibleBudgetsGivesTheNearestPlan) {
  DrawnLayers drawn = draw_layers({"c", "b", "a"});
  PlannerInput input = drawn.input();
  input.budgets = {.read_amp_even = 0, .read_amp_hot = 0, .read_amp_peak = 0, .space_amp = 0};
  input.measured.flushes = 8;
  const CompactionPlan plan = make_cell_policy({})->plan(input).value();
  EXPECT_THAT(outline(plan), testing::ElementsAre("merge 0-1 c b a"));
}

}  // namespace
}  // namespace packstore
