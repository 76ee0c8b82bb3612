// Removing garbage. Called under the maintenance lock.
#pragma once

#include "packstore/maintenance.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

Result<CleanReport> clean(StoreCore& core);

}  // namespace packstore::store
