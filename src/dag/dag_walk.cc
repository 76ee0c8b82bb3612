// 1. The path is a stack: the children of the root, of one of them, and so on down; each level
//    knows which child is next.
// 2. Before a leaf is read, the leaves that follow it in its node are looked at as well, and as
//    many as fit into kAheadBytes are read in one call, in the order that suits the store.
#include "dag/dag_walk.h"

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "packstore/dag.h"

namespace packstore::dag {
namespace {

// Large enough to let a store read in the order of its packs, small beside what a program holds.
constexpr std::size_t kAheadBlocks = 64;
constexpr std::uint64_t kAheadBytes = 8 << 20;

bool is_leaf(const Cid& cid) { return cid.kind() == NodeKind::kRaw; }

Result<ByteView> view_of(const Result<Bytes>& bytes) {
  if (!bytes) return bytes.error();
  return ByteView(*bytes);
}

}  // namespace

Status DagWalk::run(const Cid& root, const Visitor& visit) {
  path_.push_back({.children = {root}});
  while (!path_.empty()) {
    Level& level = path_.back();
    if (level.next == level.children.size()) {
      path_.pop_back();
      continue;
    }
    // A copy: visiting grows the path.
    const Cid cid = level.children[level.next++];
    if (!seen_.insert(cid)) continue;
    RETURN_IF_ERROR(is_leaf(cid) ? visit_leaf(cid, visit) : visit_node(cid, visit));
  }
  return {};
}

Result<std::uint64_t> DagWalk::checked_size(const Cid& cid) const {
  ASSIGN_OR_RETURN(const std::uint64_t size, blocks_.size(cid));
  if (size <= kBlockBytesMax) return size;
  return fail(ErrorCode::kUnsupported, "block {}: {} bytes, limit {}", cid.to_text(), size,
              kBlockBytesMax);
}

Status DagWalk::visit_node(const Cid& cid, const Visitor& visit) {
  const std::size_t depth = path_.size() - 1;
  const Result<std::uint64_t> size = checked_size(cid);
  const Result<Bytes> block = size ? blocks_.get(cid) : Result<Bytes>(size.error());
  Result<ByteView> content = view_of(block);
  std::vector<Cid> children;
  if (content) {
    Result<std::vector<Cid>> found = children_of(cid, *content);
    if (found) {
      children = std::move(*found);
    } else {
      content = std::move(found).error();
    }
  }
  RETURN_IF_ERROR(visit({cid, depth, size.value_or(0U), content}));
  if (!children.empty()) path_.push_back({.children = std::move(children)});
  return {};
}

Status DagWalk::visit_leaf(const Cid& cid, const Visitor& visit) {
  const std::size_t depth = path_.size() - 1;
  if (leaves_ == LeafContent::kSize) {
    const Result<std::uint64_t> size = blocks_.size(cid);
    const Result<ByteView> content = size ? Result<ByteView>(ByteView()) : size.error();
    return visit({cid, depth, size.value_or(0U), content});
  }
  if (!ahead_.contains(cid)) RETURN_IF_ERROR(read_ahead(cid));
  const auto block = ahead_.extract(cid);
  PACKSTORE_CHECK(!block.empty());
  const Result<ByteView> content = view_of(block.mapped());
  return visit({cid, depth, content ? content->size() : 0, content});
}

// Reads `first`, and the leaves behind it in its node that were not visited.
Status DagWalk::read_ahead(const Cid& first) {
  ahead_.clear();
  std::vector<Cid> wanted;
  std::uint64_t bytes = 0;
  const auto want = [&](const Cid& cid) {
    Result<std::uint64_t> size = checked_size(cid);
    if (!size) return ahead_.emplace(cid, std::move(size).error()).second;
    bytes += *size;
    if (bytes > kAheadBytes && !wanted.empty()) return false;
    wanted.push_back(cid);
    // Holds the place; the same block again is not read again.
    return ahead_.emplace(cid, Bytes()).second;
  };
  want(first);
  const Level& level = path_.back();
  for (std::size_t i = level.next; i < level.children.size() && wanted.size() < kAheadBlocks; ++i) {
    const Cid& cid = level.children[i];
    if (!is_leaf(cid)) break;
    if (seen_.contains(cid) || ahead_.contains(cid)) continue;
    if (!want(cid)) break;
  }
  return blocks_.get_many(wanted, [&](std::size_t i, const Result<ByteView>& block) -> Status {
    ahead_.insert_or_assign(
        wanted[i], block ? Result<Bytes>(Bytes(block->begin(), block->end())) : block.error());
    return {};
  });
}

}  // namespace packstore::dag
