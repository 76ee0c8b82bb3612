// Reading a stretch of a file from its blocks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dag/file_tree.h"
#include "packstore/block_store.h"
#include "packstore/result.h"

namespace packstore::dag {

// Thread safety: one thread at a time.
class RangeReader {
 public:
  // `blocks` must outlive the reader.
  RangeReader(const BlockStore& blocks, unsigned threads) : blocks_(blocks), threads_(threads) {}

  NodeCache& cache() { return cache_; }

  // Fills `into` with the bytes of the file from `offset`, which are all inside of `root`.
  Status read(const FilePiece& root, std::uint64_t offset, std::span<std::byte> into);

 private:
  using Wave = std::vector<FilePiece>;
  using Nodes = std::vector<std::shared_ptr<const FileTreeNode>>;

  Result<Wave> take_wave(Wave& rest);
  Status enter(const FilePiece& piece, const FileTreeNode& node, Wave& rest);
  Status fetch(const Wave& wave, Nodes& nodes);
  Status fetch_one(const FilePiece& piece, std::shared_ptr<const FileTreeNode>& node);
  Status fetch_slice(std::span<const FilePiece> pieces,
                     std::span<std::shared_ptr<const FileTreeNode>> nodes);
  Status take(const FilePiece& piece, ByteView block, std::shared_ptr<const FileTreeNode>& node);
  bool keeps(const FilePiece& leaf) const;
  void copy(std::uint64_t offset, ByteView content);
  bool is_wanted(std::uint64_t begin, std::uint64_t end) const;

  const BlockStore& blocks_;
  unsigned threads_;
  NodeCache cache_;
  // Of the read that is going on.
  std::uint64_t offset_ = 0;
  std::span<std::byte> into_;
  const FilePiece* front_ = nullptr;     // Of the wave.
  std::atomic<std::size_t> pieces_ = 0;  // That are to come, with those in nodes of the wave.
};

}  // namespace packstore::dag
