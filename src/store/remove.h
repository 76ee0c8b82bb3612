// Removing objects. Called under the maintenance lock.
#pragma once

#include <chrono>
#include <span>

#include "index/index.h"
#include "packstore/maintenance.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

Result<RemoveReport> remove(StoreCore& core, std::span<const ObjectId> ids,
                            std::chrono::milliseconds wait);

// Drops the row of the object, and notes its loose copy as pending unlink; both in `transaction`,
// which must be kDurable. False: there was nothing of that name.
Result<bool> remove_object(const StoreCore& core, index::WriteTransaction& transaction,
                           const ObjectId& id);

}  // namespace packstore::store
