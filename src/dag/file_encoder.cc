#include "dag/file_encoder.h"

#include "base/error.h"
#include "dag/file_node.h"

namespace packstore::dag {

std::size_t FileEncoder::width() const {
  return layout_ == FileLayout::kFlat ? FileProfile::kFlatLeavesMax : width_;
}

Status FileEncoder::check_leaves(std::uint64_t leaves) const {
  if (layout_ != FileLayout::kFlat || leaves <= FileProfile::kFlatLeavesMax) return {};
  return fail(ErrorCode::kInvalidArgument, "a flat file of {} chunks or more, limit {}", leaves,
              FileProfile::kFlatLeavesMax);
}

Bytes FileEncoder::encode_leaf(ByteView chunk) const { return encode_unixfs_leaf(chunk); }

Result<Bytes> FileEncoder::encode_node(std::span<const Subtree> children) const {
  return nodes_ == FileNodes::kNative ? encode_native_file(children) : encode_unixfs_file(children);
}

NodeKind FileEncoder::node_kind() const {
  return nodes_ == FileNodes::kNative ? NodeKind::kDagCbor : NodeKind::kDagPb;
}

Cid FileEncoder::cid_of(NodeKind kind, const ObjectId& id) const {
  return nodes_ == FileNodes::kUnixFs0 ? Cid::version_0_of(id) : Cid::of(kind, id);
}

}  // namespace packstore::dag
