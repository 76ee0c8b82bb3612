// What the blocks of a Merkle DAG say of each other: one function for every kind of block, for all
// who follow links, be it to collect, to count, to export or to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "packstore/block_store.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/export.h"
#include "packstore/link.h"
#include "packstore/node_kind.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

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

// The same for a block of `blocks`, of which it reads one: none for a raw block, else the root.
// Errors of BlockStore::get() as well.
PACKSTORE_EXPORT Result<std::uint64_t> size_of(const BlockStore& blocks, const Cid& cid);

// A block of a DAG that cannot be had, or whose links cannot be found. kNotFound: it is missing.
struct BlockFault {
  Cid cid;
  Error error;
};

// What check_dag() does with blocks that have no links.
enum class LeafCheck : std::uint8_t {
  // Reads them, verified as the block store verifies. One of more than kCarBlockBytesMax, which is
  // no chunk, is not read, and counts as a fault: kUnsupported.
  kContent,
  // Asks whether they are there, and how large they are.
  kPresence,
};

struct CheckDagOptions {
  LeafCheck leaves = LeafCheck::kContent;
  // Progress counts the bytes of blocks.
  RunControl control = {};
};

struct DagReport {
  // As many faults are listed; the others are counted.
  static constexpr std::size_t kFaultsListedMax = 1000;

  // Each CID counts once, however many links point at it; a block that is linked by two, as version
  // 0 and as version 1 say, counts for both.
  std::uint64_t nodes = 0;
  std::uint64_t leaves = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t depth = 0;  // Links from the root to the lowest block.
  std::uint64_t faults = 0;
  std::vector<BlockFault> listed = {};

  bool is_whole() const { return faults == 0; }
};

// Looks at every block below `root`, goes on after each fault, and reports all of them. Takes about
// 60 bytes of memory a block.
//
// kCancelled: a stop was requested. Faults of blocks are no errors of the call.
PACKSTORE_EXPORT Result<DagReport> check_dag(const BlockStore& blocks, const Cid& root,
                                             const CheckDagOptions& options = {});

// The links to objects that a store may hold, for MaintenanceLock::collect(): children_of(), with
// the links within content that stands in a CID in place of that, and without those of other
// hashes.
//
// kCorrupt as children_of(), also for content in a CID. kUnsupported: a link by SHA-256, or content
// in a CID, with a codec that is not read, behind which there may be more.
PACKSTORE_EXPORT Result<std::vector<Link>> object_links(NodeKind kind, ByteView block);

}  // namespace packstore
