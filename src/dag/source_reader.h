// Reading a stream by small and large pieces, and knowing where one is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::dag {

// Errors of every method: those of the source. Thread safety: one thread at a time.
class SourceReader {
 public:
  // `source` must outlive the reader.
  explicit SourceReader(ByteSource& source) : source_(source) {}

  // Bytes that were read.
  std::uint64_t offset() const { return offset_; }

  // From here on the stream ends after `bytes` at the latest.
  void end_after(std::uint64_t bytes) { left_ = bytes; }
  // Bytes to that end; the largest number where none was set.
  std::uint64_t left() const { return left_; }

  // nullopt: the end.
  Result<std::optional<std::byte>> read_byte();
  // Fills the front of `into`; less than all of it at the end only.
  Result<std::size_t> read(std::span<std::byte> into);
  // Returns how many bytes there were to skip.
  Result<std::uint64_t> skip(std::uint64_t count);

 private:
  Status fill();

  ByteSource& source_;
  Bytes buffer_ = Bytes(std::size_t{64} << 10);
  ByteView ready_;  // Of the buffer.
  std::uint64_t offset_ = 0;
  std::uint64_t left_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace packstore::dag
