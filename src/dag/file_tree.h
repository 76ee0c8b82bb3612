// Nodes of files as readers want them: where each child begins, and the last ones kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "packstore/block_store.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

// A subtree and its place in the file.
struct FilePiece {
  Cid cid;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  unsigned depth = 0;  // Of the root: 0.

  // A raw block; other leaves are known when they have been read.
  bool is_raw() const { return cid.kind() == NodeKind::kRaw; }
  std::uint64_t end() const { return offset + size; }
};

struct FileTreeNode {
  // No importer comes near it; it ends the walk over nodes that were made to be deep.
  static constexpr unsigned kDepthMax = 64;
  // Longer leaves are kept one at a time; shorter ones are soon read again.
  static constexpr std::size_t kLongLeafBytesMin = 256 << 10;

  struct Child {
    Cid cid;
    std::uint64_t begin = 0;  // Within the node's part of the file.
    std::uint64_t end = 0;
  };

  std::uint64_t size = 0;
  Bytes content = {};  // What the node itself has of the file, in front of its children.
  std::vector<Child> children = {};  // Without empty ones.

  bool is_long_leaf() const { return children.empty() && content.size() > kLongLeafBytesMin; }
};

// The node in `block`. kCorrupt: it is no file node, or its sizes do not add up. kUnsupported: a
// kind of node that is no file.
Result<FileTreeNode> decode_file_tree_node(const Cid& cid, ByteView block);

// kCorrupt: the node is not as long as is claimed for it, or lies too deep.
Status check_claim(const FilePiece& piece, const FileTreeNode& node);
// kCorrupt: a raw block that is not as long as is claimed for it.
Status check_raw_claim(const FilePiece& piece, std::uint64_t block_size);

inline FilePiece child_piece(const FilePiece& piece, const FileTreeNode::Child& child) {
  return {child.cid, piece.offset + child.begin, child.end - child.begin, piece.depth + 1};
}

// The nodes that were used last, and beside them the last long leaf, so that neither drives the
// other out. Thread safety: one thread at a time.
class NodeCache {
 public:
  std::shared_ptr<const FileTreeNode> find(const Cid& cid);
  void add(const Cid& cid, std::shared_ptr<const FileTreeNode> node);

 private:
  // Children, some 100 bytes each. The lowest nodes of 1 GiB in the native profile have so many.
  static constexpr std::size_t kCostMax = 64 << 10;

  using Entry = std::pair<Cid, std::shared_ptr<const FileTreeNode>>;
  static std::size_t cost(const Entry& entry) {
    const FileTreeNode& node = *entry.second;
    return 1 + node.children.size() + node.content.size() / sizeof(FileTreeNode::Child);
  }

  std::list<Entry> entries_;  // The last used one first.
  std::unordered_map<Cid, std::list<Entry>::iterator> places_;
  std::size_t cost_ = 0;
  std::optional<Entry> long_leaf_;
};

// The root of a file. Its size comes from the root alone, which is read into `cache` unless it is a
// raw block: of that nothing is read. Errors as FileReader::open().
Result<FilePiece> open_root(const BlockStore& blocks, const Cid& root, NodeCache& cache);

}  // namespace packstore::dag
