// The reference counts of the index, held against a full recount.
#pragma once

#include "packstore/result.h"

namespace packstore::store {

class ValidateRun;

// Reports counts that are wrong, and nodes that refs reach and that are absent or no nodes. Only
// where content is read, and where the store was opened with OpenOptions::children_of. When nodes
// are released again and again while they are looked for, the counts are left out.
Status validate_counts(ValidateRun& run);

}  // namespace packstore::store
