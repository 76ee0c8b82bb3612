#include <array>

#include "compare/engine.h"
#include "compare/report.h"

namespace packstore::compare {

namespace {

// `against` empty: the measured value itself has to keep the goal.
struct Goal {
  Row row;
  std::string_view against;
  double value;
  bool at_least;
};

constexpr std::array kGoals{
    Goal{Row::kPutSmall, kRocksdb, 2.0, true},
    Goal{Row::kPutLarge, kLimit, 0.8, true},
    Goal{Row::kPutLoose, kLimit, 0.8, true},
    Goal{Row::kPutPacked, "", 1.3, false},
    Goal{Row::kPutPacked16Flushes, "", 1.3, false},
    Goal{Row::kPutPacked16, kRocksdb, 1.0, true},
    Goal{Row::kGetSmall, kRocksdb, 1.0, true},
    Goal{Row::kGetLarge, kRocksdb, 1.0, true},
    Goal{Row::kReadManySmall, kRocksdb, 2.5, true},
    Goal{Row::kReadManySmall, kLmdb, 0.8, true},
    Goal{Row::kReadManyLarge, kRocksdb, 2.5, true},
    Goal{Row::kReadManyLarge, kLmdb, 0.8, true},
    Goal{Row::kMissing, "", 120'000, true},
    Goal{Row::kValidateSmall1, kLimit, 0.85, true},
    Goal{Row::kValidateSmall2, kLimit, 0.85, true},
    Goal{Row::kValidateLarge1, kLimit, 0.85, true},
    Goal{Row::kValidateLarge2, kLimit, 0.85, true},
    Goal{Row::kReclaimSmall, kRocksdb, 0.8, true},
    Goal{Row::kReclaimLarge, kRocksdb, 0.8, true},
    Goal{Row::kDiskSmall, "", 130, false},
    Goal{Row::kMemoryPut, "", 200, false},
    Goal{Row::kMemoryGet, "", 200, false},
    Goal{Row::kMemoryReadMany, "", 200, false},
    Goal{Row::kMemoryPack, "", 200, false},
    Goal{Row::kMemoryValidate, "", 200, false},
    Goal{Row::kMemoryRepack, "", 200, false},
    Goal{Row::kOpen, "", 10, false},
};

}  // namespace

std::vector<Verdict> judge(const Results& results) {
  std::vector<Verdict> verdicts;
  for (const Goal& goal : kGoals) {
    const std::optional<double> measured = goal.against.empty()
                                               ? results.median(goal.row, kPackstore)
                                               : results.ratio(goal.row, kPackstore, goal.against);
    if (!measured) continue;
    const RowInfo& info = info_of(goal.row);
    std::string title(info.title);
    title += goal.against.empty() ? ", " : " / ";
    title += goal.against.empty() ? info.unit : goal.against;
    verdicts.push_back({title, *measured, goal.value, goal.at_least});
  }
  return verdicts;
}

}  // namespace packstore::compare
