// Whose turn it is to write. SQLite 3.7.0 to 3.51.2 can lose committed rows when one connection
// restarts the write-ahead log while another checkpoints (its WAL-reset bug), so every write and
// every checkpoint of every thread and process happens in a turn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "io/file.h"
#include "io/lock.h"
#include "packstore/result.h"

namespace packstore::index {

// One at a time among the threads of this process. Unlike a mutex it may be left by another thread
// than the one that entered.
class WriteGate {
 public:
  bool enter_within(std::chrono::milliseconds wait);
  void leave();

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  bool taken_ = false;
};

// Held from construction to destruction.
class WriteTurn {
 public:
  // A turn takes milliseconds; the longest one, a backup or the commit of ten million rows,
  // seconds. Only a recovery may take longer than others wait.
  static constexpr std::chrono::milliseconds kWait = std::chrono::minutes(1);

  // kBusy: others did not end theirs within `wait`; the message names the holder.
  static Result<std::unique_ptr<WriteTurn>> take(WriteGate& gate, const io::Directory& locks,
                                                 std::string_view operation,
                                                 std::chrono::milliseconds wait = kWait);
  ~WriteTurn();
  WriteTurn(const WriteTurn&) = delete;
  WriteTurn& operator=(const WriteTurn&) = delete;

 private:
  explicit WriteTurn(WriteGate& gate) : gate_(gate) {}
  WriteGate& gate_;
  std::optional<io::HeldLock> lock_;
};

}  // namespace packstore::index
