// Deciding which packs to rewrite; pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packstore/maintenance.h"

namespace packstore::store {

struct PackUsage {
  std::uint64_t pack = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t dead_bytes = 0;  // Unfinished tails included.
};

struct RepackPlan {
  std::vector<std::uint64_t> packs;  // Ascending.
  std::uint64_t live_bytes = 0;      // What rewriting them has to copy.
};

// Equal input, equal plan. Packs are taken by descending share of dead bytes (then by number) as
// long as the budget lasts, so that a small budget frees the most. A lone small pack without dead
// bytes is not chosen: there is nothing to merge it with.
RepackPlan plan_repack(std::span<const PackUsage> packs, const RepackOptions& options);

}  // namespace packstore::store
