// Chunks of one size.
#pragma once

#include "packstore/chunker.h"

namespace packstore::chunking {

class FixedChunker final : public Chunker {
 public:
  explicit FixedChunker(std::uint32_t bytes) : bytes_(bytes) {}

  std::uint32_t chunk_bytes_max() const override { return bytes_; }
  std::size_t cut(ByteView data, InputEnd end, std::vector<std::uint32_t>& lengths) const override;

 private:
  const std::uint32_t bytes_;
};

}  // namespace packstore::chunking
