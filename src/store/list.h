// Walking over every object.
#pragma once

#include "packstore/result.h"
#include "packstore/store.h"

namespace packstore::store {

struct StoreCore;

// Loose and packed objects by ascending id, each once; the packed copy is the one reported.
Status for_each_object(const StoreCore& core, const Store::ObjectVisitor& visit);

}  // namespace packstore::store
