// Simulations of workloads at a 128th of their size: as many flushes and cells, smaller flushes.
// The soak program has the full sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "compaction/histories.h"

namespace packstore {
namespace {

struct PublishedRow {
  const char* workload;
  double write_amp;
  double storage_amp;
  double read_even;           // By coverage.
  double read_even_occupied;  // By bitmap; 0: not published, or small records leave it emptier.
  std::uint32_t fan_out = 4;
};

class TieredRow : public testing::TestWithParam<PublishedRow> {};

// ../shared/reference/compaction.md, section 2.4. Small flushes end with a whole record, so ratios
// shift a little more than they do at full size.
TEST_P(TieredRow, IsThePublishedOne) {
  const PublishedRow& row = GetParam();
  const WriteHistory& history = small_history(row.workload);
  const auto policy =
      make_tiered_policy({.file_bytes = history.file_bytes(), .fan_out = row.fan_out});
  const SimulationResult found = simulate(history, *policy).value();
  EXPECT_NEAR(found.write_amp, row.write_amp, 0.005 * row.write_amp);
  EXPECT_NEAR(found.storage_amp, row.storage_amp, 0.005 * row.storage_amp);
  EXPECT_NEAR(found.read_even.covered, row.read_even, 0.01 * row.read_even);
  if (row.read_even_occupied > 0) {
    EXPECT_NEAR(found.read_even.occupied, row.read_even_occupied, 0.01 * row.read_even_occupied);
  }
}

INSTANTIATE_TEST_SUITE_P(Published, TieredRow,
                         testing::Values(PublishedRow{"uniform", 3.088, 1.262, 4.38, 4.38},
                                         PublishedRow{"hotcold", 3.088, 1.262, 4.38, 0},
                                         PublishedRow{"twotable", 3.088, 1.262, 4.38, 0},
                                         PublishedRow{"append", 3.407, 3.407, 2.46, 1.11},
                                         PublishedRow{"window", 3.522, 3.522, 2.46, 0},
                                         PublishedRow{"uniform", 5.309, 1.524, 2.97, 0, 2},
                                         PublishedRow{"uniform", 3.491, 1.524, 3.57, 0, 3},
                                         PublishedRow{"uniform", 2.229, 1.262, 6.66, 0, 8},
                                         PublishedRow{"uniform", 1.940, 1.000, 7.70, 0, 10}));

TEST(CountRule, HasThePublishedAmplification) {
  const WriteHistory& history = small_history("uniform");
  const SimulationResult row = simulate(history, *make_count_policy(sizing_of(history))).value();
  EXPECT_NEAR(row.write_amp, 2.464, 0.005 * 2.464);
  EXPECT_NEAR(row.read_even.covered, 5.89, 0.01 * 5.89);
  EXPECT_NEAR(row.storage_amp, 1.524, 0.005 * 1.524);
  EXPECT_EQ(row.read_peak, 12U);
}

// Of workloads in tests of what holds at any size.
constexpr double kSmallest = 1.0 / 512;

class EveryWorkload : public testing::TestWithParam<std::string> {};

TEST_P(EveryWorkload, LosesNoRecordWithAnyPolicy) {
  const WriteHistory& history = small_history(GetParam(), kSmallest);
  for (const auto& policy :
       {make_tiered_policy(sizing_of(history)), make_count_policy(sizing_of(history)),
        make_lazy_leveling_policy(sizing_of(history)),
        make_cell_policy({.sizing = sizing_of(history)})}) {
    const FlushMode flush_mode = policy->name() == "cells" ? FlushMode::kMerged : FlushMode::kAlone;
    const Result<SimulationResult> row = simulate(history, *policy, {.flush_mode = flush_mode});
    ASSERT_TRUE(row.has_value()) << row.error().message;
    EXPECT_EQ(row->records, history.record_count());
  }
}

TEST_P(EveryWorkload, GivesTheSameRowTwice) {
  const WriteHistory& history = small_history(GetParam(), kSmallest);
  const auto policy = make_cell_policy({.sizing = sizing_of(history)});
  const SimulationOptions options{.budgets = {.read_amp_even = 3, .read_amp_hot = 3}};
  const std::vector<SimulationResult> first{simulate(history, *policy, options).value()};
  const std::vector<SimulationResult> second{simulate(history, *policy, options).value()};
  EXPECT_EQ(print_suite(first), print_suite(second));
}

TEST_P(EveryWorkload, IsWrittenWithoutBordersThatLayersStraddleAndNeverAgainAsItWas) {
  const WriteHistory& history = small_history(GetParam(), kSmallest);
  const SimulationResult row =
      simulate(history, *make_cell_policy({.sizing = sizing_of(history)}),
               {.budgets = tiered_budgets(history), .flush_mode = FlushMode::kMerged})
          .value();
  EXPECT_GT(row.cut_points, 0U);
  EXPECT_EQ(row.perfect_cut_points, row.cut_points);
  EXPECT_EQ(row.single_input_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Workloads, EveryWorkload, testing::ValuesIn(workload_names()),
                         [](const auto& instance) { return instance.param; });

// The bound is for policies that decide per cell, within the budgets; their own figures are budgets
// that they keep.
TEST(WriteAmpBound, IsNeverAboveWhatAPolicyWrites) {
  for (const char* name : {"shift", "append"}) {
    const WriteHistory& history = small_history(name);
    for (const auto& policy : {make_tiered_policy(sizing_of(history)),
                               make_cell_policy({.sizing = sizing_of(history)})}) {
      for (const FlushMode flush_mode : {FlushMode::kAlone, FlushMode::kMerged}) {
        const SimulationResult row = simulate(history, *policy, {.flush_mode = flush_mode}).value();
        const double bound = write_amp_bound(history,
                                             {.read_amp_even = row.read_even.occupied,
                                              .read_amp_hot = row.read_hot.occupied,
                                              .space_amp = row.storage_amp},
                                             flush_mode);
        EXPECT_LE(bound, row.write_amp * 1.0001) << name << " " << policy->name();
        EXPECT_GE(bound, 1) << name << " " << policy->name();
      }
    }
  }
}

// ../shared/reference/compaction.md, sections 4.1 and 4.3: uniform within the budgets of the tiered
// rule, here a hundredth of it.
TEST(WriteAmpBound, IsThePublishedOneForEitherWayOfFlushing) {
  const WriteHistory history = WriteHistory::generate({.name = "uniform",
                                                       .records = 200'000,
                                                       .pages = 6400,
                                                       .file_bytes = 268'435'456 / 100,
                                                       .cell_keys_log2 = 9})
                                   .value();
  const CompactionBudgets budgets{.read_amp_even = 4.38, .read_amp_hot = 4.38, .space_amp = 1.262};
  EXPECT_NEAR(write_amp_bound(history, budgets, FlushMode::kAlone), 2.475, 0.015);
  EXPECT_NEAR(write_amp_bound(history, budgets, FlushMode::kMerged), 2.23, 0.015);
}

struct Goal {
  const char* workload;
  double ratio;  // Of what the tiered rule writes.
};
void PrintTo(const Goal& goal, std::ostream* out) { *out << goal.workload; }

class CellPolicyGoal : public testing::TestWithParam<Goal> {};

// ../shared/reference/compaction.md, section 5.1; docs/compaction.md has the full sizes. Holes of
// 32 bytes are to these files what 4 KiB are to those.
TEST_P(CellPolicyGoal, IsReachedWithinTheBudgetsOfTheTieredRule) {
  const WriteHistory& history = small_history(GetParam().workload);
  const SimulationResult tiered =
      simulate(history, *make_tiered_policy(sizing_of(history))).value();
  const CompactionBudgets budgets = budgets_of(tiered);
  const SimulationResult row =
      simulate(history, *make_cell_policy({.sizing = sizing_of(history)}),
               {.budgets = budgets, .flush_mode = FlushMode::kMerged, .hole_bytes = 32})
          .value();
  EXPECT_LE(row.read_even.occupied, *budgets.read_amp_even);
  EXPECT_LE(row.read_hot.occupied, *budgets.read_amp_hot);
  EXPECT_LE(row.read_peak, *budgets.read_amp_peak);
  EXPECT_LE(row.storage_amp, *budgets.space_amp);
  EXPECT_LE(row.write_amp, GetParam().ratio * tiered.write_amp);
  EXPECT_GE(row.physical_amp, row.storage_amp);
  EXPECT_LE(row.physical_amp, 1.02 * row.storage_amp);
  EXPECT_EQ(row.reclaim_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Workloads, CellPolicyGoal,
                         testing::Values(Goal{"uniform", 0.87}, Goal{"hotcold", 0.50},
                                         Goal{"twotable", 0.43}, Goal{"append", 0.40},
                                         Goal{"window", 0.46}, Goal{"shift", 0.65},
                                         Goal{"zipf", 0.90}),
                         [](const auto& instance) { return instance.param.workload; });

TEST(CellPolicySimulation, MergesNothingWhenPagesAreAppended) {
  const WriteHistory& history = small_history("append");
  const SimulationResult row = simulate(history, *make_cell_policy({.sizing = sizing_of(history)}),
                                        {.budgets = tiered_budgets(history)})
                                   .value();
  EXPECT_EQ(row.merge_bytes, 0U);
}

TEST(EmbeddedPages, BoundWhatAReadReplays) {
  const WriteHistory& history = small_history("zipf");
  const SimulationResult row =
      simulate(history, *make_cell_policy({.sizing = sizing_of(history)}), {.embed_after_pages = 4})
          .value();
  EXPECT_LE(row.replay_bytes_max, 4 * kPageBytes);  // At a flush: no record is left over.
  EXPECT_GT(row.embedded_bytes, 0U);
}

TEST(Horizon, LetsGoWhatNoLsnInTheWindowNeeds) {
  const WriteHistory& history = small_history("hotcold");
  const SimulationOptions all;
  const SimulationOptions some{.window_bytes = history.wal_bytes() / 5};
  const auto policy = make_cell_policy({.sizing = sizing_of(history)});
  const SimulationResult kept = simulate(history, *policy, all).value();
  const SimulationResult trimmed = simulate(history, *policy, some).value();
  EXPECT_LT(trimmed.storage_amp, 0.8 * kept.storage_amp);
}

TEST(Horizon, KeepsWhatRetainedLsnsNeed) {
  const WriteHistory& history = small_history("hotcold");
  const auto policy = make_cell_policy({.sizing = sizing_of(history)});
  SimulationOptions options{.window_bytes = history.wal_bytes() / 5};
  const SimulationResult trimmed = simulate(history, *policy, options).value();
  options.retained = {history.wal_bytes() / 4, history.wal_bytes() / 2};
  const SimulationResult retaining = simulate(history, *policy, options).value();
  EXPECT_GT(retaining.storage_amp, trimmed.storage_amp);
}

TEST(Simulation, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  const WriteHistory& history = small_history("uniform");
  const Result<SimulationResult> row = simulate(history, *make_tiered_policy(sizing_of(history)),
                                                {.control = {.stop = stop.get_token()}});
  ASSERT_FALSE(row.has_value());
  EXPECT_EQ(row.error().code, ErrorCode::kCancelled);
}

TEST(Suite, IsATableOfAlignedColumnsForNamesOfAnyLength) {
  const std::vector<SimulationResult> rows = {
      {.workload = "short", .policy = "cells"},
      {.workload = "a-trace-of-one-day.bin.xz", .policy = "tiered"}};
  std::istringstream table(print_suite(rows));
  std::string header;
  std::getline(table, header);
  std::size_t lines = 0;
  for (std::string line; std::getline(table, line); ++lines) {
    EXPECT_EQ(line.size(), header.size());
    EXPECT_EQ(line.find(rows[lines].policy), header.find("policy"));
  }
  EXPECT_EQ(lines, rows.size());
}

TEST(Suite, IsTheSameTableOnAnyNumberOfThreads) {
  SuiteOptions options{.workloads = {"shift", "append", "singlekey"}, .scale = 1.0 / 256};
  const std::string on_one = print_suite(run_suite(options).value());
  options.threads = 4;
  EXPECT_EQ(print_suite(run_suite(options).value()), on_one);
  EXPECT_EQ(std::ranges::count(on_one, '\n'), 1 + 3 * 4);
}

// What a layer is asked, not what is in it, and nothing that a policy decides by.
TEST(Bitmap, FindsAPageInFewerLayersTheFinerItIs) {
  WorkloadOptions workload = scale_workload({.name = "append"}, 1.0 / 128).value();
  const WriteHistory& coarse = small_history("append");
  workload.bitmap_keys_log2 = workload.cell_keys_log2;
  const WriteHistory fine = WriteHistory::generate(workload).value();
  const auto policy = make_tiered_policy(sizing_of(fine));
  const SimulationResult found_coarse = simulate(coarse, *policy).value();
  const SimulationResult found_fine = simulate(fine, *policy).value();
  EXPECT_LT(found_fine.read_even.occupied, found_coarse.read_even.occupied);
  EXPECT_GE(found_fine.read_even.occupied, found_fine.read_even.exact);
  EXPECT_EQ(found_fine.read_even.covered, found_coarse.read_even.covered);
  EXPECT_EQ(found_fine.write_amp, found_coarse.write_amp);
}

TEST(Bitmap, IsNeverFinerThanCells) {
  const WorkloadOptions workload = scale_workload({.name = "append"}, 1.0 / 128).value();
  WorkloadOptions finer = workload;
  finer.bitmap_keys_log2 = 1;
  WorkloadOptions equal = workload;
  equal.bitmap_keys_log2 = workload.cell_keys_log2;
  const auto policy = make_tiered_policy({.file_bytes = workload.file_bytes});
  EXPECT_EQ(simulate(WriteHistory::generate(finer).value(), *policy).value().read_even.occupied,
            simulate(WriteHistory::generate(equal).value(), *policy).value().read_even.occupied);
}

TEST(Workloads, AreRefusedWithCellsOfTooManyKeys) {
  for (const WorkloadOptions& options :
       {WorkloadOptions{.cell_keys_log2 = 25}, WorkloadOptions{.bitmap_keys_log2 = 25}}) {
    const Result<WriteHistory> history = WriteHistory::generate(options);
    ASSERT_FALSE(history.has_value());
    EXPECT_EQ(history.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(history.error().message, testing::HasSubstr("cells of 2^25 keys, limit 2^24"));
  }
}

TEST(Workloads, AreNamedWhenUnknown) {
  const Result<WriteHistory> history = WriteHistory::generate({.name = "nonsense"});
  ASSERT_FALSE(history.has_value());
  EXPECT_THAT(history.error().message, testing::HasSubstr("\"nonsense\""));
}

}  // namespace
}  // namespace packstore
