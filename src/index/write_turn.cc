#include "index/write_turn.h"

#include <utility>

#include "base/error.h"

namespace packstore::index {
namespace {

constexpr std::string_view kLockFile = "index";

}  // namespace

bool WriteGate::enter_within(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  if (!left_.wait_for(lock, wait, [this] { return !taken_; })) return false;
  taken_ = true;
  return true;
}

void WriteGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    taken_ = false;
  }
  left_.notify_one();
}

Result<std::unique_ptr<WriteTurn>> WriteTurn::take(WriteGate& gate, const io::Directory& locks,
                                                   std::string_view operation,
                                                   std::chrono::milliseconds wait) {
  if (!gate.enter_within(wait)) {
    return fail(ErrorCode::kBusy, "{}/{}: another thread of this process has been writing for {} s",
                locks.path(), kLockFile,
                std::chrono::duration_cast<std::chrono::seconds>(wait).count());
  }
  std::unique_ptr<WriteTurn> turn(new WriteTurn(gate));
  ASSIGN_OR_RETURN(io::HeldLock lock,
                   io::HeldLock::take(locks, kLockFile, io::LockKind::kExclusive, wait, operation));
  turn->lock_.emplace(std::move(lock));
  return turn;
}

WriteTurn::~WriteTurn() {
  lock_.reset();
  gate_.leave();
}

}  // namespace packstore::index
