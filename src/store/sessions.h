// Sessions: who relies on what it has found in the store holds locks/sessions shared meanwhile. A
// batch does as long as it is open, a pin while it grows.
#pragma once

#include <string_view>

#include "io/file.h"
#include "io/lock.h"
#include "packstore/result.h"

namespace packstore::store {

// Nothing is removed or swept until it is given back. kBusy: a sweep has been under way for longer
// than 30 seconds.
Result<io::HeldLock> begin_session(const io::Directory& locks, std::string_view operation);

}  // namespace packstore::store
