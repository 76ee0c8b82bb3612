#include "store/collection_watch.h"

#include "base/error.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

bool is_odd(std::uint64_t number) { return number % 2 != 0; }

}  // namespace

bool is_collecting(const StoreCore& core) { return is_odd(core.collections->load()); }

CollectionWatch::CollectionWatch(const StoreCore& core)
    : core_(core), before_(core.collections->load()) {}

bool CollectionWatch::was_quiet() const {
  return !is_odd(before_) && core_.collections->load() == before_;
}

Status keep_object(StoreCore& core, const ObjectId& id) {
  // A power cut ends a collection as well, but no release.
  const bool counts = core.index->reference_counts() == ReferenceCounts::kExact;
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(counts ? index::CommitSync::kDurable
                                                                    : index::CommitSync::kLazy));
  RETURN_IF_ERROR(transaction->keep(id));
  return transaction->commit();
}

Status keep_duplicate(const StoreCore& core, index::WriteTransaction& transaction,
                      const ObjectId& id) {
  const bool counts = core.index->reference_counts() == ReferenceCounts::kExact;
  return counts || is_collecting(core) ? transaction.keep(id) : Status();
}

CollectionUnderWay::CollectionUnderWay(StoreCore& core) : core_(core) {
  end_dead_collection(core);
  core_.collections->increment();
}

CollectionUnderWay::~CollectionUnderWay() { core_.collections->increment(); }

void end_dead_collection(StoreCore& core) {
  if (is_collecting(core)) core.collections->increment();
}

}  // namespace packstore::store
