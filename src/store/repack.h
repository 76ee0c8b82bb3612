// Rewriting packs. Called under the maintenance lock.
#pragma once

#include "packstore/maintenance.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

Result<RepackReport> repack(StoreCore& core, const RepackOptions& options);

// Takes a pack that no row points into out of the store: retires it durably, unlinks its file, then
// forgets it. The caller holds the pack's lock.
Status retire_pack(StoreCore& core, std::uint64_t pack);

}  // namespace packstore::store
