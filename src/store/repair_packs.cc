// For each pack:
//
// 1. Its lock is taken. A pack that a writer holds keeps its length and its file; only its dead
//    bytes are counted.
// 2. A pack without rows that is not ours, or has no readable header, moves to quarantine/. One
//    with rows that hold good records is ours: it gets a new header, in a copy, since packs are
//    never overwritten; the old file stays in quarantine/.
// 3. Committed groups behind the indexed part are taken in.
// 4. The entry is written anew: as long as the file and the rows are, with every byte that no row
//    needs counted as dead. Whole records of dropped objects found on the way get rows.
#include "store/repair_packs.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/pack_files.h"
#include "store/pack_scanner.h"
#include "store/pack_tails.h"
#include "store/pack_writer.h"
#include "store/store_core.h"
#include "store/validate_account.h"
#include "store/validate_extent.h"

namespace packstore::store {
namespace {

using format::PackHeader;

// Entries change under a writer; a pack that changes this often is busy, and left.
constexpr int kAttempts = 10;

std::uint64_t now_in_microseconds() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

class PackRepair {
 public:
  PackRepair(StoreCore& core, std::uint64_t pack, const std::set<ObjectId>& dropped,
             Quarantine& quarantine, RepairReport& result)
      : core_(core), pack_(pack), dropped_(dropped), quarantine_(quarantine), result_(result) {}

  Status run() {
    RETURN_IF_ERROR(take_lock());
    ASSIGN_OR_RETURN(const auto account, read_account());
    if (!account) return {};
    const bool damaged = account->state != PackFileState::kSound;
    if (account->rows == 0 && damaged) return set_aside(*account);
    if (account->state == PackFileState::kForeign || account->state == PackFileState::kAbsent) {
      return {};
    }
    if (damaged) {
      ASSIGN_OR_RETURN(const bool restored, restore_header(*account));
      if (!restored) return {};
    }
    // Only what is indexed at its right length has a tail.
    RETURN_IF_ERROR(write_entry());
    RETURN_IF_ERROR(take_in());
    return write_entry();
  }

 private:
  // False: somebody else holds it, or there is no such file.
  Result<bool> take_lock() {
    locked_.reset();
    auto found = core_.packs.directory().find_file(pack_file_name(pack_), io::OpenMode::kReadWrite);
    // Where no regular file stands, there is nothing to lock.
    if (!found && found.error().code == ErrorCode::kCorrupt) return false;
    if (!found) return std::move(found).error();
    if (!*found) return false;
    ASSIGN_OR_RETURN(const bool locked, (**found)->try_lock(io::LockKind::kExclusive));
    held_by_other_ = !locked;
    if (locked) locked_ = std::move(**found);
    return locked;
  }

  // nullopt: rows and entry change too often.
  Result<std::optional<PackAccount>> read_account() {
    found_.clear();
    const BytesVisitor ignore = [](std::uint64_t) { return Status(); };
    const DeadRecordVisitor collect = [&](const index::ObjectRow& row) -> Status {
      if (dropped_.contains(row.id)) found_.push_back(row);
      return {};
    };
    ASSIGN_OR_RETURN(auto accounts, account_packs(core_, std::span(&pack_, 1), ignore, collect));
    if (accounts.empty()) return std::optional<PackAccount>();
    return std::optional<PackAccount>(std::move(accounts.front()));
  }

  Status set_aside(const PackAccount& account) {
    if (held_by_other_) return {};
    if (account.row) {
      ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
      ASSIGN_OR_RETURN(const bool has_rows, transaction->pack_has_rows(pack_));
      if (has_rows) return {};
      RETURN_IF_ERROR(transaction->reserve_packs_through(pack_));
      RETURN_IF_ERROR(transaction->erase_pack(pack_));
      RETURN_IF_ERROR(transaction->commit());
    }
    if (account.state == PackFileState::kAbsent) return {};
    core_.packs.forget(pack_);
    const std::string name = pack_file_name(pack_);
    RETURN_IF_ERROR(quarantine_.take(core_.packs.directory(), name, name));
    ++result_.moved_aside;
    return {};
  }

  // False: the pack is in use, or nothing in it proves that it is ours, or there is no room for it.
  Result<bool> restore_header(const PackAccount& account) {
    if (!locked_) return false;
    ASSIGN_OR_RETURN(const bool ours, has_good_record());
    if (!ours) return false;
    ASSIGN_OR_RETURN(SandboxFile copy, core_.sandbox.create());
    const auto header = format::encode(
        PackHeader{.store = core_.uuid, .pack = pack_, .created_at = now_in_microseconds()});
    RETURN_IF_ERROR(copy.file().write_at(0, ByteView(header)));
    RETURN_IF_ERROR(io::copy_range(*locked_, PackHeader::kSize, copy.file(), PackHeader::kSize,
                                   account.file_bytes - PackHeader::kSize));
    const std::string name = pack_file_name(pack_);
    const Status kept = quarantine_.take_link(core_.packs.directory(), name, name);
    if (!kept) {
      // Without links the old file would have no name for a moment in which its rows need it.
      if (kept.error().code == ErrorCode::kUnsupported) return false;
      return kept.error();
    }
    RETURN_IF_ERROR(copy.publish(core_.packs.directory(), name));
    core_.packs.forget(pack_);
    ++result_.moved_aside;
    return take_lock();
  }

  // A record's checksum covers the store, the pack and the place that it belongs to.
  Result<bool> has_good_record() {
    ASSIGN_OR_RETURN(const auto rows, core_.index->rows_in_pack_order(std::span(&pack_, 1)));
    ASSIGN_OR_RETURN(const OpenedPack opened, open_any_pack(core_, pack_));
    while (opened.file) {
      ASSIGN_OR_RETURN(const auto row, rows->next());
      if (!row) return false;
      if (index::check(*row) && opened.file->read_header(*row)) return true;
    }
    return false;
  }

  Status take_in() {
    if (!locked_) return {};
    ASSIGN_OR_RETURN(const auto row, core_.index->find_pack(pack_));
    const std::uint64_t start =
        std::max<std::uint64_t>(row ? row->indexed_bytes : 0, PackHeader::kSize);
    ASSIGN_OR_RETURN(const PackTail tail, scan_tail(*locked_, {core_.uuid, pack_, 0}, start));
    RETURN_IF_ERROR(take_in_tail(core_, pack_, *locked_));
    for (const index::ObjectRow& object : tail.rows) {
      ASSIGN_OR_RETURN(const auto at, core_.index->find(object.id));
      if (at == object.at) ++result_.rows_added;
    }
    return {};
  }

  Status write_entry() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      ASSIGN_OR_RETURN(const auto account, read_account());
      if (!account || account->state != PackFileState::kSound) return {};
      if (!account->row && account->rows == 0) return {};
      ASSIGN_OR_RETURN(const std::vector<index::ObjectRow> returning, choose_returning());
      const index::PackRow entry = balanced_entry(*account, returning);
      if (returning.empty() && same_entry(account->row, entry)) return {};

      ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
      ASSIGN_OR_RETURN(const auto now, transaction->find_pack(pack_));
      if (!same_entry(now, account->row)) continue;
      for (const index::ObjectRow& row : returning) {
        ASSIGN_OR_RETURN(const bool inserted, transaction->insert(row));
        // Put again meanwhile; the entry would not fit then.
        if (!inserted) return {};
      }
      RETURN_IF_ERROR(transaction->reserve_packs_through(pack_));
      RETURN_IF_ERROR(transaction->put_pack(entry));
      RETURN_IF_ERROR(transaction->commit());
      result_.rows_added += returning.size();
      return {};
    }
    return {};
  }

  // Good records of dropped objects that have no row now, one for each.
  Result<std::vector<index::ObjectRow>> choose_returning() {
    std::vector<index::ObjectRow> returning;
    std::set<ObjectId> chosen;
    const BytesVisitor ignore = [](std::uint64_t) { return Status(); };
    for (const index::ObjectRow& row : found_) {
      ASSIGN_OR_RETURN(const auto known, core_.index->find(row.id));
      if (known || chosen.contains(row.id)) continue;
      ASSIGN_OR_RETURN(const OpenedPack opened, open_any_pack(core_, pack_));
      if (!opened.file) continue;
      ASSIGN_OR_RETURN(const auto finding, inspect_record(*opened.file, row, ignore));
      if (finding) continue;
      chosen.insert(row.id);
      returning.push_back(row);
    }
    return returning;
  }

  index::PackRow balanced_entry(const PackAccount& account,
                                std::span<const index::ObjectRow> returning) const {
    index::PackRow entry = account.row.value_or(index::PackRow{.pack = pack_});
    // Retired means that no row points here; one does.
    if (entry.state == index::PackState::kRetired && account.rows > 0) {
      entry.state = index::PackState::kSealed;
    }
    std::uint64_t returned_bytes = 0;
    for (const index::ObjectRow& row : returning) returned_bytes += record_bytes(row.at);
    entry.dead_bytes = account.gaps.dead_bytes + account.damaged_bytes() - returned_bytes;
    if (!locked_) return entry;  // Its writer knows how long it is.

    const std::uint64_t rows_end = account.rows > 0 ? account.rows_end : 0;
    const bool cut_off = entry.indexed_bytes > account.file_bytes;
    entry.indexed_bytes = std::min(std::max(entry.indexed_bytes, rows_end), account.file_bytes);
    // Nobody appends to a pack that lost bytes once.
    if (cut_off || !account.gaps.damaged.empty()) entry.state = index::PackState::kSealed;
    return entry;
  }

  StoreCore& core_;
  const std::uint64_t pack_;
  const std::set<ObjectId>& dropped_;
  Quarantine& quarantine_;
  RepairReport& result_;
  std::unique_ptr<io::File> locked_;
  bool held_by_other_ = false;
  std::vector<index::ObjectRow> found_;  // Whole records of dropped objects in gaps.
};

}  // namespace

Status repair_packs(StoreCore& core, const ValidationReport& report,
                    const std::set<ObjectId>& dropped, Quarantine& quarantine,
                    RepairReport& result) {
  std::set<std::uint64_t> packs;
  for (const Finding& finding : report.findings) {
    if (finding.pack && finding.kind != FindingKind::kTornTail) packs.insert(*finding.pack);
  }
  for (const std::uint64_t pack : packs) {
    RETURN_IF_ERROR(PackRepair(core, pack, dropped, quarantine, result).run());
  }
  return {};
}

}  // namespace packstore::store
