#include "dag/file_tree.h"

#include "base/error.h"
#include "dag/file_node.h"

namespace packstore::dag {

Result<FileTreeNode> decode_file_tree_node(const Cid& cid, ByteView block) {
  ASSIGN_OR_RETURN(FileNode decoded, decode_file_node(cid, block));
  FileTreeNode node;
  node.size = decoded.content.size();
  node.content.assign(decoded.content.begin(), decoded.content.end());
  node.children.reserve(decoded.children.size());
  for (FileNodeChild& child : decoded.children) {
    // The codec has seen to it that sizes add up.
    const std::uint64_t end = node.size + child.size;
    if (child.size != 0) node.children.push_back({std::move(child.cid), node.size, end});
    node.size = end;
  }
  return node;
}

Status check_claim(const FilePiece& piece, const FileTreeNode& node) {
  if (piece.depth > FileTreeNode::kDepthMax) {
    return fail(ErrorCode::kCorrupt, "file node {}: at depth {}, limit {}", piece.cid.to_text(),
                piece.depth, FileTreeNode::kDepthMax);
  }
  if (node.size == piece.size) return {};
  return fail(ErrorCode::kCorrupt, "file node {}: has {} bytes, the node above claims {}",
              piece.cid.to_text(), node.size, piece.size);
}

Status check_raw_claim(const FilePiece& piece, std::uint64_t block_size) {
  if (block_size == piece.size) return {};
  return fail(ErrorCode::kCorrupt, "chunk {}: has {} bytes, the node above claims {}",
              piece.cid.to_text(), block_size, piece.size);
}

std::shared_ptr<const FileTreeNode> NodeCache::find(const Cid& cid) {
  if (long_leaf_ && long_leaf_->first == cid) return long_leaf_->second;
  const auto found = places_.find(cid);
  if (found == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return entries_.front().second;
}

void NodeCache::add(const Cid& cid, std::shared_ptr<const FileTreeNode> node) {
  if (node->is_long_leaf()) {
    long_leaf_.emplace(cid, std::move(node));
    return;
  }
  if (places_.contains(cid)) return;
  entries_.emplace_front(cid, std::move(node));
  places_.emplace(cid, entries_.begin());
  cost_ += cost(entries_.front());
  while (cost_ > kCostMax && entries_.size() > 1) {
    cost_ -= cost(entries_.back());
    places_.erase(entries_.back().first);
    entries_.pop_back();
  }
}

Result<FilePiece> open_root(const BlockStore& blocks, const Cid& root, NodeCache& cache) {
  if (root.kind() == NodeKind::kRaw) {
    ASSIGN_OR_RETURN(const std::uint64_t size, blocks.size(root));
    return FilePiece{root, 0, size, 0};
  }
  ASSIGN_OR_RETURN(const Bytes block, blocks.get(root));
  ASSIGN_OR_RETURN(FileTreeNode decoded, decode_file_tree_node(root, block));
  const auto node = std::make_shared<const FileTreeNode>(std::move(decoded));
  cache.add(root, node);
  return FilePiece{root, 0, node->size, 0};
}

}  // namespace packstore::dag
