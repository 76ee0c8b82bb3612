// Acting on what a validation found; docs/maintenance.md, "Repair".
#pragma once

#include "packstore/maintenance.h"
#include "packstore/result.h"
#include "packstore/validate.h"

namespace packstore::store {

struct StoreCore;

// Only under the maintenance lock. Looks again before each act, and never deletes a byte:
// - a damaged loose file moves to quarantine/<id>.loose,
// - the bytes of a damaged record are copied to quarantine/<id>.record and its row is dropped,
// - a row with nothing behind it is dropped; where a whole record of its object stands in a gap of
//   a reported pack, the object gets a row for that one instead,
// - whole records that the index does not know get rows,
// - a pack without rows that is damaged or foreign moves to quarantine/; one with rows gets a new
//   header when its records prove that it is ours, and stays as it is otherwise,
// - files in loose/ that cannot be objects move to quarantine/,
// - dead bytes are counted anew.
// Broken refs and a damaged index are left: the application, and recover(), know better.
Result<RepairReport> repair(StoreCore& core, const ValidationReport& report);

}  // namespace packstore::store
