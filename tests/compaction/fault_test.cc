// Checks that cannot fail check nothing. So mistakes are made on purpose, one a run, early and
// late, and each must end the simulation with the name of a record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compaction/histories.h"

namespace packstore {
namespace {

struct FaultCase {
  const char* name;
  SimulatedFault fault;
};

class SeededFault
    : public testing::TestWithParam<std::tuple<FaultCase, const char*, std::uint64_t>> {};

TEST_P(SeededFault, IsFoundAndNamesTheRecord) {
  const auto& [fault, workload, job] = GetParam();
  const WriteHistory& history = small_history(workload, 1.0 / 256);
  const auto policy = make_cell_policy({.sizing = sizing_of(history)});
  for (const FlushMode flush_mode : {FlushMode::kAlone, FlushMode::kMerged}) {
    const Result<SimulationResult> row = simulate(
        history, *policy, {.flush_mode = flush_mode, .fault = fault.fault, .fault_at_job = job});
    ASSERT_FALSE(row.has_value()) << "nobody noticed";
    EXPECT_EQ(row.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(row.error().message,
                testing::ContainsRegex("record of key .* at LSN .* is in (no|2) layer"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SeededFault,
    testing::Combine(testing::Values(FaultCase{"LoseOutput", SimulatedFault::kLoseOutput},
                                     FaultCase{"DropInputEarly", SimulatedFault::kDropInputEarly},
                                     FaultCase{"CutOnePageShort", SimulatedFault::kCutOnePageShort},
                                     FaultCase{"CutOnePageLate", SimulatedFault::kCutOnePageLate},
                                     FaultCase{"LsnOffByOne", SimulatedFault::kLsnOffByOne},
                                     FaultCase{"PublishTwice", SimulatedFault::kPublishTwice},
                                     FaultCase{"KeepInputs", SimulatedFault::kKeepInputs},
                                     FaultCase{"WrongInput", SimulatedFault::kWrongInput},
                                     FaultCase{"ImageWithoutBase",
                                               SimulatedFault::kImageWithoutBase},
                                     FaultCase{"SwapRanges", SimulatedFault::kSwapRanges}),
                     testing::Values("hotcold", "mixed"), testing::Values(0U, 40U)),
    [](const auto& instance) {
      return std::string(std::get<0>(instance.param).name) + "_" + std::get<1>(instance.param) +
             "_" + std::to_string(std::get<2>(instance.param));
    });

}  // namespace
}  // namespace packstore
