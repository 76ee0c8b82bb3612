// The part of repair() that sets packs and their entries right.
#pragma once

#include <set>

#include "packstore/maintenance.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "packstore/validate.h"
#include "store/repair_quarantine.h"

namespace packstore::store {

struct StoreCore;

// Goes through every pack that `report` names. `dropped`: objects whose rows were dropped; they get
// new rows where a whole, good record of them stands in one of these packs.
Status repair_packs(StoreCore& core, const ValidationReport& report,
                    const std::set<ObjectId>& dropped, Quarantine& quarantine,
                    RepairReport& result);

}  // namespace packstore::store
