// The packed half of a validation.
#pragma once

#include "packstore/result.h"
#include "store/validate_run.h"

namespace packstore::store {

// Every row with its record, every pack with its rows, every pack file with its entry in the index.
Status validate_packs(ValidateRun& run);

}  // namespace packstore::store
