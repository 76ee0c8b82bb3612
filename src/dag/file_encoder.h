// What the blocks of a profile look like: leaves, nodes, and the CIDs that name them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dag/layout_builder.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/file.h"
#include "packstore/node_kind.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::dag {

// Pure. Thread safety: any thread.
class FileEncoder {
 public:
  // `profile` has passed check().
  explicit FileEncoder(const FileProfile& profile)
      : nodes_(profile.nodes), layout_(profile.layout), width_(profile.width) {}

  // Links a node. A flat layout has one node, as wide as any may be.
  std::size_t width() const;
  // kInvalidArgument: a flat layout cannot have so many.
  Status check_leaves(std::uint64_t leaves) const;

  // True where a leaf is the chunk itself; encode_leaf() is for the others.
  bool has_raw_leaves() const { return nodes_ != FileNodes::kUnixFs0; }
  Bytes encode_leaf(ByteView chunk) const;

  Result<Bytes> encode_node(std::span<const Subtree> children) const;

  NodeKind leaf_kind() const { return has_raw_leaves() ? NodeKind::kRaw : NodeKind::kDagPb; }
  NodeKind node_kind() const;
  Cid cid_of(NodeKind kind, const ObjectId& id) const;

 private:
  FileNodes nodes_;
  FileLayout layout_;
  std::size_t width_;
};

}  // namespace packstore::dag
