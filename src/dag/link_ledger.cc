// Only links that something can be missing behind are kept: those whose "hash" is the content are
// replaced by the links in it, and of those whose hash no store keeps one a block is enough, since
// it makes the DAG incomplete. So a block takes no more memory than a few times its own size.
#include "dag/link_ledger.h"

#include <utility>

#include "base/error.h"

namespace packstore::dag {
namespace {

// How deep contents may stand in links in contents. A CID has room for fewer.
constexpr int kInlineDepthMax = 16;

class LinkFilter {
 public:
  Status take(const Cid& cid, ByteView content, int depth) {
    ASSIGN_OR_RETURN(std::vector<Cid> children, children_of(cid, content));
    for (Cid& child : children) {
      if (const auto inner = child.inline_content()) {
        if (depth == kInlineDepthMax) return fail(ErrorCode::kUnsupported, "links in links");
        RETURN_IF_ERROR(take(child, *inner, depth + 1));
      } else if (child.object_id() || !std::exchange(has_foreign_, true)) {
        kept.push_back(std::move(child));
      }
    }
    return {};
  }

  std::vector<Cid> kept;

 private:
  bool has_foreign_ = false;
};

Result<std::vector<Cid>> links_to_keep(const Cid& cid, ByteView content) {
  LinkFilter filter;
  RETURN_IF_ERROR(filter.take(cid, content, 0));
  filter.kept.shrink_to_fit();
  return std::move(filter.kept);
}

// One name for a node, be it linked as version 0 or 1.
Cid without_version(const Cid& cid) {
  const auto id = cid.object_id();
  return cid.version() == 0 && id ? Cid::of(NodeKind::kDagPb, *id) : cid;
}

}  // namespace

void LinkLedger::add(const Cid& name, ByteView content) {
  const Cid cid = without_version(name);
  if (!arrived_.insert(cid)) return;
  if (cid.kind() == NodeKind::kRaw) return;
  Result<std::vector<Cid>> links = links_to_keep(cid, content);
  if (!links) {
    unread_.emplace(cid, std::move(links).error());
  } else if (!links->empty()) {
    links_.emplace(cid, std::move(*links));
  }
}

Result<std::vector<Cid>> LinkLedger::links_below(const BlockStore& blocks, const Cid& name) const {
  const Cid cid = without_version(name);
  if (const auto content = cid.inline_content()) return links_to_keep(cid, *content);
  if (const auto known = links_.find(cid); known != links_.end()) return known->second;
  if (const auto unread = unread_.find(cid); unread != unread_.end()) return unread->second;
  if (arrived_.contains(cid)) return std::vector<Cid>();
  if (cid.kind() == NodeKind::kRaw) {
    ASSIGN_OR_RETURN(const std::uint64_t size, blocks.size(cid));
    static_cast<void>(size);
    return std::vector<Cid>();
  }
  ASSIGN_OR_RETURN(const Bytes content, blocks.get(cid));
  return links_to_keep(cid, content);
}

Status LinkLedger::find_faults(const BlockStore& blocks, std::span<const Cid> roots,
                               const FaultVisitor& visit) const {
  CidSet seen;
  std::vector<Cid> open(roots.begin(), roots.end());
  while (!open.empty()) {
    const Cid cid = std::move(open.back());
    open.pop_back();
    if (!seen.insert(cid)) continue;
    Result<std::vector<Cid>> links = links_below(blocks, cid);
    if (links) {
      open.insert(open.end(), links->rbegin(), links->rend());
    } else {
      visit({cid, std::move(links).error()});
    }
  }
  return {};
}

}  // namespace packstore::dag
