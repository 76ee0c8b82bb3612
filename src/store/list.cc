// Loose and packed objects, merged:
// 1. A shard of loose/ is listed first and the rows of its range are read after that, or again when
//    the generation has changed since. An object that was packed before its shard was listed has a
//    row by then; one that is packed later was listed.
// 2. What was listed as loose, and is neither there any more nor among the rows, was packed or
//    removed just now: a lookup tells.
#include "store/list.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/lookup.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr std::size_t kPageRows = 4096;

class Lister {
 public:
  Lister(const StoreCore& core, const Store::ObjectVisitor& visit) : core_(core), visit_(visit) {}

  Status run() {
    const auto visit = [&](const LooseShard& shard) { return visit_shard(shard); };
    RETURN_IF_ERROR(core_.loose.for_each_shard(visit));
    return visit_rows_before(std::nullopt);
  }

 private:
  Status visit_shard(const LooseShard& shard) {
    forget_old_rows();
    for (const ObjectId& id : shard.ids) {
      RETURN_IF_ERROR(visit_rows_before(id));
      ASSIGN_OR_RETURN(const auto row, peek());
      const bool is_packed = row && row->id == id;
      if (is_packed && index::check(*row)) {
        RETURN_IF_ERROR(visit_row(*row));
      } else {
        // Behind a damaged row the loose copy is the one that is read.
        if (is_packed) ++next_;
        RETURN_IF_ERROR(visit_loose(shard, id));
      }
    }
    return {};
  }

  Status visit_loose(const LooseShard& shard, const ObjectId& id) {
    ASSIGN_OR_RETURN(const auto size, shard.find_size(id));
    if (!size) {
      ASSIGN_OR_RETURN(const auto moved, locate(core_, id));
      return moved ? visit_object(*moved) : Status();
    }
    ASSIGN_OR_RETURN(const bool is_given_up, core_.index->is_pending_unlink(id));
    if (is_given_up) return {};
    return visit_object({id, *size, *size, Codec::kNone, std::nullopt});
  }

  // All that are left where `end` is nullopt.
  Status visit_rows_before(const std::optional<ObjectId>& end) {
    while (true) {
      ASSIGN_OR_RETURN(const auto row, peek());
      if (!row || (end && row->id >= *end)) return {};
      RETURN_IF_ERROR(visit_row(*row));
    }
  }

  // The row behind the last visited object; nullopt at the end. In pages: no read transaction stays
  // open between them.
  Result<std::optional<index::ObjectRow>> peek() {
    if (next_ == page_.size() && !ended_) {
      generation_ = core_.index->generation();
      ASSIGN_OR_RETURN(page_, core_.index->page(visited_, kPageRows));
      next_ = 0;
      ended_ = page_.empty();
    }
    if (ended_) return std::optional<index::ObjectRow>();
    return std::optional<index::ObjectRow>(page_[next_]);
  }

  Status visit_row(const index::ObjectRow& row) {
    ++next_;
    return visit_object({row.id, row.at.size, row.at.stored_size, row.at.codec, row.at.pack});
  }

  Status visit_object(const ObjectInfo& info) {
    visited_ = info.id;
    return visit_(info);
  }

  // An odd generation means that a commit was under way.
  void forget_old_rows() {
    if (generation_ % 2 == 0 && core_.index->generation() == generation_) return;
    page_.clear();
    next_ = 0;
    ended_ = false;
  }

  const StoreCore& core_;
  const Store::ObjectVisitor& visit_;
  std::optional<ObjectId> visited_;     // The last one.
  std::vector<index::ObjectRow> page_;  // Of rows behind it, from next_ on.
  std::size_t next_ = 0;
  bool ended_ = false;
  std::uint64_t generation_ = 0;  // Before the page was read.
};

}  // namespace

Status for_each_object(const StoreCore& core, const Store::ObjectVisitor& visit) {
  return Lister(core, visit).run();
}

}  // namespace packstore::store
