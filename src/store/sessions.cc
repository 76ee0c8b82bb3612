#include "store/sessions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "store/layout.h"

namespace packstore::store {
namespace {

using io::HeldLock;
using io::LockKind;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A sweep takes as long as one index transaction.
constexpr milliseconds kSweepWait = std::chrono::seconds(30);
// Sessions that are short end within it; and it is a delay that a writer can bear.
constexpr milliseconds kTurn = std::chrono::seconds(1);

bool is_busy(const Result<HeldLock>& lock) {
  return !lock && lock.error().code == ErrorCode::kBusy;
}

class Deadline {
 public:
  explicit Deadline(milliseconds wait) : wait_(wait), begin_(Clock::now()) {}

  // At most `limit`; 0 when it is over.
  milliseconds left(milliseconds limit) const {
    const auto passed = std::chrono::duration_cast<milliseconds>(Clock::now() - begin_);
    return passed >= wait_ ? milliseconds(0) : std::min(wait_ - passed, limit);
  }

 private:
  milliseconds wait_;
  Clock::time_point begin_;
};

// Lets a maintainer who waits go first. The file is made by the first one that ever waits.
Status give_way(const io::Directory& locks, std::string_view operation) {
  ASSIGN_OR_RETURN(const auto waiting, locks.stat_file(kWaitingLock));
  if (!waiting) return {};
  const auto passed = HeldLock::take(locks, kWaitingLock, LockKind::kShared, kTurn, operation);
  return passed || is_busy(passed) ? Status() : Status(passed.error());
}

}  // namespace

Result<HeldLock> begin_session(const io::Directory& locks, std::string_view operation) {
  RETURN_IF_ERROR(give_way(locks, operation));
  return HeldLock::take(locks, kSessionsLock, LockKind::kShared, kSweepWait, operation);
}

Result<HeldLock> hold_off_sessions(const io::Directory& locks, milliseconds wait,
                                   std::string_view operation) {
  const Deadline deadline(wait);
  const auto take = [&](std::string_view name) {
    return HeldLock::take(locks, name, LockKind::kExclusive, deadline.left(kTurn), operation);
  };
  Result<HeldLock> sessions =
      HeldLock::take(locks, kSessionsLock, LockKind::kExclusive, milliseconds(0), operation);
  // One turn in which sessions give way, one in which they do not: behind a session that is long,
  // the others go on half of the time.
  for (bool gives_way = true; is_busy(sessions) && deadline.left(kTurn).count() > 0;
       gives_way = !gives_way) {
    std::optional<HeldLock> waiting;
    if (gives_way) {
      // A courtesy: where it cannot be had, on a full disk say, waiting goes on without.
      if (Result<HeldLock> taken = take(kWaitingLock)) waiting = std::move(*taken);
    }
    sessions = take(kSessionsLock);
  }
  if (!is_busy(sessions)) return sessions;
  return fail(ErrorCode::kBusy, "{}; waited for batches and pins for {} ms in all",
              sessions.error().message, wait.count());
}

}  // namespace packstore::store
