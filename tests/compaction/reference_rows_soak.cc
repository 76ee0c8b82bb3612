// The published rows of the tiered rule at full size, and the suite with its goals. The trace is
// read from PACKSTORE_TRACE, an unpacked ../shared/testdata/pgbench-trace.bin.xz.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "compaction/histories.h"

namespace packstore {
namespace {

struct PublishedRow {
  const char* workload;
  std::uint32_t fan_out;
  double write_amp;
  double storage_amp;
  double read_even;           // By coverage; 0: not published.
  double read_even_occupied;  // By bitmap.
};

class TieredRowAtFullSize : public testing::TestWithParam<PublishedRow> {};

TEST_P(TieredRowAtFullSize, IsThePublishedOne) {
  const PublishedRow& row = GetParam();
  const WriteHistory history = WriteHistory::generate({.name = row.workload}).value();
  const auto policy =
      make_tiered_policy({.file_bytes = history.file_bytes(), .fan_out = row.fan_out});
  const SimulationResult found = simulate(history, *policy).value();
  EXPECT_NEAR(found.write_amp, row.write_amp, 0.005 * row.write_amp);
  EXPECT_NEAR(found.storage_amp, row.storage_amp, 0.005 * row.storage_amp);
  if (row.read_even > 0) {
    EXPECT_NEAR(found.read_even.covered, row.read_even, 0.02 * row.read_even);
  }
  if (row.read_even_occupied > 0) {
    EXPECT_NEAR(found.read_even.occupied, row.read_even_occupied, 0.01 * row.read_even_occupied);
  }
}

INSTANTIATE_TEST_SUITE_P(Synthetic, TieredRowAtFullSize,
                         testing::Values(PublishedRow{"uniform", 4, 3.088, 1.262, 4.38, 4.38},
                                         PublishedRow{"hotcold", 4, 3.088, 1.262, 4.38, 4.38},
                                         PublishedRow{"zipf", 4, 3.088, 1.262, 4.38, 4.38},
                                         PublishedRow{"twotable", 4, 3.088, 1.262, 4.38, 4.38},
                                         PublishedRow{"append", 4, 3.407, 3.407, 2.46, 1.11},
                                         PublishedRow{"window", 4, 3.522, 3.522, 2.46, 1.30},
                                         PublishedRow{"shift", 4, 2.491, 1.524, 0, 1.30},
                                         PublishedRow{"uniform", 2, 5.309, 1.524, 2.97, 0},
                                         PublishedRow{"uniform", 3, 3.491, 1.524, 3.57, 0},
                                         PublishedRow{"uniform", 8, 2.229, 1.262, 6.66, 0},
                                         PublishedRow{"uniform", 10, 1.940, 1.000, 7.70, 0},
                                         PublishedRow{"singlekey", 4, 1.728, 1.000, 0, 0}));

TEST(TieredRowAtFullSize, OfALongRunIsThePublishedOne) {
  const WriteHistory history =
      WriteHistory::generate({.name = "uniform", .records = 80'000'000}).value();
  const SimulationResult row = simulate(history, *make_tiered_policy(sizing_of(history))).value();
  EXPECT_NEAR(row.write_amp, 3.222, 0.005 * 3.222);
  EXPECT_NEAR(row.read_even.covered, 5.19, 0.01 * 5.19);
}

TEST(TieredRowAtFullSize, OfTheTraceIsThePublishedOne) {
  const char* path = std::getenv("PACKSTORE_TRACE");
  if (path == nullptr) GTEST_SKIP() << "PACKSTORE_TRACE names no trace";
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::pair<unsigned, double> published[] = {{2, 4.212}, {4, 3.803}, {8, 3.593}, {16, 2.868}};
  for (const auto& [mebibytes, write_amp] : published) {
    const WriteHistory history =
        WriteHistory::from_trace(as_bytes(bytes), {.file_bytes = std::uint64_t{mebibytes} << 20})
            .value();
    const SimulationResult row = simulate(history, *make_tiered_policy(sizing_of(history))).value();
    EXPECT_NEAR(row.write_amp, write_amp, 0.02 * write_amp) << mebibytes;
  }
}

}  // namespace
}  // namespace packstore
