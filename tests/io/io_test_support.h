// What the tests of io/ share: a directory that goes away, other processes, words for results.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "io/file.h"
#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::io {

MATCHER(Succeeds, "") {
  if (!arg.has_value()) *result_listener << arg.error().message;
  return arg.has_value();
}

MATCHER_P(FailsWith, code, "fails with " + std::string(to_string(code))) {
  if (arg.has_value()) return false;
  *result_listener << to_string(arg.error().code) << ": " << arg.error().message;
  return arg.error().code == code;
}

// A new directory, removed with all that is in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const std::string placeholder(6, 'X');  // What mkdtemp() fills in.
    std::string name =
        (std::filesystem::temp_directory_path() / ("packstore-io-" + placeholder)).string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no scratch directory " << name;
    path_ = std::filesystem::canonical(name);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::unique_ptr<Directory> open() const {
    return posix_file_system().open_directory(path_.string()).value();
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// All that `file` holds.
inline std::string content_of(const File& file) {
  Bytes bytes(file.info().value().size);
  EXPECT_EQ(file.read_at(0, bytes).value(), bytes.size());
  return std::string(as_text(bytes));
}

inline Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// The exit status that tells run_in_child() what a call returned: 0, or the number of its error.
template <typename T>
int exit_status_of(const Result<T>& result) {
  return result.has_value() ? 0 : static_cast<int>(result.error().code);
}
inline int exit_status_of(ErrorCode code) { return static_cast<int>(code); }

// Runs `work`, which returns an exit status, in a process of its own, so that it may give up
// privileges or lower limits. Returns the status, or -1 when the process died.
template <typename Work>
int run_in_child(Work work) {
  const pid_t child = ::fork();
  // An exception ends the child: the test program must not go on in two processes.
  if (child == 0) [&]() noexcept { ::_exit(work()); }();
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

// Another process that holds what `take` returns until it is killed.
class HoldingProcess {
 public:
  template <typename Take>
  explicit HoldingProcess(Take take) {
    int ready[2];
    if (::pipe(ready) != 0) ADD_FAILURE() << "no pipe";
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const auto held = take();
      if (::write(ready[1], "+", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char byte = 0;
    ::close(ready[1]);
    // Returns nothing when the process died before it was ready.
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  HoldingProcess(const HoldingProcess&) = delete;
  HoldingProcess& operator=(const HoldingProcess&) = delete;
  ~HoldingProcess() { kill(); }

  pid_t id() const { return child_; }

  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }

 private:
  pid_t child_ = -1;
};

}  // namespace packstore::io
