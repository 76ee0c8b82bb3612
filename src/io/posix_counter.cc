#include "io/posix_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace packstore::io {
namespace {

using Counter = std::atomic<std::uint64_t>;
constexpr off_t kCounterBytes = 8;

// What makes eight bytes of a file an atomic variable for every process that maps them.
static_assert(sizeof(Counter) == kCounterBytes);
static_assert(Counter::is_always_lock_free);

// Gives an empty file the length of a counter. Two processes may do that at the same time, and one
// of them may count before the other is done: neither call changes bytes that are there.
Status make_counter(int fd, const std::string& path) {
  // A hole would be filled at the first count; with the disk full, that is a SIGBUS, not an error.
  if (retry_interrupted([&] { return ::fallocate(fd, 0, 0, kCounterBytes); }) == 0) return {};
  if (errno != EOPNOTSUPP) return system_error(errno, "allocate the counter", path);
  if (retry_interrupted([&] { return ::ftruncate(fd, kCounterBytes); }) == 0) return {};
  return system_error(errno, "extend the counter", path);
}

}  // namespace

Result<std::unique_ptr<SharedCounter>> PosixCounter::map(OwnedFd fd, const std::string& path) {
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "stat", path);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kCorrupt, "{}: not a regular file (mode {:o})", path, status.st_mode);
  }
  if (status.st_size != 0 && status.st_size != kCounterBytes) {
    return fail(ErrorCode::kCorrupt, "{}: has {} bytes, a counter has {}", path, status.st_size,
                kCounterBytes);
  }
  if (status.st_size == 0) RETURN_IF_ERROR(make_counter(fd.get(), path));
  void* page = ::mmap(nullptr, kCounterBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return system_error(errno, "map the counter", path);
  return std::unique_ptr<SharedCounter>(new PosixCounter(page));
}

PosixCounter::~PosixCounter() { ::munmap(page_, kCounterBytes); }

std::atomic<std::uint64_t>& PosixCounter::value() const { return *static_cast<Counter*>(page_); }

}  // namespace packstore::io
