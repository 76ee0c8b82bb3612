// Other processes of a test. Each is forked before its parent starts threads, runs a function, and
// ends by _exit() or by a signal.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <utility>

namespace packstore::testing {

// The bytes that one process tells another. Messages of up to PIPE_BUF bytes arrive whole, also
// from several writers, killed ones included.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~Pipe() {
    close_reading();
    close_writing();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reading() const { return ends_[0]; }
  void close_reading() { close(ends_[0]); }
  void close_writing() { close(ends_[1]); }

  template <typename Message>
  bool tell(const Message& message) const {
    return ::write(ends_[1], &message, sizeof message) == ssize_t{sizeof message};
  }
  // nullopt: no writer is left, or all have been silent for so long that none will speak again.
  template <typename Message>
  std::optional<Message> hear() const {
    Message message{};
    pollfd ready{.fd = ends_[0], .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kSilenceMillisecondsMax) != 1) return std::nullopt;
    if (::read(ends_[0], &message, sizeof message) != ssize_t{sizeof message}) return std::nullopt;
    return message;
  }

 private:
  static constexpr int kSilenceMillisecondsMax = 60'000;
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class ChildProcess {
 public:
  // Runs `work`, which returns the exit status.
  template <typename Work>
  explicit ChildProcess(Work work) {
    std::fflush(stdout);  // Or the child would print it again.
    pid_ = ::fork();
    EXPECT_GE(pid_, 0);
    if (pid_ != 0) return;
    const int status = work();
    std::fflush(stdout);
    ::_exit(status);
  }
  // The child of a test that has failed must not outlive it.
  ~ChildProcess() { static_cast<void>(kill()); }
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }

  pid_t pid() const { return pid_; }

  // The exit status; nullopt when a signal ended it.
  std::optional<int> wait() {
    int status = 0;
    const pid_t child = std::exchange(pid_, -1);
    if (child <= 0 || ::waitpid(child, &status, 0) != child) return std::nullopt;
    if (!WIFEXITED(status)) return std::nullopt;
    return WEXITSTATUS(status);
  }

  // Gone, with its locks, when this returns; false when it had ended before.
  [[nodiscard]] bool kill() {
    if (pid_ <= 0) return false;
    ::kill(pid_, SIGKILL);
    return !wait().has_value();
  }

  // Frozen when this returns.
  void freeze() const {
    int status = 0;
    ::kill(pid_, SIGSTOP);
    EXPECT_EQ(::waitpid(pid_, &status, WUNTRACED), pid_);
    EXPECT_TRUE(WIFSTOPPED(status));
  }
  void thaw() const { ::kill(pid_, SIGCONT); }

 private:
  pid_t pid_ = -1;
};

}  // namespace packstore::testing
