// Which blocks arrived and what they link to: to know, before they can be read, what is missing.
#pragma once

#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "dag/cid_set.h"
#include "packstore/block_store.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/dag.h"
#include "packstore/result.h"

namespace packstore::dag {

// Memory: about 150 bytes for each block, whatever the blocks are. Thread safety: one thread at a
// time.
class LinkLedger {
 public:
  // `content` is that of `name`.
  void add(const Cid& name, ByteView content);

  // Gives what keeps the DAGs below `roots` from being whole to `visit`, each block once: blocks
  // that neither arrived nor are in `blocks`, and those whose links cannot be found.
  using FaultVisitor = std::function<void(BlockFault fault)>;
  Status find_faults(const BlockStore& blocks, std::span<const Cid> roots,
                     const FaultVisitor& visit) const;

 private:
  Result<std::vector<Cid>> links_below(const BlockStore& blocks, const Cid& name) const;

  CidSet arrived_;
  // Of blocks that have any.
  std::unordered_map<Cid, std::vector<Cid>> links_;
  // Of blocks whose links cannot be found.
  std::unordered_map<Cid, Error> unread_;
};

}  // namespace packstore::dag
