// What the blocks of a Merkle DAG say of each other: one function for every kind of block, for all
// who follow links, be it to collect, to count, to export or to check.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/export.h"
#include "packstore/node_kind.h"
#include "packstore/result.h"

namespace packstore {

// A link as it stands in a node.
struct DagLink {
  Cid cid;
  // Of the links of DAG-PB: what a directory calls the entry. Any bytes.
  std::string name = {};
  // Of the links of file nodes: bytes of the file below.
  std::optional<std::uint64_t> size = {};
};

// The links in `block`, in the order in which they stand there, repeated ones too. A raw block has
// none. Pure; any thread.
//
// kCorrupt: the block is no strict node of that kind.
PACKSTORE_EXPORT Result<std::vector<Cid>> children_of(NodeKind kind, ByteView block);

// The same for a block of that name, which only says how to read it: the block is not hashed.
// kUnsupported: a codec that is not read.
PACKSTORE_EXPORT Result<std::vector<Cid>> children_of(const Cid& cid, ByteView block);

// The same with what the node says of each.
PACKSTORE_EXPORT Result<std::vector<DagLink>> links_of(const Cid& cid, ByteView block);

// Bytes of the file whose root is `block`, or of the text of a symbolic link, from this one block.
//
// kUnsupported: a block that has no size, a directory for example. kCorrupt: a file node whose
// sizes do not add up.
PACKSTORE_EXPORT Result<std::uint64_t> size_of(const Cid& cid, ByteView block);

}  // namespace packstore
