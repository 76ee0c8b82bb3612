// Numbers that claim to be a NodeKind.
#pragma once

#include <cstdint>
#include <optional>

#include "packstore/node_kind.h"

namespace packstore {

// nullopt: not one that is known.
inline std::optional<NodeKind> to_node_kind(std::uint64_t number) {
  for (const NodeKind kind : {NodeKind::kRaw, NodeKind::kDagPb, NodeKind::kDagCbor}) {
    if (number == static_cast<std::uint64_t>(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace packstore
