// 1. Wait until no batch is open: what a batch has found in the store is there when it commits.
//    Then nobody can pin either. Refuse what a ref or a pin names.
// 2. Take in what dead or failed writers have committed in their packs: whoever did it afterwards
//    would bring back what is removed here.
// 3. In one durable transaction: drop the rows of packed objects, and note which loose files have
//    to go. With its commit all of them are removed, whatever happens next.
// 4. Unlink the noted files, in further transactions that take the notes away again. After a crash
//    the next opener does this step.
#include "store/remove.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/mistake.h"
#include "index/reference_table.h"
#include "store/pack_files.h"
#include "store/pack_tails.h"
#include "store/pins.h"
#include "store/sessions.h"
#include "store/store_core.h"
#include "store/unlinks.h"

namespace packstore::store {
namespace {

// A ref promises that its object is there.
Status check_no_ref_points_at(const StoreCore& core, std::span<const ObjectId> sorted_ids) {
  ASSIGN_OR_RETURN(const std::vector<Ref> refs, core.index->list_refs(""));
  for (const Ref& ref : refs) {
    if (!std::binary_search(sorted_ids.begin(), sorted_ids.end(), ref.id)) continue;
    return fail(ErrorCode::kConflict, "object {}: ref {} points at it", ref.id.to_hex(), ref.name);
  }
  return {};
}

Status check_nobody_pins(const StoreCore& core, std::span<const ObjectId> sorted_ids) {
  return for_each_pinned(core, [&](const Link& link) -> Status {
    if (!std::binary_search(sorted_ids.begin(), sorted_ids.end(), link.id)) return {};
    return fail(ErrorCode::kConflict, "object {}: it is pinned", link.id.to_hex());
  });
}

// Nor may what a ref reaches go, in a store that knows what that is.
Status check_nothing_references(index::WriteTransaction& transaction,
                                std::span<const ObjectId> ids) {
  index::ReferenceTable* const table = transaction.reference_table();
  if (!table) return {};
  for (const ObjectId& id : ids) {
    ASSIGN_OR_RETURN(const bool is_held, table->holds(id));
    if (is_held) {
      return fail(ErrorCode::kConflict, "object {}: a ref reaches it", id.to_hex());
    }
  }
  return {};
}

// Other writers of the index wait as long as one of these transactions takes.
constexpr std::size_t kUnlinksOfOneTransaction = 1024;

// Unlinks those of the `sorted` ids that nobody has called off, and takes their notes away.
Status unlink_noted(StoreCore& core, std::span<const ObjectId> sorted) {
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kDurable));
  std::vector<ObjectId> pending;
  for (const ObjectId& id : sorted) {
    ASSIGN_OR_RETURN(const bool is_noted, transaction->erase_pending_unlink(id));
    if (is_noted) pending.push_back(id);
  }
  RETURN_IF_ERROR(core.loose.remove_all(pending, 1));
  // The unlinks are durable before the notes about them go.
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const bool last_of_shard =
        i + 1 == pending.size() || pending[i].bytes[0] != pending[i + 1].bytes[0];
    if (!last_of_shard || makes(Mistake::kForgetUnlinkBeforeSync)) continue;
    RETURN_IF_ERROR(core.loose.make_durable(pending[i]));
  }
  return transaction->commit();
}

}  // namespace

Result<bool> remove_object(const StoreCore& core, index::WriteTransaction& transaction,
                           const ObjectId& id) {
  ASSIGN_OR_RETURN(const auto row, transaction.erase(id));
  if (row) {
    RETURN_IF_ERROR(transaction.add_dead_bytes(row->pack, record_bytes(*row)));
  }
  ASSIGN_OR_RETURN(const auto loose_size, core.loose.find_size(id));
  if (loose_size) RETURN_IF_ERROR(transaction.add_pending_unlink(id));
  return row.has_value() || loose_size.has_value();
}

Result<RemoveReport> remove(StoreCore& core, std::span<const ObjectId> ids,
                            std::chrono::milliseconds wait) {
  std::vector<ObjectId> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());

  RETURN_IF_ERROR(core.packed_puts.publish());
  RemoveReport report;
  {
    ASSIGN_OR_RETURN(const io::HeldLock sessions, hold_off_sessions(*core.locks, wait, "remove"));
    RETURN_IF_ERROR(settle_tails(core));
    ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(makes(Mistake::kRemoveLazily)
                                                                   ? index::CommitSync::kLazy
                                                                   : index::CommitSync::kDurable));
    RETURN_IF_ERROR(check_no_ref_points_at(core, sorted));
    RETURN_IF_ERROR(check_nobody_pins(core, sorted));
    RETURN_IF_ERROR(check_nothing_references(*transaction, sorted));
    for (const ObjectId& id : sorted) {
      ASSIGN_OR_RETURN(const bool present, remove_object(core, *transaction, id));
      if (present) {
        ++report.removed;
      } else {
        report.absent.push_back(id);
      }
    }
    RETURN_IF_ERROR(transaction->commit());
  }
  RETURN_IF_ERROR(finish_unlinks(core));
  return report;
}

Status finish_unlinks(StoreCore& core) {
  ASSIGN_OR_RETURN(const std::vector<ObjectId> noted, core.index->pending_unlinks());
  for (std::size_t first = 0; first < noted.size(); first += kUnlinksOfOneTransaction) {
    const std::size_t count = std::min(noted.size() - first, kUnlinksOfOneTransaction);
    RETURN_IF_ERROR(unlink_noted(core, std::span(noted).subspan(first, count)));
  }
  return {};
}

}  // namespace packstore::store
