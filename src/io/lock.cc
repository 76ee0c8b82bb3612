#include "io/lock.h"

#include <fmt/chrono.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <thread>

#include "base/error.h"
#include "base/mistake.h"

namespace packstore::io {
namespace {

using Clock = std::chrono::steady_clock;

// Short enough that a free lock is noticed at once by human measure, long enough that a waiter
// costs nothing by a processor's.
constexpr auto kFirstPause = std::chrono::milliseconds(1);
constexpr auto kPauseMax = std::chrono::milliseconds(20);

// Keeps the arithmetic of deadlines from overflowing; nobody waits longer.
constexpr std::chrono::milliseconds kWaitMax = std::chrono::hours(24 * 365);

// Lock files are never removed, so a file that was in the way of creation is there to be opened.
constexpr int kOpenAttempts = 3;

// Bounds what a damaged lock file can put into a message.
constexpr std::size_t kHolderBytesMax = 200;

Result<std::unique_ptr<File>> open_or_create(const Directory& locks, std::string_view name) {
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(auto found, locks.find_file(name, OpenMode::kReadWrite));
    if (found) return std::move(*found);
    Result<std::unique_ptr<File>> created = locks.create_file(name);
    if (created) return created;
    if (created.error().code != ErrorCode::kConflict || attempt == kOpenAttempts) return created;
  }
}

// True once the lock is held, false when `wait` is over.
Result<bool> lock_within(File& file, LockKind kind, std::chrono::milliseconds wait) {
  const Clock::time_point deadline =
      Clock::now() + std::clamp(wait, std::chrono::milliseconds(0), kWaitMax);
  Clock::duration pause = kFirstPause;
  for (;;) {
    ASSIGN_OR_RETURN(const bool locked, file.try_lock(kind));
    if (locked || makes(Mistake::kForgetLock)) return true;
    const Clock::time_point now = Clock::now();
    if (now >= deadline) return false;
    std::this_thread::sleep_for(std::min(pause, deadline - now));
    pause = std::min<Clock::duration>(2 * pause, kPauseMax);
  }
}

// The first line of `text`, at most kHolderBytesMax of it, with '?' for what a terminal might obey.
std::string make_safe_line(std::string_view text) {
  std::string line(text.substr(0, std::min(text.find('\n'), kHolderBytesMax)));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  // One byte less than there is room for, so that a cut-off name still ends.
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown host";
  return name.data();
}

void write_holder(File& file, std::string_view operation) {
  const std::string line =
      make_safe_line(fmt::format("pid {} on {}: {} (since {:%Y-%m-%dT%H:%M:%SZ})", ::getpid(),
                                 host_name(), operation, fmt::gmtime(std::time(nullptr)))) +
      '\n';
  // Who takes a lock many times a second finds its own line there. To write it again would cost the
  // next sync of any file a fifth more: the file system has to log that this one was changed.
  std::array<std::byte, 2 * kHolderBytesMax> bytes;
  const Result<std::size_t> before = file.read_at(0, bytes);
  if (before && as_text(ByteView(bytes).first(*before)) == line) return;
  // The line ends itself, so what an earlier holder wrote may stand behind it for a moment. A full
  // disk is no reason to refuse a lock: maintenance may be what makes room.
  const Status written = file.write_at(0, as_bytes(line));
  // Cutting a file off costs several times as much as writing it, even where nothing stands behind.
  const bool longer = !before || *before > line.size();
  if (written && longer) static_cast<void>(file.truncate(line.size()).has_value());
}

std::string read_holder(const File& file) {
  std::array<std::byte, kHolderBytesMax> bytes;
  const Result<std::size_t> count = file.read_at(0, bytes);
  if (!count || *count == 0) return "unknown";
  return make_safe_line(as_text(ByteView(bytes).first(*count)));
}

}  // namespace

Result<HeldLock> HeldLock::take(const Directory& locks, std::string_view name, LockKind kind,
                                std::chrono::milliseconds wait, std::string_view operation) {
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, open_or_create(locks, name));
  ASSIGN_OR_RETURN(const bool locked, lock_within(*file, kind, wait));
  if (!locked) {
    // Shared holders leave no line, so an exclusive one that has gone may be named in their place.
    return fail(ErrorCode::kBusy, "{}: still taken after {} ms, last exclusive holder: {}",
                file->path(), wait.count(), read_holder(*file));
  }
  if (kind == LockKind::kExclusive) write_holder(*file, operation);
  return HeldLock(std::move(file));
}

}  // namespace packstore::io
