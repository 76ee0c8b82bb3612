// Pieces of work that threads carry side by side and finish in their order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "packstore/result.h"

namespace packstore::dag {

// Pieces are numbered from 0. Each waits for its turn and ends it; the first one that fails is the
// last that has a turn. So what is done in turns needs no lock of its own, and the error is that of
// the earliest piece that has one, whatever the threads do.
//
// Thread safety: any thread.
class Turns {
 public:
  // False: an earlier piece has failed.
  bool wait(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == number || error_; });
    return !error_;
  }

  // Ends the turn; by whoever has it.
  void end() {
    const std::scoped_lock lock(mutex_);
    ++turn_;
    changed_.notify_all();
  }
  void fail(const Error& error) {
    const std::scoped_lock lock(mutex_);
    error_ = error;
    changed_.notify_all();
  }

  // Ends the turns of all, whoever's it is: a thread has been left by an exception.
  void abandon() { fail({ErrorCode::kCancelled, "a function of the caller has thrown"}); }

  // Why the turns have ended.
  Status status() const {
    const std::scoped_lock lock(mutex_);
    return error_ ? Status(*error_) : Status();
  }

 private:
  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::uint64_t turn_ = 0;
  std::optional<Error> error_;
};

}  // namespace packstore::dag
