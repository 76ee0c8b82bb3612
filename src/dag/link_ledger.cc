// Only links that something can be missing behind are kept: those whose "hash" is the content are
// replaced by the links in it, and of those whose hash no store keeps one a block is enough, since
// it makes the DAG incomplete. So a block takes no more memory than a few times its own size.
#include "dag/link_ledger.h"

#include <utility>

#include "base/error.h"
#include "dag/inline_links.h"

namespace packstore::dag {
namespace {

Result<std::vector<Cid>> links_to_keep(const Cid& cid, ByteView content) {
  ASSIGN_OR_RETURN(std::vector<Cid> links, children_of(cid, content));
  ASSIGN_OR_RETURN(links, follow_inline(std::move(links)));
  bool has_foreign = false;
  std::erase_if(links, [&](const Cid& link) {
    return !link.object_id() && std::exchange(has_foreign, true);
  });
  links.shrink_to_fit();
  return links;
}

// The error of a link to what arrived under another codec.
Error no_such_node(const Cid& cid) {
  if (!cid.kind()) {
    return fail(ErrorCode::kUnsupported, "block {}: codec {:#x} is not read", cid.to_text(),
                cid.codec());
  }
  return fail(ErrorCode::kCorrupt, "block {}: is there under another codec, and no node of this",
              cid.to_text());
}

// One name for a node, be it linked as version 0 or 1.
Cid without_version(const Cid& cid) {
  const auto id = cid.object_id();
  return cid.version() == 0 && id ? Cid::of(NodeKind::kDagPb, *id) : cid;
}

}  // namespace

void LinkLedger::add(const Cid& name, ByteView content) {
  const Cid cid = without_version(name);
  for (const NodeKind kind : {NodeKind::kRaw, NodeKind::kDagPb, NodeKind::kDagCbor}) {
    const Cid other = Cid::of(kind, *cid.object_id());
    if (other == cid || arrived_.contains(other)) continue;
    if (Result<std::vector<Cid>> links = links_to_keep(other, content)) {
      keep(other, std::move(*links));
    }
  }
  if (arrived_.contains(cid)) return;
  Result<std::vector<Cid>> links = links_to_keep(cid, content);
  if (!links) {
    unread_.emplace(cid, std::move(links).error());
    links = std::vector<Cid>();
  }
  keep(cid, std::move(*links));
}

void LinkLedger::keep(const Cid& cid, std::vector<Cid> links) {
  arrived_.insert(cid);
  if (!links.empty()) links_.emplace(cid, std::move(links));
}

Result<LinkLedger::Below> LinkLedger::links_below(const BlockStore& blocks, const Cid& name) const {
  const Cid cid = without_version(name);
  if (const auto content = cid.inline_content()) {
    ASSIGN_OR_RETURN(std::vector<Cid> links, links_to_keep(cid, *content));
    return Below{.links = std::move(links)};
  }
  if (const auto known = links_.find(cid); known != links_.end()) return Below{known->second};
  if (const auto unread = unread_.find(cid); unread != unread_.end()) return unread->second;
  if (arrived_.contains(cid)) return Below{};
  if (const auto id = cid.object_id(); id && arrived_.contains(Cid::of(NodeKind::kRaw, *id))) {
    return no_such_node(cid);
  }
  if (cid.kind() == NodeKind::kRaw) {
    ASSIGN_OR_RETURN(const std::uint64_t size, blocks.size(cid));
    return Below{.bytes_read = size};
  }
  ASSIGN_OR_RETURN(const Bytes content, blocks.get(cid));
  ASSIGN_OR_RETURN(std::vector<Cid> links, links_to_keep(cid, content));
  return Below{std::move(links), content.size()};
}

Status LinkLedger::find_faults(const BlockStore& blocks, std::span<const Cid> roots,
                               store::ProgressMeter& meter, const FaultVisitor& visit) const {
  CidSet seen;
  std::vector<Cid> open(roots.begin(), roots.end());
  while (!open.empty()) {
    const Cid cid = std::move(open.back());
    open.pop_back();
    if (!seen.insert(cid)) continue;
    const Result<Below> below = links_below(blocks, cid);
    if (below) {
      open.insert(open.end(), below->links.rbegin(), below->links.rend());
    } else {
      visit({cid, below.error()});
    }
    RETURN_IF_ERROR(meter.advance(below ? below->bytes_read : 0));
  }
  return {};
}

}  // namespace packstore::dag
