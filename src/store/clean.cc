// 1. Take in what is no garbage: committed groups behind the indexed parts of packs, pending
//    unlinks. Make every lazy commit durable.
// 2. Sandbox: files and directories whose writer is gone.
// 3. Loose copies of objects whose packed copy has been read and found good; one that is not is
//    reported.
// 4. Packs that no batch holds: retired files and files without a row are dropped, packs without
//    objects are retired, unfinished tails are cut off. Whole groups that stand behind damage there
//    may be somebody's data: they are copied to another pack first.
// 5. The log of the index, which is emptied into the database.
#include "store/clean.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "store/pack_tails.h"
#include "store/packed_copy.h"
#include "store/repack.h"
#include "store/store_core.h"
#include "store/validate_account.h"

namespace packstore::store {
namespace {

class Cleaner {
 public:
  explicit Cleaner(StoreCore& core) : core_(core) {}

  Result<CleanReport> run() {
    RETURN_IF_ERROR(core_.packed_puts.release());
    RETURN_IF_ERROR(take_in_leftovers(core_));
    RETURN_IF_ERROR(make_index_durable());
    ASSIGN_OR_RETURN(const Sandbox::Leftovers leftovers, core_.sandbox.remove_leftovers());
    report_.sandbox_files = leftovers.files;
    report_.bytes_freed = leftovers.bytes;
    RETURN_IF_ERROR(clean_loose());
    RETURN_IF_ERROR(clean_packs());
    RETURN_IF_ERROR(core_.index->checkpoint());
    return report_;
  }

 private:
  // Before anything is unlinked because a row says that it is elsewhere.
  Status make_index_durable() {
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
    return transaction->commit();
  }

  Status clean_loose() {
    return core_.loose.for_each([&](const ObjectId& id, std::uint64_t size) -> Status {
      ASSIGN_OR_RETURN(PackedCopy packed, inspect_packed_copy(core_, id));
      // The loose copy is the better one.
      if (packed.finding) report_.damaged.push_back(std::move(*packed.finding));
      if (packed.state != PackedCopy::State::kGood) return {};
      ASSIGN_OR_RETURN(const bool removed, core_.loose.remove(id));
      if (!removed) return {};
      ++report_.loose_redundant;
      report_.bytes_freed += size;
      return {};
    });
  }

  Status clean_packs() {
    ASSIGN_OR_RETURN(const auto totals, core_.index->totals());
    std::unordered_set<std::uint64_t> with_rows;
    for (const auto& total : totals) with_rows.insert(total.pack);
    ASSIGN_OR_RETURN(const auto files, core_.packs.list());
    for (const std::uint64_t pack : files) {
      RETURN_IF_ERROR(clean_pack(pack, with_rows.contains(pack)));
    }
    return forget_rows_without_file(files, with_rows);
  }

  Status clean_pack(std::uint64_t pack, bool has_rows) {
    ASSIGN_OR_RETURN(auto file, core_.packs.directory().find_file(pack_file_name(pack),
                                                                  io::OpenMode::kReadWrite));
    if (!file) return {};
    ASSIGN_OR_RETURN(const bool locked, (*file)->try_lock(io::LockKind::kExclusive));
    if (!locked) return {};
    ASSIGN_OR_RETURN(const auto row, core_.index->find_pack(pack));
    // A batch may have committed to it between the totals and the lock: look again.
    if (!has_rows && row) {
      ASSIGN_OR_RETURN(has_rows, pack_has_rows(pack));
    }
    if (has_rows) return row ? trim_tail(*row, **file) : Status();
    // Damage is never dropped: what cannot be read as ours stays for validate() and repair().
    const bool is_ours =
        row || has_no_header(**file) || check_pack_header(**file, core_.uuid, pack).has_value();
    if (!is_ours) return {};
    if (row) {
      ASSIGN_OR_RETURN(const bool accounted, is_accounted_for(pack));
      if (!accounted) return {};
    }
    ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
    RETURN_IF_ERROR(rescue_groups(core_, **file, pack, row ? row->indexed_bytes : 0));
    RETURN_IF_ERROR(retire_pack(core_, pack));
    ++report_.packs_dropped;
    report_.bytes_freed += info.size;
    return {};
  }

  // Whether all that is in it is dead, as far as the index goes.
  Result<bool> is_accounted_for(std::uint64_t pack) {
    const auto go_on = [](std::uint64_t) { return Status(); };
    ASSIGN_OR_RETURN(const auto accounts, account_packs(core_, {&pack, 1}, go_on));
    return !accounts.empty() && accounts.front().is_balanced();
  }

  Result<bool> pack_has_rows(std::uint64_t pack) {
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kLazy));
    return transaction->pack_has_rows(pack);
  }

  Status trim_tail(const index::PackRow& row, io::File& file) {
    ASSIGN_OR_RETURN(const io::FileInfo info, file.info());
    if (info.size <= row.indexed_bytes) return {};
    // An indexed length that is too small is damage: what it leaves out is no tail.
    ASSIGN_OR_RETURN(const bool has_rows, has_rows_behind(core_, row.pack, row.indexed_bytes));
    if (has_rows) return {};
    RETURN_IF_ERROR(rescue_groups(core_, file, row.pack, row.indexed_bytes));
    RETURN_IF_ERROR(file.truncate(row.indexed_bytes));
    RETURN_IF_ERROR(file.sync());
    ++report_.tails_trimmed;
    report_.bytes_freed += info.size - row.indexed_bytes;
    return {};
  }

  // Numbers whose pack never got a first commit, or whose retirement was cut short.
  Status forget_rows_without_file(std::span<const std::uint64_t> files,
                                  const std::unordered_set<std::uint64_t>& with_rows) {
    ASSIGN_OR_RETURN(const auto rows, core_.index->packs());
    for (const index::PackRow& row : rows) {
      const bool has_file = std::binary_search(files.begin(), files.end(), row.pack);
      if (has_file || with_rows.contains(row.pack)) continue;
      ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kLazy));
      // A batch that has made the pack since then commits before this transaction or after it.
      ASSIGN_OR_RETURN(const auto info,
                       core_.packs.directory().stat_file(pack_file_name(row.pack)));
      ASSIGN_OR_RETURN(const bool in_use, transaction->pack_has_rows(row.pack));
      if (info || in_use) continue;
      RETURN_IF_ERROR(transaction->erase_pack(row.pack));
      RETURN_IF_ERROR(transaction->commit());
    }
    return {};
  }

  StoreCore& core_;
  CleanReport report_;
};

}  // namespace

Result<CleanReport> clean(StoreCore& core) { return Cleaner(core).run(); }

}  // namespace packstore::store
