// Counting what a store holds.
#pragma once

#include "packstore/result.h"
#include "packstore/stats.h"

namespace packstore::store {

struct StoreCore;

// Counts of the moment; beside writers the parts may be of slightly different moments.
Result<StoreStats> stats(const StoreCore& core);

}  // namespace packstore::store
