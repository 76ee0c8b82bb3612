// A kind of node for tests: text that lists its links.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "packstore/link.h"

namespace packstore::testing {

inline constexpr std::string_view kNodeMagic = "node ";

inline Link raw(const ObjectId& id) { return {.id = id}; }
inline Link node(const ObjectId& id) { return {.id = id, .kind = NodeKind::kDagCbor}; }

// The bytes of a node; `name` tells nodes with the same links apart.
inline std::string node_text(std::string_view name, const std::vector<Link>& links) {
  std::string text = std::string(kNodeMagic) + std::string(name) + "\n";
  for (const Link& link : links) {
    text += (link.kind == NodeKind::kRaw ? "r" : "n") + link.id.to_hex() + "\n";
  }
  return text;
}

// ChildrenOf for such nodes.
inline Result<std::vector<Link>> links_of(NodeKind kind, ByteView content) {
  std::string_view text = as_text(content);
  const std::size_t first = text.find('\n');
  if (kind != NodeKind::kDagCbor || !text.starts_with(kNodeMagic) || first == text.npos) {
    return Error{ErrorCode::kCorrupt, "not a node"};
  }
  std::vector<Link> links;
  for (text.remove_prefix(first + 1); !text.empty();) {
    const std::size_t end = text.find('\n');
    const Result<ObjectId> id = ObjectId::parse(text.substr(1, end - 1));
    if (end == text.npos || !id) return Error{ErrorCode::kCorrupt, "half a link"};
    links.push_back(text.front() == 'r' ? raw(*id) : node(*id));
    text.remove_prefix(end + 1);
  }
  return links;
}

}  // namespace packstore::testing
