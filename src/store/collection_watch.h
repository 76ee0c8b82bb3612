// How writers and a collection know of each other.
//
// locks/collections is a counter in shared memory: odd while a collection is under way. A put that
// meets one notes its object in the index, so that the sweep lets it live; whoever meets none pays
// one load. The number is of no use after a restart: one that a dead process left odd makes puts
// write notes that nobody needs, until somebody takes the maintenance lock.
#pragma once

#include <cstdint>

#include "index/index.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

bool is_collecting(const StoreCore& core);

// Begun before a put looks for its object.
class CollectionWatch {
 public:
  explicit CollectionWatch(const StoreCore& core);

  // True when no collection has been under way since: what the put has found stays until one
  // begins.
  bool was_quiet() const;

 private:
  const StoreCore& core_;
  std::uint64_t before_;
};

// Makes the next sweep, and the releases that wait, keep the object. What the caller had found
// before may be gone already: look again.
Status keep_object(StoreCore& core, const ObjectId& id);

// Notes, in a transaction that finds the object there already, what a collection under way, or a
// release that waits, may be about to take.
Status keep_duplicate(const StoreCore& core, index::WriteTransaction& transaction,
                      const ObjectId& id);

// From construction to destruction a collection is under way. Only under the maintenance lock.
class CollectionUnderWay {
 public:
  explicit CollectionUnderWay(StoreCore& core);
  ~CollectionUnderWay();
  CollectionUnderWay(const CollectionUnderWay&) = delete;
  CollectionUnderWay& operator=(const CollectionUnderWay&) = delete;

 private:
  StoreCore& core_;
};

// Ends what a dead process has begun. Only under the maintenance lock.
void end_dead_collection(StoreCore& core);

}  // namespace packstore::store
