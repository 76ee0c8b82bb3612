// What was measured: rows of the tables, one value per engine and round.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace packstore::compare {

enum class Row : std::uint8_t {
  kProbeSync,
  kProbeWrite,
  kProbeSha256,
  kPutSmall,
  kPutLarge,
  kPutLoose,
  kPutPacked,
  kPutPacked16,
  kPutPacked16Flushes,
  kGetSmall,
  kGetSmallVerified,
  kGetLarge,
  kGetLargeVerified,
  kReadManySmall,
  kReadManySmallVerified,
  kReadManyLarge,
  kReadManyLargeVerified,
  kMissing,
  kValidateSmall1,
  kValidateSmall2,
  kValidateLarge1,
  kValidateLarge2,
  kReclaimSmall,
  kReclaimLarge,
  kDiskSmall,
  kDiskLarge,
  kMemoryPut,
  kMemoryGet,
  kMemoryReadMany,
  kMemoryPack,
  kMemoryValidate,
  kMemoryRepack,
  kOpen,
};

enum class Better : std::uint8_t { kHigher, kLower };

struct RowInfo {
  Row row;
  std::string_view id;     // In the JSON output.
  std::string_view title;  // In the tables.
  std::string_view unit;
  Better better;
};

// Every row, in the order of the tables.
std::span<const RowInfo> all_rows();
const RowInfo& info_of(Row row);

// The column of what the machine can do at best: a bare loop, or the speed of one part.
inline constexpr std::string_view kLimit = "limit";

// Values by row and column, one per round.
class Results {
 public:
  void add(Row row, std::string_view column, double value);

  // Empty where nothing was measured.
  std::span<const double> values(Row row, std::string_view column) const;
  std::optional<double> median(Row row, std::string_view column) const;

  // How many times better `column` is than `other`: the median over the rounds of the quotient of
  // the same round, because the speed of a machine drifts from round to round.
  std::optional<double> ratio(Row row, std::string_view column, std::string_view other) const;

 private:
  std::map<std::pair<Row, std::string>, std::vector<double>> values_;
};

double median_of(std::vector<double> values);

// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// How long `work` takes.
template <typename Work>
double seconds_of(const Work& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

}  // namespace packstore::compare
