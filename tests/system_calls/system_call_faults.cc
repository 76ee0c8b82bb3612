// How a call is replaced: the linker prefers the functions of the program to those of the C
// library, also for calls that SQLite's shared library makes. Each asks begin() how it goes, and
// finds the real one behind itself with dlsym().
#include "system_calls/system_call_faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <vector>

namespace packstore::testing {
namespace {

std::atomic<bool> armed = false;
std::mutex mutex;
std::optional<SystemCallFault> planned;
std::uint64_t counted = 0;
std::string faulty;

using Kind = SystemCallFault::Kind;

// The fault that this call meets.
std::optional<SystemCallFault> begin(const char* name) {
  if (!armed.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex);
  ++counted;
  if (!planned || (planned->for_good ? counted < planned->call : counted != planned->call)) {
    return std::nullopt;
  }
  if (faulty.empty()) faulty = name;
  return planned;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// A call that is done or not.
template <typename Call>
auto attempt(const char* name, const Call& call) {
  const auto fault = begin(name);
  if (!fault || fault->kind == Kind::kShort) return call();
  if (fault->kind == Kind::kErrorDone) static_cast<void>(call());
  errno = fault->error;
  return decltype(call())(-1);
}

// An opened descriptor nobody learns of is no disk's fault: it is either opened or not.
template <typename Call>
int attempt_open(const char* name, const Call& call) {
  const auto fault = begin(name);
  if (!fault || fault->kind != Kind::kError) return call();
  errno = fault->error;
  return -1;
}

// A call that moves bytes: `call` moves so many of them.
template <typename Call>
ssize_t transfer(const char* name, std::size_t bytes, const Call& call) {
  const auto fault = begin(name);
  if (!fault) return call(bytes);
  if (fault->kind == Kind::kShort) return call((bytes + 1) / 2);
  if (fault->kind == Kind::kErrorDone) static_cast<void>(call(bytes));
  errno = fault->error;
  return -1;
}

std::size_t length_of(const iovec* pieces, int count) {
  std::size_t length = 0;
  for (int i = 0; i < count; ++i) length += pieces[i].iov_len;
  return length;
}

// The first `bytes` bytes of the pieces.
std::vector<iovec> front_of(const iovec* pieces, int count, std::size_t bytes) {
  std::vector<iovec> front;
  for (int i = 0; i < count && bytes > 0; ++i) {
    front.push_back({pieces[i].iov_base, std::min(pieces[i].iov_len, bytes)});
    bytes -= front.back().iov_len;
  }
  return front;
}

template <typename Function>
ssize_t transfer_pieces(const char* name, int fd, const iovec* pieces, int count, off_t offset) {
  return transfer(name, length_of(pieces, count), [&](std::size_t bytes) {
    const std::vector<iovec> front = front_of(pieces, count, bytes);
    return real<Function>(name)(fd, front.data(), static_cast<int>(front.size()), offset);
  });
}

}  // namespace

SystemCallFaults::SystemCallFaults(std::optional<SystemCallFault> fault) {
  const std::lock_guard lock(mutex);
  planned = fault;
  counted = 0;
  faulty.clear();
  armed = true;
}

SystemCallFaults::~SystemCallFaults() { armed = false; }

std::uint64_t SystemCallFaults::calls() const {
  const std::lock_guard lock(mutex);
  return counted;
}

std::string SystemCallFaults::first_faulty() const {
  const std::lock_guard lock(mutex);
  return faulty;
}

}  // namespace packstore::testing

using packstore::testing::attempt;
using packstore::testing::attempt_open;
using packstore::testing::real;
using packstore::testing::transfer;
using packstore::testing::transfer_pieces;

extern "C" {

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  return transfer_pieces<decltype(::pwritev)>("pwritev", fd, pieces, count, offset);
}
ssize_t preadv(int fd, const iovec* pieces, int count, off_t offset) {
  return transfer_pieces<decltype(::preadv)>("preadv", fd, pieces, count, offset);
}
ssize_t pwrite64(int fd, const void* from, size_t size, off64_t offset) {
  return transfer("pwrite64", size, [&](size_t bytes) {
    return real<decltype(::pwrite64)>("pwrite64")(fd, from, bytes, offset);
  });
}
ssize_t pread64(int fd, void* into, size_t size, off64_t offset) {
  return transfer("pread64", size, [&](size_t bytes) {
    return real<decltype(::pread64)>("pread64")(fd, into, bytes, offset);
  });
}

int fdatasync(int fd) {
  return attempt("fdatasync", [&] { return real<decltype(::fdatasync)>("fdatasync")(fd); });
}
int fsync(int fd) {
  return attempt("fsync", [&] { return real<decltype(::fsync)>("fsync")(fd); });
}
int ftruncate(int fd, off_t size) noexcept {
  return attempt("ftruncate", [&] { return real<decltype(::ftruncate)>("ftruncate")(fd, size); });
}
int ftruncate64(int fd, off64_t size) noexcept {
  return attempt("ftruncate64",
                 [&] { return real<decltype(::ftruncate64)>("ftruncate64")(fd, size); });
}

int openat(int directory, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return attempt_open(
      "openat", [&] { return real<decltype(::openat)>("openat")(directory, path, flags, mode); });
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return attempt_open("open64",
                      [&] { return real<decltype(::open64)>("open64")(path, flags, mode); });
}

int mkdirat(int directory, const char* path, mode_t mode) noexcept {
  return attempt("mkdirat",
                 [&] { return real<decltype(::mkdirat)>("mkdirat")(directory, path, mode); });
}
int renameat(int from, const char* path, int to, const char* to_path) noexcept {
  return attempt("renameat",
                 [&] { return real<decltype(::renameat)>("renameat")(from, path, to, to_path); });
}
int linkat(int from, const char* path, int to, const char* to_path, int flags) noexcept {
  return attempt(
      "linkat", [&] { return real<decltype(::linkat)>("linkat")(from, path, to, to_path, flags); });
}
int unlinkat(int directory, const char* path, int flags) noexcept {
  return attempt("unlinkat",
                 [&] { return real<decltype(::unlinkat)>("unlinkat")(directory, path, flags); });
}
int unlink(const char* path) noexcept {
  return attempt("unlink", [&] { return real<decltype(::unlink)>("unlink")(path); });
}

}  // extern "C"
