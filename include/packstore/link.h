// Pointers from object to object, and how to find them in an object's bytes.
#pragma once

#include <functional>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/node_kind.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore {

// What a node, a ref or a pin points at, and what the object is to whoever follows that pointer.
struct Link {
  ObjectId id = {};
  NodeKind kind = NodeKind::kRaw;

  friend bool operator==(const Link&, const Link&) = default;
};

// Lists what the node `content` points at, in any order, repetitions included. A pure function of
// its arguments, and never asked about kRaw. It says kCorrupt for bytes that are no node of that
// kind: whoever calls it takes an empty answer for "no links".
using ChildrenOf = std::function<Result<std::vector<Link>>(NodeKind kind, ByteView content)>;

}  // namespace packstore
