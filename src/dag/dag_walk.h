// Every block below a root, once each: depth first, in the order of the links, a node before what
// it links to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "dag/cid_set.h"
#include "packstore/block_store.h"
#include "packstore/bytes.h"
#include "packstore/chunker.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

enum class LeafContent : std::uint8_t {
  kRead,  // Leaves are read as nodes are.
  kSize,  // Only their size is asked for.
};

struct WalkedBlock {
  const Cid& cid;
  std::size_t depth = 0;  // Of the root: 0.
  std::uint64_t size = 0;
  // A loan for the time of the visit; of leaves that are not read, empty. An error where the block
  // is absent, damaged, or its links cannot be found: then nothing below it is visited.
  const Result<ByteView>& content;
};

// Memory: the links of the nodes on the way down, some leaves that are read ahead, and a CidSet of
// what was visited. Thread safety: one thread at a time.
class DagWalk {
 public:
  // A larger block is an error: it does not belong into a DAG. The longest chunk that there is, and
  // what stands around it where leaves are nodes.
  static constexpr std::uint64_t kBlockBytesMax = ChunkerSpec::kBytesMaxLimit + 1024;

  // `blocks` must outlive the walk.
  DagWalk(const BlockStore& blocks, LeafContent leaves) : blocks_(blocks), leaves_(leaves) {}

  // An error returned by `visit` ends the walk with it. To be called once.
  using Visitor = std::function<Status(const WalkedBlock& block)>;
  Status run(const Cid& root, const Visitor& visit);

 private:
  struct Level {
    std::vector<Cid> children;
    std::size_t next = 0;
  };

  Status visit_node(const Cid& cid, const Visitor& visit);
  Status visit_leaf(const Cid& cid, const Visitor& visit);
  Status read_ahead(const Cid& first);
  Result<std::uint64_t> checked_size(const Cid& cid) const;

  const BlockStore& blocks_;
  LeafContent leaves_;
  std::vector<Level> path_;
  CidSet seen_;
  std::unordered_map<Cid, Result<Bytes>> ahead_;
};

}  // namespace packstore::dag
