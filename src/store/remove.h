// Removing objects. Called under the maintenance lock.
#pragma once

#include <chrono>
#include <span>

#include "packstore/maintenance.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

Result<RemoveReport> remove(StoreCore& core, std::span<const ObjectId> ids,
                            std::chrono::milliseconds wait);

}  // namespace packstore::store
