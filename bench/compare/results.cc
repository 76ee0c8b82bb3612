#include "compare/results.h"

#include <algorithm>
#include <array>

#include "compare/content.h"

namespace packstore::compare {

namespace {

constexpr Better kHigher = Better::kHigher;
constexpr Better kLower = Better::kLower;

constexpr std::array kRows{
    RowInfo{Row::kProbeSync, "probe_sync", "append 4 KiB + fdatasync", "us", kLower},
    RowInfo{Row::kProbeWrite, "probe_write", "sequential write + one fsync", "MB/s", kHigher},
    RowInfo{Row::kProbeSha256, "probe_sha256", "SHA-256, one thread, OpenSSL EVP", "MB/s", kHigher},
    RowInfo{Row::kPutSmall, "put_small", "durable batch put, 1-10 KiB", "objects/s", kHigher},
    RowInfo{Row::kPutLarge, "put_large", "durable batch put, 1 MiB", "MB/s", kHigher},
    RowInfo{Row::kPutLoose, "put_loose", "single durable put, one file each", "puts/s", kHigher},
    RowInfo{Row::kPutPacked, "put_packed", "single durable put", "flushes/put", kLower},
    RowInfo{Row::kPutPacked16, "put_packed_16", "single durable puts, 16 threads", "puts/s",
            kHigher},
    RowInfo{Row::kPutPacked16Flushes, "put_packed_16_flushes", "single durable put, 16 threads",
            "flushes/put", kLower},
    RowInfo{Row::kGetSmall, "get_small", "random get, 1-10 KiB", "objects/s", kHigher},
    RowInfo{Row::kGetSmallVerified, "get_small_verified", "random get, 1-10 KiB, SHA-256 checked",
            "objects/s", kHigher},
    RowInfo{Row::kGetLarge, "get_large", "random get, 1 MiB", "MB/s", kHigher},
    RowInfo{Row::kGetLargeVerified, "get_large_verified", "random get, 1 MiB, SHA-256 checked",
            "MB/s", kHigher},
    RowInfo{Row::kReadManySmall, "read_many_small", "read everything, 1-10 KiB", "objects/s",
            kHigher},
    RowInfo{Row::kReadManySmallVerified, "read_many_small_verified",
            "read everything, 1-10 KiB, SHA-256 checked", "objects/s", kHigher},
    RowInfo{Row::kReadManyLarge, "read_many_large", "read everything, 1 MiB", "MB/s", kHigher},
    RowInfo{Row::kReadManyLargeVerified, "read_many_large_verified",
            "read everything, 1 MiB, SHA-256 checked", "MB/s", kHigher},
    RowInfo{Row::kMissing, "missing", "ask for missing keys", "keys/s", kHigher},
    RowInfo{Row::kValidateSmall1, "validate_small_1", "validate, 1-10 KiB, 1 thread", "MB/s",
            kHigher},
    RowInfo{Row::kValidateSmall2, "validate_small_2", "validate, 1-10 KiB, 2 threads", "MB/s",
            kHigher},
    RowInfo{Row::kValidateLarge1, "validate_large_1", "validate, 1 MiB, 1 thread", "MB/s", kHigher},
    RowInfo{Row::kValidateLarge2, "validate_large_2", "validate, 1 MiB, 2 threads", "MB/s",
            kHigher},
    RowInfo{Row::kReclaimSmall, "reclaim_small", "remove half, reclaim space, 1-10 KiB",
            "MB/s kept", kHigher},
    RowInfo{Row::kReclaimLarge, "reclaim_large", "remove half, reclaim space, 1 MiB", "MB/s kept",
            kHigher},
    RowInfo{Row::kDiskSmall, "disk_small", "disk beyond content, 1-10 KiB", "bytes/object", kLower},
    RowInfo{Row::kDiskLarge, "disk_large", "disk beyond content, 1 MiB", "bytes/object", kLower},
    RowInfo{Row::kMemoryPut, "memory_put", "memory to put many small objects", "MiB", kLower},
    RowInfo{Row::kMemoryGet, "memory_get", "memory to get each of them", "MiB", kLower},
    RowInfo{Row::kMemoryReadMany, "memory_read_many", "memory to read_many all of them", "MiB",
            kLower},
    RowInfo{Row::kMemoryPack, "memory_pack", "memory to pack as many loose ones", "MiB", kLower},
    RowInfo{Row::kMemoryValidate, "memory_validate", "memory to validate them", "MiB", kLower},
    RowInfo{Row::kMemoryRepack, "memory_repack", "memory to remove half and repack", "MiB", kLower},
    RowInfo{Row::kOpen, "open", "open the store of them", "ms", kLower},
};

}  // namespace

std::span<const RowInfo> all_rows() { return kRows; }

const RowInfo& info_of(Row row) {
  for (const RowInfo& info : kRows) {
    if (info.row == row) return info;
  }
  stop("a row is not in the table of rows");
}

void Results::add(Row row, std::string_view column, double value) {
  values_[{row, std::string(column)}].push_back(value);
}

std::span<const double> Results::values(Row row, std::string_view column) const {
  const auto found = values_.find({row, std::string(column)});
  if (found == values_.end()) return {};
  return found->second;
}

std::optional<double> Results::median(Row row, std::string_view column) const {
  const std::span<const double> all = values(row, column);
  if (all.empty()) return std::nullopt;
  return median_of({all.begin(), all.end()});
}

std::optional<double> Results::ratio(Row row, std::string_view column,
                                     std::string_view other) const {
  const std::span<const double> mine = values(row, column);
  const std::span<const double> theirs = values(row, other);
  if (mine.empty() || mine.size() != theirs.size()) return std::nullopt;
  const bool higher = info_of(row).better == Better::kHigher;
  std::vector<double> quotients;
  for (std::size_t round = 0; round < mine.size(); ++round) {
    quotients.push_back(higher ? mine[round] / theirs[round] : theirs[round] / mine[round]);
  }
  return median_of(std::move(quotients));
}

double median_of(std::vector<double> values) {
  if (values.empty()) stop("there is no median of nothing");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace packstore::compare
