// Collection: removing what no root reaches any more.
//
// Roots are refs, pins, and whatever open batches rely on. Mark and sweep: marking walks the links
// beside everybody, in memory that does not grow with the store; the sweep drops what was not
// reached in one short durable step. What goes is what
//   - was in the store when the collection began,
//   - no ref and no pin reaches at its end, and
//   - nobody has put again since it began.
// So whoever builds up something that no ref reaches yet does it in one batch that moves the ref in
// its commit, or pins it first.
//
// A store that counts references releases first what has lost its last one and could not go at that
// time, in durable steps of some thousand objects each. What a step took is gone, whatever becomes
// of the call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "packstore/link.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

namespace packstore {

// What a collection does about a node that it cannot follow: absent, damaged, or not of the kind
// that its parent says.
enum class BrokenNodes : std::uint8_t {
  // Refuses with kCorrupt, naming the node and its parent; nothing is removed.
  kRefuse,
  // Reports the node and goes on. What only that node reached is removed.
  kSkip,
};

enum class CollectMode : std::uint8_t {
  kRemove,
  kDryRun,  // Counts what would go, and changes nothing.
};

struct CollectOptions {
  // How to find the links of nodes. Required.
  ChildrenOf children_of = {};
  CollectMode mode = CollectMode::kRemove;
  BrokenNodes broken_nodes = BrokenNodes::kRefuse;
  // How long the sweep, or a step of releases, waits for open batches before kBusy.
  std::chrono::milliseconds wait = std::chrono::seconds(5);
  // Hears of each object that goes, or would go, by ascending id. Called in the sweep, under its
  // locks: be brief, and do not call the store. Begins again where a full disk made the call do so.
  // Of what is released it hears before, by ascending id in each step, and once that is durable.
  std::function<void(const ObjectId& id)> on_garbage = {};
  RunControl control = {};
};

struct CollectReport {
  std::uint64_t reached = 0;       // Objects that roots reach, or that were put again meanwhile.
  std::uint64_t removed = 0;       // Gone, or in a dry run: would go.
  std::uint64_t loose_bytes = 0;   // Of those: in loose files, free at once.
  std::uint64_t packed_bytes = 0;  // Of those: in packs, headers included, free after repack().
  // Besides: gone because their last reference had gone, in a store that counts them; or would go.
  std::uint64_t released = 0;
  // Why nodes were skipped, with BrokenNodes::kSkip.
  std::vector<Error> skipped = {};
};

}  // namespace packstore
