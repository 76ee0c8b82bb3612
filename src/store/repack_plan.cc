#include "store/repack_plan.h"

#include <algorithm>

namespace packstore::store {
namespace {

double dead_ratio(const PackUsage& pack) {
  return pack.file_bytes == 0
             ? 1.0
             : static_cast<double>(pack.dead_bytes) / static_cast<double>(pack.file_bytes);
}

bool is_small(const PackUsage& pack, const RepackOptions& options) {
  return options.pack_bytes_min && pack.file_bytes < *options.pack_bytes_min;
}

bool is_wasteful(const PackUsage& pack, const RepackOptions& options) {
  return options.dead_ratio_min && dead_ratio(pack) >= *options.dead_ratio_min;
}

std::uint64_t live_bytes(const PackUsage& pack) {
  return pack.file_bytes - std::min(pack.file_bytes, pack.dead_bytes);
}

}  // namespace

RepackPlan plan_repack(std::span<const PackUsage> packs, const RepackOptions& options) {
  const bool everything = !options.dead_ratio_min && !options.pack_bytes_min;
  std::vector<PackUsage> chosen;
  for (const PackUsage& pack : packs) {
    if (everything || is_wasteful(pack, options) || is_small(pack, options)) chosen.push_back(pack);
  }
  const bool lone_small = chosen.size() == 1 && !everything &&
                          !is_wasteful(chosen.front(), options) && chosen.front().dead_bytes == 0;
  if (lone_small) chosen.clear();

  std::sort(chosen.begin(), chosen.end(), [](const PackUsage& a, const PackUsage& b) {
    const double dead_a = dead_ratio(a);
    const double dead_b = dead_ratio(b);
    return dead_a != dead_b ? dead_a > dead_b : a.pack < b.pack;
  });
  RepackPlan plan;
  for (const PackUsage& pack : chosen) {
    if (live_bytes(pack) > options.bytes_max - plan.live_bytes) continue;
    plan.packs.push_back(pack.pack);
    plan.live_bytes += live_bytes(pack);
  }
  std::sort(plan.packs.begin(), plan.packs.end());
  return plan;
}

}  // namespace packstore::store
