// Loose objects into packs. Called under the maintenance lock.
#pragma once

#include "packstore/maintenance.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

Result<PackReport> pack_loose(StoreCore& core, const PackOptions& options);

}  // namespace packstore::store
