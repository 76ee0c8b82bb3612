// Sessions: who relies on what it has found in the store holds locks/sessions shared meanwhile. A
// batch does as long as it is open, a pin while it grows. Who removes holds it exclusively.
//
// There may always be a session, each of them short, and no moment without one. So who waits for
// them to end holds locks/waiting at intervals, and new sessions let it go first. They do so for a
// second at most, since it may wait for a session that is long, or be frozen.
#pragma once

#include <chrono>
#include <string_view>

#include "io/file.h"
#include "io/lock.h"
#include "packstore/result.h"

namespace packstore::store {

// Nothing is removed or swept until it is given back. kBusy: a sweep has been under way for longer
// than 30 seconds.
Result<io::HeldLock> begin_session(const io::Directory& locks, std::string_view operation);

// No session is open, and none begins, until it is given back. Only under the maintenance lock.
// kBusy: sessions, or one of them, were open for all of `wait`.
Result<io::HeldLock> hold_off_sessions(const io::Directory& locks, std::chrono::milliseconds wait,
                                       std::string_view operation);

}  // namespace packstore::store
