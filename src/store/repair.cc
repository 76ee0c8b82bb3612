// 1. Damaged loose files move to quarantine/.
// 2. Rows whose record is damaged, or that have nothing behind them, are dropped, after what there
//    is of the record was copied to quarantine/ and a good loose copy was made durable.
// 3. Every pack that was reported is set right (repair_packs.h). A dropped object whose whole
//    record turns up there gets a new row.
// 4. What cannot be an object leaves loose/.
// 5. Objects of steps 1 and 2 that have no good copy now are lost.
// 6. Reference counts that are wrong are counted anew.
#include "store/repair.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/hash_file.h"
#include "store/pack_files.h"
#include "store/read.h"
#include "store/references.h"
#include "store/repair_packs.h"
#include "store/repair_quarantine.h"
#include "store/store_core.h"
#include "store/validate_account.h"
#include "store/validate_extent.h"

namespace packstore::store {
namespace {

// Rows dropped in one transaction.
constexpr std::size_t kDropsMax = 4096;

// A row to drop, as it was judged; no place when the row itself is damaged.
struct Drop {
  ObjectId id;
  std::optional<index::Location> at;
};

class Repair {
 public:
  Repair(StoreCore& core, const ValidationReport& report)
      : core_(core), report_(report), quarantine_(*core.root, core.sandbox) {}

  Result<RepairReport> run() {
    // Gives this process's own open pack back, so that it can be locked.
    RETURN_IF_ERROR(core_.packed_puts.release());
    RETURN_IF_ERROR(set_aside_loose());
    RETURN_IF_ERROR(drop_damaged_rows());
    RETURN_IF_ERROR(drop_rows_of_missing_packs());
    RETURN_IF_ERROR(drop_collected());
    RETURN_IF_ERROR(repair_packs(core_, report_, doubtful_, quarantine_, result_));
    RETURN_IF_ERROR(set_aside_misplaced());
    RETURN_IF_ERROR(list_lost());
    RETURN_IF_ERROR(count_anew());
    return std::move(result_);
  }

 private:
  Status set_aside_loose() {
    for (const Finding& finding : report_.findings) {
      const bool about_loose = finding.kind == FindingKind::kContentMismatch && !finding.pack;
      if (!about_loose || !finding.object) continue;
      const ObjectId& id = *finding.object;
      ASSIGN_OR_RETURN(const LooseState state, judge_loose(id));
      if (state != LooseState::kDamaged) continue;
      doubtful_.insert(id);
      ASSIGN_OR_RETURN(const auto shard, core_.loose.directory().open_directory(shard_name(id)));
      RETURN_IF_ERROR(quarantine_.take(*shard, name_in_shard(id), id.to_hex() + ".loose"));
      ++result_.moved_aside;
    }
    return {};
  }

  Status count_anew() {
    const bool reported = std::ranges::any_of(report_.findings, [](const Finding& finding) {
      return finding.kind == FindingKind::kReferenceCountWrong;
    });
    return reported ? recount(core_) : Status();
  }

  enum class LooseState { kAbsent, kGood, kDamaged, kUnreadable };

  Result<LooseState> judge_loose(const ObjectId& id) const {
    const auto judge_error = [](const Error& error) -> Result<LooseState> {
      // A link, or a directory: no object, whatever it leads to.
      if (error.code == ErrorCode::kCorrupt) return LooseState::kDamaged;
      // Not to be judged today, and no obstacle for the rest.
      if (error.code == ErrorCode::kIo) return LooseState::kUnreadable;
      return error;
    };
    const auto file = core_.loose.find(id);
    if (!file) return judge_error(file.error());
    if (!*file) return LooseState::kAbsent;
    const Result<ObjectId> found = hash_file(***file);
    if (!found) return judge_error(found.error());
    return *found == id ? LooseState::kGood : LooseState::kDamaged;
  }

  Status drop_damaged_rows() {
    for (const Finding& finding : report_.findings) {
      const bool about_row = finding.object && finding.kind != FindingKind::kRefBroken &&
                             (finding.pack || finding.kind == FindingKind::kRowInvalid);
      if (!about_row || doubtful_rows_.contains(*finding.object)) continue;
      const ObjectId& id = *finding.object;
      const Result<std::optional<index::Location>> at = core_.index->find(id);
      if (!at && at.error().code != ErrorCode::kCorrupt) return at.error();
      if (at && !*at) continue;
      if (!at) {
        RETURN_IF_ERROR(collect({id, std::nullopt}));
      } else {
        RETURN_IF_ERROR(judge_row({id, **at}));
      }
    }
    return {};
  }

  Status judge_row(const index::ObjectRow& row) {
    ASSIGN_OR_RETURN(const OpenedPack opened, open_any_pack(core_, row.at.pack));
    if (opened.state == PackFileState::kForeign) return {};
    if (opened.file) {
      const BytesVisitor ignore = [](std::uint64_t) { return Status(); };
      ASSIGN_OR_RETURN(const auto finding, inspect_record(*opened.file, row, ignore));
      if (!finding) return {};
      if (row.at.offset < opened.file_bytes) {
        RETURN_IF_ERROR(quarantine_.take_copy(opened.file->file(), {row.at.offset, end_of(row)},
                                              row.id.to_hex() + ".record"));
        ++result_.moved_aside;
      }
    }
    return collect({row.id, row.at});
  }

  Status drop_rows_of_missing_packs() {
    std::vector<std::uint64_t> missing;
    for (const Finding& finding : report_.findings) {
      if (finding.kind != FindingKind::kPackMissing || !finding.pack) continue;
      ASSIGN_OR_RETURN(const OpenedPack opened, open_any_pack(core_, *finding.pack));
      if (opened.state == PackFileState::kAbsent) missing.push_back(*finding.pack);
    }
    if (missing.empty()) return {};
    ASSIGN_OR_RETURN(const auto rows, core_.index->rows_in_pack_order(missing));
    while (true) {
      ASSIGN_OR_RETURN(const auto row, rows->next());
      if (!row) return {};
      RETURN_IF_ERROR(collect({row->id, row->at}));
    }
  }

  Status collect(const Drop& drop) {
    drops_.push_back(drop);
    doubtful_rows_.insert(drop.id);
    return drops_.size() < kDropsMax ? Status() : drop_collected();
  }

  Status drop_collected() {
    for (const Drop& drop : drops_) {
      // The loose copy is about to be the only one.
      ASSIGN_OR_RETURN(const LooseState state, judge_loose(drop.id));
      if (state == LooseState::kGood) RETURN_IF_ERROR(core_.loose.make_durable(drop.id));
      doubtful_.insert(drop.id);
    }
    if (drops_.empty()) return {};
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
    std::uint64_t dropped = 0;
    for (const Drop& drop : drops_) {
      ASSIGN_OR_RETURN(const bool erased, drop_row(*transaction, drop));
      if (erased) ++dropped;
    }
    RETURN_IF_ERROR(transaction->commit());
    result_.rows_dropped += dropped;
    drops_.clear();
    return {};
  }

  static Result<bool> drop_row(index::WriteTransaction& transaction, const Drop& drop) {
    const auto now = transaction.find(drop.id);
    if (!now && now.error().code != ErrorCode::kCorrupt) return now.error();
    // A row that is sound now, or points elsewhere, is not the one that was judged.
    const bool unchanged = now ? drop.at && *now == drop.at : !drop.at;
    if (!unchanged) return false;
    ASSIGN_OR_RETURN(const auto erased, transaction.erase(drop.id));
    if (!drop.at) return erased.has_value();
    // Rows go together with a change of their pack's entry; repair_packs() counts exactly.
    RETURN_IF_ERROR(transaction.add_dead_bytes(drop.at->pack, record_bytes(*drop.at)));
    return erased.has_value();
  }

  Status set_aside_misplaced() {
    const bool reported = std::any_of(
        report_.findings.begin(), report_.findings.end(),
        [](const Finding& finding) { return finding.kind == FindingKind::kLooseMisplaced; });
    if (!reported) return {};
    std::vector<std::string> strays;
    const auto ignore = [](const ObjectId&, std::uint64_t) { return Status(); };
    RETURN_IF_ERROR(core_.loose.for_each(ignore, [&](const std::string& path) -> Status {
      strays.push_back(path);
      return {};
    }));
    for (const std::string& path : strays) {
      const std::size_t slash = path.find('/');
      const std::string name = slash == path.npos ? path : path.substr(slash + 1);
      if (slash == path.npos) {
        RETURN_IF_ERROR(quarantine_.take(core_.loose.directory(), name, name));
      } else {
        ASSIGN_OR_RETURN(const auto shard,
                         core_.loose.directory().open_directory(path.substr(0, slash)));
        RETURN_IF_ERROR(quarantine_.take(*shard, name, name));
      }
      ++result_.moved_aside;
    }
    return {};
  }

  Status list_lost() {
    for (const ObjectId& id : doubtful_) {
      ASSIGN_OR_RETURN(const bool packed, has_good_record(id));
      ASSIGN_OR_RETURN(const LooseState state, judge_loose(id));
      if (!packed && state != LooseState::kGood) result_.lost.push_back(id);
    }
    return {};
  }

  Result<bool> has_good_record(const ObjectId& id) const {
    ASSIGN_OR_RETURN(const auto at, core_.index->find(id));
    if (!at) return false;
    ASSIGN_OR_RETURN(const OpenedPack opened, open_any_pack(core_, at->pack));
    if (opened.state != PackFileState::kSound) return false;
    const BytesVisitor ignore = [](std::uint64_t) { return Status(); };
    ASSIGN_OR_RETURN(const auto finding, inspect_record(*opened.file, {id, *at}, ignore));
    return !finding.has_value();
  }

  StoreCore& core_;
  const ValidationReport& report_;
  Quarantine quarantine_;
  RepairReport result_;
  std::vector<Drop> drops_;
  std::set<ObjectId> doubtful_rows_;  // Collected already: an object may have several findings.
  std::set<ObjectId> doubtful_;       // Objects that lost a copy.
};

}  // namespace

Result<RepairReport> repair(StoreCore& core, const ValidationReport& report) {
  return Repair(core, report).run();
}

}  // namespace packstore::store
