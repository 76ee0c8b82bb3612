// What policies decide, on layers that a reader can see. Every claim could be checked on paper.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compaction/ascii_layers.h"
#include "compaction/cell_stack.h"
#include "packstore/compaction.h"

namespace packstore {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

CompactionPlan plan_of(const CompactionPolicy& policy, const PlannerInput& input) {
  return policy.plan(input).value();
}

// A visit costs 1 byte, so that rent and visits are the same number.
PlannerInput at_price_one(const DrawnLayers& drawn) {
  PlannerInput input = drawn.input();
  input.tuning = {.even = 1, .hot = 0};
  return input;
}

std::unique_ptr<CompactionPolicy> cells(double merge_share = 1) {
  return make_cell_policy(
      {.sizing = {.file_bytes = 1000}, .merge_share = merge_share, .spread = 0});
}

TEST(CellPolicy, CutsAFlushedLayerToWhereItHoldsAnything) {
  DrawnLayers drawn = draw_layers({"aa.a"});
  drawn.named('a').keys = KeyRange::all();
  EXPECT_THAT(outline(plan_of(*cells(), drawn.input())), ElementsAre("cut 0-2 a", "cut 3-4 a"));
}

TEST(CellPolicy, LeavesAloneWhatHasPaidNoRent) {
  const DrawnLayers drawn = draw_layers({"cc", "bb", "aa"});
  EXPECT_THAT(plan_of(*cells(), at_price_one(drawn)).jobs, IsEmpty());
}

TEST(CellPolicy, MergesTheMostNewestRunsWhoseRentCoversTheirBytes) {
  DrawnLayers drawn = draw_layers({"c", "b", "a"});
  drawn.visit('c', 125);
  drawn.visit('b', 150);  // b and c: 200 bytes for a rent of 125 + 75. With a: 300 for 280.
  drawn.visit('a', 10);
  EXPECT_THAT(outline(plan_of(*cells(), at_price_one(drawn))), ElementsAre("merge 0-1 c b"));
}

TEST(CellPolicy, DecidesForEachCellByItself) {
  DrawnLayers drawn = draw_layers({"bbb", "aaa"});
  drawn.named('a').cells[1].visits_even = 400;  // Only the middle cell is read.
  EXPECT_THAT(outline(plan_of(*cells(), at_price_one(drawn))), ElementsAre("merge 1-2 b a"));
}

// So that each can be decided about alone from then on.
TEST(CellPolicy, MergesNeighboursIntoALayerEachAndOneFile) {
  DrawnLayers drawn = draw_layers({"bbb", "aaa"});
  drawn.visit('a', 400);
  const CompactionPlan plan = plan_of(*cells(), at_price_one(drawn));
  EXPECT_THAT(outline(plan), ElementsAre("merge 0-1 b a", "merge 1-2 b a", "merge 2-3 b a"));
  ASSERT_EQ(plan.jobs.size(), 1U);
  EXPECT_EQ(plan.jobs.front().effect.bytes_written, 600U);
}

TEST(CellPolicy, ImagesOneCellWhileItsNeighboursAreMergedOrLeft) {
  DrawnLayers drawn = draw_layers({"ccc", "bbb", "aaa"});
  const double pages = 16 * kPageBytes;
  drawn.named('a').cells[0].visits_even = pages;  // The first cell has paid for its pages.
  drawn.named('c').cells[1].visits_even = 200;
  EXPECT_THAT(outline(plan_of(*cells(), at_price_one(drawn))),
              ElementsAre("merge 1-2 c b", "image 0-1 c b a"));
}

TEST(CellPolicy, WritesNoImageThatSpaceHasNoRoomFor) {
  DrawnLayers drawn = draw_layers({"bb", "aa"});
  drawn.visit('a', 16 * kPageBytes);
  PlannerInput input = at_price_one(drawn);
  input.budgets.space_amp = 1;
  input.measured.wal_bytes = 400;
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("merge 0-1 b a", "merge 1-2 b a"));
}

TEST(CellPolicy, WritesNoMergeLargerThanTheImageThatItWaitsFor) {
  DrawnLayers drawn = draw_layers({"c", "b", "a"});
  drawn.named('a').bytes = drawn.named('a').cells[0].bytes = 200'000;
  drawn.visit('b', 400'000);  // Covers the pages, 131,072 bytes, and a merge with a as well.
  PlannerInput input = at_price_one(drawn);
  input.measured.wal_bytes = 200'200;
  // Room for 100,100 bytes, and twice that once the log has doubled.
  input.budgets.space_amp = 1.5;
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("merge 0-1 c b"));
  input.budgets.space_amp = 1.2;  // For 80,080 bytes even then: there is nothing to wait for.
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("merge 0-1 c b a"));
}

TEST(CellPolicy, LetsOnlyAsManyCellsWaitAsWillHaveRoom) {
  DrawnLayers drawn = draw_layers({"cc", "bb", "aa"});
  drawn.named('a').bytes = 400'000;
  for (CellShare& share : drawn.named('a').cells) share.bytes = 200'000;
  drawn.named('b').cells[0].visits_even = 400'000;
  drawn.named('b').cells[1].visits_even = 400'001;  // Is wanted more, so waits in front.
  PlannerInput input = at_price_one(drawn);
  input.measured.wal_bytes = 400'400;
  input.budgets.space_amp = 1.2;  // Soon for 160,160 bytes: one image.
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("merge 0-1 c b a", "merge 1-2 c b"));
}

// What is in memory must be written in any case: merged with b it costs the 100 bytes of b, and in
// the other cells it is trimmed as ever.
TEST(CellPolicy, MergesFromMemoryWhereTheRentCoversTheOtherRuns) {
  DrawnLayers drawn = draw_layers({"aa.a", "b..b"});
  drawn.named('a').keys = KeyRange::all();
  drawn.named('b').cells[0].visits_even = 200;  // Half of the oldest run's rent counts.
  drawn.named('b').cells[1].visits_even = 190;
  EXPECT_THAT(outline(plan_of(*cells(), at_price_one(drawn))),
              ElementsAre("cut 0-2 a", "cut 3-4 a"));
  drawn.named('a').file = kInMemory;
  const CompactionPlan plan = plan_of(*cells(), at_price_one(drawn));
  EXPECT_THAT(outline(plan), ElementsAre("merge 0-1 a b", "cut 1-2 a", "cut 3-4 a"));
  EXPECT_EQ(plan.jobs[0].effect.bytes_written, 200U);
  EXPECT_EQ(plan.jobs[0].effect.bytes_read, 100U);
}

// A plan about memory is about nothing else: what it does is not published before the flush is.
TEST(CellPolicy, LeavesImagesAndOtherCellsForThePlanAfterTheFlush) {
  DrawnLayers drawn = draw_layers({"a..", "b..", ".c.", ".d."});
  drawn.named('a').keys = KeyRange::all();
  drawn.named('a').file = kInMemory;
  drawn.visit('b', 1'000'000'000);  // An image is due.
  drawn.visit('c', 1000);
  EXPECT_THAT(outline(plan_of(*cells(), at_price_one(drawn))), ElementsAre("cut 0-1 a"));
  PlannerInput after = at_price_one(drawn);
  drawn.named('a').file = 'a';
  after.layers = drawn.layers;
  after.round = 1;
  EXPECT_THAT(outline(plan_of(*cells(), after)), ElementsAre("merge 1-2 c d", "image 0-1 a b"));
}

TEST(CellPolicy, ForcesTheMergeThatIsCheapestForEachRunThatGoes) {
  DrawnLayers drawn = draw_layers({"d", "c", "b", "a"});
  drawn.named('a').cells[0].bytes = 1000;  // All four: 1300 bytes for three runs less.
  drawn.named('a').bytes = 1000;           // Three: 300 bytes for two. Two: 200 for one.
  PlannerInput input = at_price_one(drawn);
  input.budgets.read_amp_peak = 3;
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("merge 0-1 d c b"));
}

TEST(CellPolicy, CountsTheImageTowardsThePeak) {
  DrawnLayers drawn = draw_layers({"c", "b", "a", "=", "."});
  PlannerInput input = at_price_one(drawn);
  input.budgets.read_amp_peak = 4;
  EXPECT_THAT(plan_of(*cells(), input).jobs, IsEmpty());
  input.budgets.read_amp_peak = 3;
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("merge 0-1 c b a"));
}

TEST(CellPolicy, LooksAtNothingUnderAnImage) {
  DrawnLayers drawn = draw_layers({"c", "=", "b", "a"});
  drawn.visit('a', 1000);
  drawn.visit('b', 1000);
  EXPECT_THAT(plan_of(*cells(), at_price_one(drawn)).jobs, IsEmpty());
}

TEST(CellPolicy, EndsFilesWithCellsNearTheTarget) {
  DrawnLayers drawn = draw_layers({"bbbbbbbb", "aaaaaaaa"});
  drawn.visit('a', 400);
  const auto policy =
      make_cell_policy({.sizing = {.file_bytes = 600}, .merge_share = 1, .spread = 0});
  std::vector<std::uint64_t> sizes;
  for (const CompactionJob& job : plan_of(*policy, at_price_one(drawn)).jobs) {
    sizes.push_back(job.effect.bytes_written);
  }
  EXPECT_THAT(sizes, ElementsAre(600, 400, 600));
}

TEST(CellPolicy, CopiesWhatIsLeftInAFileOnceItsDeadBytesHaveWaitedLongEnough) {
  DrawnLayers drawn = draw_layers({"bb", "aa"});
  const auto policy = make_cell_policy({.sizing = {.file_bytes = 100}, .reclaim_after = 32});
  drawn.files.front().bytes = 200 + 32 * 200;  // Of which 200 are live, one flush old.
  EXPECT_THAT(plan_of(*policy, at_price_one(drawn)).jobs, IsEmpty());
  drawn.files.front().bytes += 1;
  EXPECT_THAT(outline(plan_of(*policy, at_price_one(drawn))), ElementsAre("reclaim 0-2 a"));
}

TEST(CellPolicy, DropsWhatNoReadableLsnCanSee) {
  DrawnLayers drawn = draw_layers({"c", "=", "b", "a"});
  PlannerInput input = at_price_one(drawn);
  input.horizon = 350;
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("drop 0-1 a", "drop 0-1 b"));
}

TEST(CellPolicy, KeepsWhatARetainedLsnNeeds) {
  DrawnLayers drawn = draw_layers({"c", "=", "b", "a"});
  PlannerInput input = at_price_one(drawn);
  input.horizon = 350;
  const std::vector<Lsn> retained{80};  // Within a, which begins at 0.
  input.retained = retained;
  EXPECT_THAT(outline(plan_of(*cells(), input)), ElementsAre("drop 0-1 b"));
}

TEST(CellPolicy, TellsCellsThatAreWrittenAlikeApart) {
  DrawnLayers drawn = draw_layers({"bbbb", "aaaa"});
  drawn.visit('a', 400);  // As much as the merge costs in each cell, were visits worth the same.
  const auto policy =
      make_cell_policy({.sizing = {.file_bytes = 1000}, .merge_share = 1, .spread = 0.3});
  EXPECT_THAT(outline(plan_of(*policy, at_price_one(drawn))),
              ElementsAre("merge 1-2 b a", "merge 3-4 b a"));
}

TEST(CellPolicy, GivesTheSamePlanForTheSameInput) {
  DrawnLayers drawn = draw_layers({"cccc", "bb.b", "aaaa"});
  for (const char name : {'a', 'b', 'c'}) drawn.visit(name, 150);
  const PlannerInput input = at_price_one(drawn);
  EXPECT_EQ(print_plan(plan_of(*cells(), input)), print_plan(plan_of(*cells(), input)));
}

TEST(TieredPolicy, WaitsForAsManyLayersAsItsFanOut) {
  const DrawnLayers drawn = draw_layers({"c", "b", "a"});
  const auto policy = make_tiered_policy({.file_bytes = 100, .fan_out = 4});
  EXPECT_THAT(plan_of(*policy, drawn.input()).jobs, IsEmpty());
}

TEST(TieredPolicy, DecidesOnceForAllKeys) {
  const DrawnLayers drawn = draw_layers({"dd", "cc", "bb", "aa"});
  const auto policy = make_tiered_policy({.file_bytes = 100, .fan_out = 4});
  const CompactionPlan plan = plan_of(*policy, drawn.input());
  ASSERT_EQ(plan.jobs.size(), 1U);
  EXPECT_EQ(plan.jobs.front().kind, JobKind::kMerge);
  EXPECT_EQ(plan.jobs.front().parts.front().inputs.size(), 4U);
  EXPECT_EQ(plan.jobs.front().parts.front().lsns, (LsnRange{0, 400}));
}

TEST(TieredPolicy, ImagesEverythingOnceDeltasOutweighPages) {
  DrawnLayers drawn = draw_layers({"dd", "cc", "bb", "aa"});
  for (CellState& cell : drawn.cells) cell.pages = 0;
  const auto policy = make_tiered_policy({.file_bytes = 100, .fan_out = 4});
  EXPECT_EQ(plan_of(*policy, drawn.input()).jobs.front().kind, JobKind::kImage);
}

TEST(CountPolicy, MergesTenFlushes) {
  DrawnLayers drawn = draw_layers({"j", "i", "h", "g", "f", "e", "d", "c", "b", "a"});
  for (LayerShape& layer : drawn.layers) layer.keys = KeyRange::all();
  const auto policy = make_count_policy({.file_bytes = 1000});
  EXPECT_THAT(outline(plan_of(*policy, drawn.input())),
              ElementsAre("merge 0-1 j i h g f e d c b a"));
}

TEST(CountPolicy, ImagesUnderThreeMergedDeltas) {
  const DrawnLayers drawn = draw_layers({"cc", "bb", "a."});
  const auto policy = make_count_policy({.file_bytes = 1000});
  EXPECT_THAT(outline(plan_of(*policy, drawn.input())), ElementsAre("image 0-1 c b a"));
}

TEST(LazyLevelingPolicy, MergesAFullLevel) {
  const DrawnLayers drawn = draw_layers({"d", "c", "b", "a"});
  const auto policy = make_lazy_leveling_policy({.file_bytes = 100, .fan_out = 3});
  EXPECT_THAT(outline(plan_of(*policy, drawn.input())), ElementsAre("merge 0-1 d c b a"));
}

TEST(Merges, OfOneLayerBecomeMoves) {
  const DrawnLayers drawn = draw_layers({"bb", "a."});
  const PlannerInput input = drawn.input();
  std::vector<CellPart> parts;
  for (const CellStack& stack : stack_cells(input)) {
    parts.push_back(merge_newest(stack, stack.fragments.size()));
  }
  CompactionPlan plan;
  append_merges(std::move(parts), 1000, "test", 1, plan);
  EXPECT_THAT(outline(plan), ElementsAre("merge 0-1 b a", "move 1-2 b"));
  EXPECT_EQ(plan.jobs.back().effect.bytes_written, 0U);
}

// Bytes of the files into which cells of these sizes are laid; 1000 is the target.
std::vector<std::uint64_t> lay_into_files(const std::vector<std::uint64_t>& cells) {
  std::vector<CellPart> parts;
  Key begin = Key::min();
  for (const std::uint64_t bytes : cells) {
    const KeyRange keys = {begin, advance(begin, 1)};
    parts.push_back({.part = {.keys = keys, .lsns = {0, 1}, .bytes = bytes}});
    begin = keys.end;
  }
  CompactionPlan plan;
  append_jobs(JobKind::kMerge, std::move(parts), 1000, "test", 1, plan);
  std::vector<std::uint64_t> files;
  for (const CompactionJob& job : plan.jobs) files.push_back(job.effect.bytes_written);
  return files;
}

TEST(Files, AreAsLargeAsEachOther) {
  EXPECT_THAT(lay_into_files(std::vector<std::uint64_t>(12, 200)), ElementsAre(1200, 1200));
  EXPECT_THAT(lay_into_files(std::vector<std::uint64_t>(27, 100)), ElementsAre(900, 900, 900));
  EXPECT_THAT(lay_into_files({100, 100}), ElementsAre(200));
}

TEST(Files, TakeAFewBytesAlongWithALargeCell) {
  EXPECT_THAT(lay_into_files({10, 4000, 600, 600}), ElementsAre(4010, 1200));
}

TEST(Files, EndAfterACellThatIsLongerThanCanBeCounted) {
  constexpr std::uint64_t kLong = std::uint64_t{1} << 62;
  EXPECT_THAT(lay_into_files({1, kLong, 1}), ElementsAre(kLong + 1, 1));
}

TEST(Files, AreNoneOfNothing) { EXPECT_THAT(lay_into_files({}), IsEmpty()); }

}  // namespace
}  // namespace packstore
