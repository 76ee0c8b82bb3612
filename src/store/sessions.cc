#include "store/sessions.h"

#include <chrono>

#include "store/layout.h"

namespace packstore::store {
namespace {

// A sweep takes as long as one index transaction.
constexpr std::chrono::seconds kSweepWait{30};

}  // namespace

Result<io::HeldLock> begin_session(const io::Directory& locks, std::string_view operation) {
  return io::HeldLock::take(locks, kSessionsLock, io::LockKind::kShared, kSweepWait, operation);
}

}  // namespace packstore::store
