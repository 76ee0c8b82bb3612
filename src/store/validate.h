// Looking at everything in a store; docs/maintenance.md, "Validation".
#pragma once

#include "packstore/result.h"
#include "packstore/validate.h"

namespace packstore::store {

struct StoreCore;

// Beside writers and maintenance. What moves meanwhile is looked at again before it is reported; a
// pack that a writer holds is left alone behind its indexed part. The findings come in the order
// kind, pack, offset, object, whatever the number of threads.
//
// kCancelled: a stop was requested. Other errors are of the system: damage is a finding.
Result<ValidationReport> validate(const StoreCore& core, const ValidateOptions& options);

}  // namespace packstore::store
