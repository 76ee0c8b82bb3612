// Which blocks arrived and what they link to: to know, before they can be read, what is missing.
#pragma once

#include <cstdint>
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
#include "store/progress_meter.h"

namespace packstore::dag {

// Memory: about 200 bytes for each block, whatever the blocks are. Thread safety: one thread at a
// time.
class LinkLedger {
 public:
  // `content` is that of `name`, whose hash is SHA-256. It arrives under every codec that it is a
  // node of: which one a link to it has is for the link to say.
  void add(const Cid& name, ByteView content);

  // Gives what keeps the DAGs below `roots` from being whole to `visit`, each CID once: blocks
  // that neither arrived nor are in `blocks`, and those whose links cannot be found. `meter` counts
  // the bytes of blocks that did not arrive. kCancelled: a stop was requested.
  using FaultVisitor = std::function<void(BlockFault fault)>;
  Status find_faults(const BlockStore& blocks, std::span<const Cid> roots,
                     store::ProgressMeter& meter, const FaultVisitor& visit) const;

 private:
  struct Below {
    std::vector<Cid> links = {};
    std::uint64_t bytes_read = 0;
  };

  void keep(const Cid& cid, std::vector<Cid> links);
  Result<Below> links_below(const BlockStore& blocks, const Cid& name) const;

  CidSet arrived_;
  // Of blocks that have any.
  std::unordered_map<Cid, std::vector<Cid>> links_;
  // Of blocks whose links cannot be found.
  std::unordered_map<Cid, Error> unread_;
};

}  // namespace packstore::dag
