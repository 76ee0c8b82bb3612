// What every system call of this folder needs: a descriptor that closes itself, repetition after a
// signal, and errno turned into an Error.
#pragma once

#include <cerrno>
#include <string_view>
#include <utility>

#include "io/file.h"
#include "packstore/result.h"

struct stat;

namespace packstore::io {

// An open file descriptor, or none.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // Gives the descriptor to a caller who closes it.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// What `call` returns once it was not interrupted by a signal.
template <typename Call>
auto retry_interrupted(Call call) {
  auto answer = call();
  while (answer == -1 && errno == EINTR) answer = call();
  return answer;
}

FileInfo info_of(const struct stat& status);

// "<path>: cannot <operation>: <reason>", under the code that a caller can act on.
Error system_error(int error_number, std::string_view operation, std::string_view path);

}  // namespace packstore::io
