// Mark and sweep. Called under the maintenance lock.
#pragma once

#include "packstore/collection.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

Result<CollectReport> collect(StoreCore& core, const CollectOptions& options);

}  // namespace packstore::store
