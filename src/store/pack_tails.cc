// 1. A tail begins behind the indexed length of its pack, or behind the header where the index does
//    not know the pack.
// 2. Groups at its front that the file itself shows to be committed were acknowledged, or may have
//    been: they get their rows.
// 3. What stands behind damage may be somebody's data too. It cannot stay where it is, for a pack
//    is indexed from its front on: its whole groups are copied to another pack.
#include "store/pack_tails.h"

#include <algorithm>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/mistake.h"
#include "store/collection_watch.h"
#include "store/file_source.h"
#include "store/pack_files.h"
#include "store/pack_scanner.h"
#include "store/pack_writer.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

using format::PackHeader;

struct Tail {
  std::uint64_t pack = 0;
  bool is_open = true;  // Or the index does not know the pack.
};

enum class TailsOf : std::uint8_t { kOpenPacks, kAllPacks };

// Those of `packs` that are longer than their indexed part.
Result<std::vector<Tail>> list_tails(const StoreCore& core, std::span<const std::uint64_t> packs,
                                     TailsOf which) {
  ASSIGN_OR_RETURN(const auto rows, core.index->packs());
  std::unordered_map<std::uint64_t, index::PackRow> by_pack;
  for (const index::PackRow& row : rows) by_pack.emplace(row.pack, row);
  std::vector<Tail> tails;
  for (const std::uint64_t pack : packs) {
    const auto row = by_pack.find(pack);
    const bool is_known = row != by_pack.end();
    const bool is_open = !is_known || row->second.state == index::PackState::kOpen;
    if (which == TailsOf::kOpenPacks && !is_open) continue;
    ASSIGN_OR_RETURN(const auto info, core.packs.directory().stat_file(pack_file_name(pack)));
    const std::uint64_t indexed = is_known ? row->second.indexed_bytes : 0;
    if (!info || info->size <= std::max<std::uint64_t>(indexed, PackHeader::kSize)) continue;
    tails.push_back({pack, is_open});
  }
  return tails;
}

Result<std::uint64_t> find_start(const StoreCore& core, std::uint64_t pack) {
  ASSIGN_OR_RETURN(const auto row, core.index->find_pack(pack));
  return std::max<std::uint64_t>(row ? row->indexed_bytes : 0, PackHeader::kSize);
}

// Null: it is gone, or a live writer holds it.
Result<std::unique_ptr<io::File>> lock_pack(const StoreCore& core, std::uint64_t pack) {
  ASSIGN_OR_RETURN(
      auto found, core.packs.directory().find_file(pack_file_name(pack), io::OpenMode::kReadWrite));
  if (!found) return std::unique_ptr<io::File>();
  ASSIGN_OR_RETURN(const bool locked, (*found)->try_lock(io::LockKind::kExclusive));
  return locked ? std::move(*found) : std::unique_ptr<io::File>();
}

Status take_in(StoreCore& core, const Tail& tail, io::File& locked_file) {
  // A damaged or foreign pack is no obstacle: validate() reports it.
  if (!tail.is_open || !check_pack_header(locked_file, core.uuid, tail.pack)) return {};
  // Not being able to take in what was acknowledged is a reason not to open.
  RETURN_IF_ERROR(take_in_tail(core, tail.pack, locked_file));
  return {};
}

// Nothing but whole groups brings objects back: a tail without them stays for clean().
Status cut_off_groups(StoreCore& core, std::uint64_t pack, io::File& locked_file) {
  ASSIGN_OR_RETURN(const std::uint64_t start, find_start(core, pack));
  ASSIGN_OR_RETURN(const bool has_groups, rescue_groups(core, locked_file, pack, start));
  if (!has_groups) return {};
  RETURN_IF_ERROR(locked_file.truncate(start));
  return locked_file.sync();
}

}  // namespace

Result<std::uint64_t> take_in_tail(StoreCore& core, std::uint64_t pack, io::File& locked_file) {
  // Only the holder of the pack's lock moves the indexed length.
  ASSIGN_OR_RETURN(const std::uint64_t start, find_start(core, pack));
  ASSIGN_OR_RETURN(const io::FileInfo info, locked_file.info());
  if (info.size <= start) return start;
  ASSIGN_OR_RETURN(PackTail tail, scan_tail(locked_file, {core.uuid, pack, 0}, start));
  if (tail.committed_end == start) return start;

  // The process that wrote the tail may have died before its sync, or in a sync that failed. After
  // that the kernel takes pages for clean that the disk does not hold: only what is written again
  // is synced for certain, with the header where nothing was ever committed behind it. And only
  // then is it known that what was scanned is what was written.
  const std::uint64_t unsynced = start == PackHeader::kSize ? 0 : start;
  const std::uint64_t length =
      makes(Mistake::kSyncTailWithoutRewriting) ? 0 : tail.committed_end - unsynced;
  RETURN_IF_ERROR(io::copy_range(locked_file, unsynced, locked_file, unsynced, length));
  ASSIGN_OR_RETURN(tail, scan_tail(locked_file, {core.uuid, pack, 0}, start));
  if (tail.committed_end == start) return start;
  RETURN_IF_ERROR(locked_file.sync());
  RETURN_IF_ERROR(core.packs.directory().sync());
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kLazy));
  RETURN_IF_ERROR(transaction->reserve_packs_through(pack));
  // A removal may have added dead bytes since the first look.
  ASSIGN_OR_RETURN(const auto current, transaction->find_pack(pack));
  index::PackRow row = current.value_or(index::PackRow{.pack = pack});
  for (const index::ObjectRow& object : tail.rows) {
    ASSIGN_OR_RETURN(const bool inserted, transaction->insert(object));
    if (inserted) continue;
    row.dead_bytes += record_bytes(object.at);
    RETURN_IF_ERROR(keep_duplicate(core, *transaction, object.id));
  }
  row.indexed_bytes = tail.committed_end;
  RETURN_IF_ERROR(transaction->put_pack(row));
  RETURN_IF_ERROR(transaction->commit());
  return tail.committed_end;
}

Status take_in_tails(StoreCore& core, std::span<const std::uint64_t> packs) {
  if (makes(Mistake::kLeaveTailsOut)) return {};
  ASSIGN_OR_RETURN(const auto tails, list_tails(core, packs, TailsOf::kOpenPacks));
  for (const Tail& tail : tails) {
    ASSIGN_OR_RETURN(const auto file, lock_pack(core, tail.pack));
    if (file) RETURN_IF_ERROR(take_in(core, tail, *file));
  }
  return {};
}

Status settle_tails(StoreCore& core) {
  ASSIGN_OR_RETURN(const auto packs, core.packs.list());
  ASSIGN_OR_RETURN(const auto tails, list_tails(core, packs, TailsOf::kAllPacks));
  for (const Tail& tail : tails) {
    ASSIGN_OR_RETURN(const auto file, lock_pack(core, tail.pack));
    if (!file) continue;
    RETURN_IF_ERROR(take_in(core, tail, *file));
    RETURN_IF_ERROR(cut_off_groups(core, tail.pack, *file));
  }
  return {};
}

Result<bool> rescue_groups(StoreCore& core, const io::File& locked_file, std::uint64_t pack,
                           std::uint64_t start) {
  ASSIGN_OR_RETURN(const std::vector<ScannedRecord> found,
                   scan_whole_groups(locked_file, {core.uuid, pack, 0},
                                     std::max<std::uint64_t>(start, PackHeader::kSize)));
  if (found.empty()) return false;
  // An indexed length that is too small is damage: what it leaves out is no tail.
  ASSIGN_OR_RETURN(const bool has_rows, has_rows_behind(core, pack, start));
  if (has_rows) return false;
  std::unique_ptr<PackWriter> writer;
  std::vector<index::ObjectRow> rows;
  for (const ScannedRecord& scanned : found) {
    const index::ObjectRow row = scanned.row(pack);
    ASSIGN_OR_RETURN(const auto known, core.index->find(row.id));
    if (known) continue;
    if (!writer) {
      ASSIGN_OR_RETURN(writer, PackWriter::begin(core, PackWriter::Choice::kNew));
    }
    FileSource stored(locked_file, scanned.offset + format::PackRecord::kHeaderSize,
                      row.at.stored_size);
    ASSIGN_OR_RETURN(rows.emplace_back(),
                     writer->append_stored(row, scanned.record.stored_xxh3, stored));
  }
  if (rows.empty()) return true;
  RETURN_IF_ERROR(writer->sync());
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kDurable));
  RETURN_IF_ERROR(writer->add_rows(*transaction, rows));
  RETURN_IF_ERROR(writer->commit(*transaction));
  return true;
}

Result<bool> has_rows_behind(const StoreCore& core, std::uint64_t pack, std::uint64_t end) {
  ASSIGN_OR_RETURN(const auto rows, core.index->rows_in_pack_order(std::span(&pack, 1)));
  while (true) {
    ASSIGN_OR_RETURN(const auto row, rows->next());
    if (!row) return false;
    const std::uint64_t size = record_bytes(row->at);
    if (!index::check(*row) || !fits(row->at.offset, size, end)) return true;
  }
}

}  // namespace packstore::store
