// Files of the operating system.
#pragma once

#include <memory>
#include <string>

#include "io/file.h"
#include "io/posix_call.h"

namespace packstore::io {

class PosixFile final : public File {
 public:
  // kCorrupt: `fd` is not a regular file.
  static Result<std::unique_ptr<File>> adopt(OwnedFd fd, std::string path);

  using File::write_at;
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override;
  Result<std::size_t> read_at(std::uint64_t offset,
                              std::span<const std::span<std::byte>> into) const override;
  void start_writeback(std::uint64_t offset, std::uint64_t length) override;
  Result<FileInfo> info() const override;
  Result<bool> try_lock(LockKind kind) override;
  void unlock() override;
  const std::string& path() const override { return path_; }

  int fd() const { return fd_.get(); }

 private:
  PosixFile(OwnedFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status do_write_at(std::uint64_t offset, std::span<const ByteView> pieces) override;
  Status do_sync() override;
  Status do_truncate(std::uint64_t size) override;

  OwnedFd fd_;
  std::string path_;
};

// Copies as much of the range, from its start on, as the kernel does by itself, by shared extents
// where the disk has them. Returns how many bytes that was: 0 when one of the two is not a file of
// the operating system. The caller copies the rest, and meets the reason if there was one.
std::uint64_t copy_in_kernel(const File& from, std::uint64_t from_offset, File& to,
                             std::uint64_t to_offset, std::uint64_t length);

}  // namespace packstore::io
