// Links and sizes of one block, whatever its kind; then those of a whole DAG, which is walked block
// by block (dag_walk.h) while what cannot be had is noted and passed by.
#include "packstore/dag.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "dag/dag_cbor.h"
#include "dag/dag_pb.h"
#include "dag/dag_walk.h"
#include "dag/file_node.h"
#include "dag/inline_links.h"
#include "dag/unixfs.h"
#include "store/progress_meter.h"

namespace packstore {
namespace {

using dag::CborReader;
using dag::PbLink;
using dag::PbNode;

Result<std::vector<Cid>> links_in_cbor(ByteView block) {
  std::vector<Cid> links;
  CborReader reader(block);
  do {
    ASSIGN_OR_RETURN(dag::CborItem item, reader.next());
    if (Cid* link = std::get_if<Cid>(&item)) links.push_back(std::move(*link));
  } while (!reader.is_done());
  RETURN_IF_ERROR(reader.finish());
  return links;
}

Result<std::vector<Cid>> links_in_pb(ByteView block) {
  ASSIGN_OR_RETURN(PbNode node, dag::decode_pb(block));
  std::vector<Cid> links;
  links.reserve(node.links.size());
  for (PbLink& link : node.links) links.push_back(std::move(link.cid));
  return links;
}

Result<NodeKind> kind_of(const Cid& cid) {
  if (const std::optional<NodeKind> kind = cid.kind()) return *kind;
  return fail(ErrorCode::kUnsupported, "block {}: codec {:#x} is not read", cid.to_text(),
              cid.codec());
}

Error error_of_block(const Cid& cid, const Error& error) {
  return fail(error.code, "block {}: {}", cid.to_text(), error.message);
}

// The size of what has one beside files; nullopt for everything else.
std::optional<std::uint64_t> size_of_symlink(const Cid& cid, ByteView block) {
  if (cid.kind() != NodeKind::kDagPb) return std::nullopt;
  const Result<PbNode> node = dag::decode_pb(block);
  if (!node || !node->data) return std::nullopt;
  const Result<dag::UnixFsData> data = dag::decode_unixfs(*node->data);
  if (!data || data->type != dag::UnixFsType::kSymlink) return std::nullopt;
  return data->data.value_or(ByteView()).size();
}

std::vector<DagLink> without_sizes(std::vector<Cid> cids) {
  std::vector<DagLink> links;
  links.reserve(cids.size());
  for (Cid& cid : cids) links.push_back({.cid = std::move(cid)});
  return links;
}

}  // namespace

Result<std::vector<Cid>> children_of(NodeKind kind, ByteView block) {
  switch (kind) {
    case NodeKind::kDagPb:
      return links_in_pb(block);
    case NodeKind::kDagCbor:
      return links_in_cbor(block);
    case NodeKind::kRaw:
      break;
  }
  return std::vector<Cid>();
}

Result<std::vector<Cid>> children_of(const Cid& cid, ByteView block) {
  ASSIGN_OR_RETURN(const NodeKind kind, kind_of(cid));
  Result<std::vector<Cid>> children = children_of(kind, block);
  if (!children) return error_of_block(cid, children.error());
  return children;
}

Result<std::vector<Link>> object_links(NodeKind kind, ByteView block) {
  ASSIGN_OR_RETURN(std::vector<Cid> children, children_of(kind, block));
  ASSIGN_OR_RETURN(children, dag::follow_inline(std::move(children)));
  std::vector<Link> links;
  for (const Cid& child : children) {
    const std::optional<ObjectId> id = child.object_id();
    if (!id) continue;
    ASSIGN_OR_RETURN(const NodeKind child_kind, kind_of(child));
    links.push_back({.id = *id, .kind = child_kind});
  }
  return links;
}

Result<std::vector<DagLink>> links_of(const Cid& cid, ByteView block) {
  ASSIGN_OR_RETURN(std::vector<Cid> children, children_of(cid, block));
  std::vector<DagLink> links = without_sizes(std::move(children));
  if (const Result<dag::FileNode> file = dag::decode_file_node(cid, block)) {
    for (std::size_t i = 0; i < links.size(); ++i) links[i].size = file->children[i].size;
    return links;
  }
  if (cid.kind() != NodeKind::kDagPb) return links;
  ASSIGN_OR_RETURN(const PbNode node, dag::decode_pb(block));
  for (std::size_t i = 0; i < links.size(); ++i) {
    links[i].name = std::string(node.links[i].name.value_or(""));
  }
  return links;
}

Result<std::uint64_t> size_of(const Cid& cid, ByteView block) {
  const Result<dag::FileNode> file = dag::decode_file_node(cid, block);
  if (file) return file->size;
  if (const std::optional<std::uint64_t> size = size_of_symlink(cid, block)) return *size;
  return file.error();
}

Result<std::uint64_t> size_of(const BlockStore& blocks, const Cid& cid) {
  if (cid.kind() == NodeKind::kRaw) return blocks.size(cid);
  ASSIGN_OR_RETURN(const Bytes block, blocks.get(cid));
  return size_of(cid, block);
}

Result<DagReport> check_dag(const BlockStore& blocks, const Cid& root,
                            const CheckDagOptions& options) {
  DagReport report;
  store::ProgressMeter meter(options.control, "check");
  const bool reads = options.leaves == LeafCheck::kContent;
  dag::DagWalk walk(blocks, reads ? dag::LeafContent::kRead : dag::LeafContent::kSize);
  RETURN_IF_ERROR(walk.run(root, [&](const dag::WalkedBlock& block) {
    report.depth = std::max<std::uint64_t>(report.depth, block.depth);
    if (block.content) {
      ++(block.cid.kind() == NodeKind::kRaw ? report.leaves : report.nodes);
      report.block_bytes += block.size;
    } else {
      ++report.faults;
      if (report.listed.size() < DagReport::kFaultsListedMax) {
        report.listed.push_back({block.cid, block.content.error()});
      }
    }
    return meter.advance(block.size);
  }));
  meter.show();
  return report;
}

}  // namespace packstore
