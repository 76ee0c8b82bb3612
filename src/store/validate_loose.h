// The loose half of a validation.
#pragma once

#include "packstore/result.h"
#include "store/validate_run.h"

namespace packstore::store {

// Tells `run` how much there is to go through.
Status expect_loose(ValidateRun& run);

// Every loose file: whether it can be an object, is the one that its name says, and is needed.
Status validate_loose(ValidateRun& run);

}  // namespace packstore::store
