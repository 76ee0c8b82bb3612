// Releases: what has lost its last reference goes, and with it the references that it held.
#pragma once

#include <cstdint>

#include "index/index.h"
#include "packstore/collection.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// True when releases wait. What is found in the store then may be about to go: who puts it keeps it
// (collection_watch.h).
Result<bool> has_releases(const StoreCore& core);

// Forgets what was put again, once no release waits that could take it. Not during a collection.
Status forget_kept(index::WriteTransaction& transaction);

// Carries out the releases that wait, unless somebody is in the way: open batches, maintenance,
// pins. What is left is carried out by the next call, whoever makes it: after a move of a ref,
// after the commit of a batch, by a collection, when the store is opened. Nothing in a store
// without counts. kCorrupt: a node cannot be read, so that nobody knows what it references.
Status carry_out_releases(StoreCore& core);

// The same where an error is nobody's: what could not be done is left to the next call.
void try_releases(StoreCore& core);

// The same under the maintenance lock, which the caller holds, as part of a collection with these
// options: waits for batches, stops when it is told, and tells what went. How many objects went.
// kBusy, kCancelled: some may have gone.
Result<std::uint64_t> carry_out_releases(StoreCore& core, const CollectOptions& options);

}  // namespace packstore::store
