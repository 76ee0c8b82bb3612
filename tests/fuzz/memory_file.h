// A file of the io floor that is a piece of memory, for targets that run many times a millisecond.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "io/file.h"

namespace packstore::testing {

class MemoryFile final : public io::File {
 public:
  explicit MemoryFile(Bytes content) : content_(std::move(content)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= content_.size()) return std::size_t{0};
    const ByteView rest = ByteView(content_).subspan(static_cast<std::size_t>(offset));
    const std::size_t size = std::min(rest.size(), into.size());
    std::copy_n(rest.begin(), size, into.begin());
    return size;
  }
  Result<std::size_t> read_at(std::uint64_t offset,
                              std::span<const std::span<std::byte>> into) const override {
    std::size_t total = 0;
    for (const std::span<std::byte> piece : into) {
      const Result<std::size_t> count = read_at(offset + total, piece);
      if (!count) return count;
      total += *count;
      if (*count < piece.size()) break;
    }
    return total;
  }
  Result<io::FileInfo> info() const override {
    return io::FileInfo{.size = content_.size(), .links = 1};
  }
  void start_writeback(std::uint64_t /*offset*/, std::uint64_t /*length*/) override {}
  Result<bool> try_lock(io::LockKind /*kind*/) override { return true; }
  void unlock() override {}
  const std::string& path() const override { return path_; }

 private:
  Status do_write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    for (const ByteView piece : pieces) {
      content_.resize(std::max<std::size_t>(content_.size(), offset + piece.size()));
      std::ranges::copy(piece, content_.begin() + static_cast<std::ptrdiff_t>(offset));
      offset += piece.size();
    }
    return {};
  }
  Status do_sync() override { return {}; }
  Status do_truncate(std::uint64_t size) override {
    content_.resize(static_cast<std::size_t>(size));
    return {};
  }

  Bytes content_;
  std::string path_ = "memory";
};

}  // namespace packstore::testing
