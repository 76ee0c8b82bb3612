// Waiting for advisory locks.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "io/file.h"
#include "packstore/result.h"

namespace packstore::io {

// A lock on a file of its own in `locks/`, held as long as the object lives; the kernel drops it
// with the process. The file names the exclusive holder, for messages only.
class HeldLock {
 public:
  // Waits up to `wait`. kBusy: still taken; the message names the holder, "pid 17 on host: pack".
  static Result<HeldLock> take(const Directory& locks, std::string_view name, LockKind kind,
                               std::chrono::milliseconds wait, std::string_view operation);

  HeldLock(HeldLock&&) noexcept = default;
  HeldLock& operator=(HeldLock&&) noexcept = default;
  ~HeldLock() = default;

 private:
  explicit HeldLock(std::unique_ptr<File> file) : file_(std::move(file)) {}
  std::unique_ptr<File> file_;
};

}  // namespace packstore::io
