// 1. Plan: which packs (repack_plan.h).
// 2. Lock each of them against batches, and take in what a crashed batch has committed there.
// 3. Set what the index says of each pack against its file. The file is to go, so every record in
// it
//    must have a row, or be counted as dead: where a damaged index leaves some out, the pack stays.
// 4. Walk their visible objects in the order of the files. Every record is checked and its content
//    hashed; what fails is reported and stays where it is. The rest is appended to new packs.
// 5. After each group: sync the new pack, then point the group's rows at it in one durable
//    transaction. Readers find the object at the old place before, at the new place after.
// 6. A pack that no row points into any more is retired durably and unlinked. A reader that looked
//    up the old place finds the file gone and looks again.
//
// A crash leaves objects at either place, each whole, and at worst an unfinished group or a retired
// file, which are garbage.
#include "store/repack.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mistake.h"
#include "codec/codec.h"
#include "store/file_source.h"
#include "store/pack_files.h"
#include "store/pack_tails.h"
#include "store/pack_writer.h"
#include "store/read.h"
#include "store/record_slice.h"
#include "store/repack_plan.h"
#include "store/store_core.h"
#include "store/validate_account.h"

namespace packstore::store {
namespace {

using format::PackRecord;

constexpr std::size_t kGroupObjects = 64 << 10;
constexpr std::uint64_t kGroupBytes = 256 << 20;
// Longer records are streamed.
constexpr std::uint64_t kInMemoryBytesMax = 4 << 20;
// Packs that are held locked, and sorted, at a time: each takes a descriptor.
constexpr std::size_t kPacksAtOnce = 64;

// Small stored bytes may hold a lot of content.
bool is_large(const index::ObjectRow& row) {
  return row.at.stored_size > kInMemoryBytesMax || row.at.size > kInMemoryBytesMax;
}

struct LockedPack {
  std::uint64_t pack = 0;
  std::unique_ptr<io::File> file;
  std::uint64_t file_bytes = 0;
  bool damaged = false;
};

class Repacker {
 public:
  Repacker(StoreCore& core, const RepackOptions& options) : core_(core), options_(options) {}

  Result<RepackReport> run() {
    if (options_.compression) RETURN_IF_ERROR(options_.compression->check());
    // Gives the pack of single puts back, so that it can be rewritten like any other.
    RETURN_IF_ERROR(core_.packed_puts.release());
    ASSIGN_OR_RETURN(const std::vector<PackUsage> usage, measure());
    const RepackPlan plan = plan_repack(usage, options_);
    bytes_total_ = plan.live_bytes;
    for (std::size_t first = 0; first < plan.packs.size(); first += kPacksAtOnce) {
      const std::size_t count = std::min(kPacksAtOnce, plan.packs.size() - first);
      RETURN_IF_ERROR(rewrite(std::span(plan.packs).subspan(first, count)));
    }
    return std::move(report_);
  }

 private:
  Result<std::vector<PackUsage>> measure() {
    std::vector<PackUsage> usage;
    ASSIGN_OR_RETURN(const std::vector<index::PackRow> rows, core_.index->packs());
    for (const index::PackRow& row : rows) {
      if (row.state == index::PackState::kRetired) continue;
      ASSIGN_OR_RETURN(const auto info,
                       core_.packs.directory().stat_file(pack_file_name(row.pack)));
      if (!info) continue;  // validate() reports it.
      const std::uint64_t tail = info->size - std::min(info->size, row.indexed_bytes);
      usage.push_back({row.pack, info->size, row.dead_bytes + tail});
    }
    return usage;
  }

  Status rewrite(std::span<const std::uint64_t> packs) {
    std::vector<LockedPack> locked;
    std::vector<std::uint64_t> numbers;
    for (const std::uint64_t pack : packs) RETURN_IF_ERROR(lock(pack, locked));
    RETURN_IF_ERROR(leave_unaccounted(locked));
    for (const LockedPack& pack : locked) numbers.push_back(pack.pack);
    if (numbers.empty()) return {};

    ASSIGN_OR_RETURN(const auto rows, core_.index->rows_in_pack_order(numbers));
    RowSlicer slicer(*rows);
    for (LockedPack& pack : locked) {
      RETURN_IF_ERROR(copy_pack(pack, slicer));
      if (makes(Mistake::kUnlinkPackBeforeCommit)) {
        RETURN_IF_ERROR(core_.packs.directory().remove_file(pack_file_name(pack.pack)));
      }
      RETURN_IF_ERROR(commit_group());
      RETURN_IF_ERROR(finish_pack(pack));
    }
    return {};
  }

  Status lock(std::uint64_t pack, std::vector<LockedPack>& locked) {
    ASSIGN_OR_RETURN(auto found, core_.packs.directory().find_file(pack_file_name(pack),
                                                                   io::OpenMode::kReadWrite));
    if (!found) return {};
    ASSIGN_OR_RETURN(const bool taken, (*found)->try_lock(io::LockKind::kExclusive));
    if (!taken) {
      report_.packs_in_use.push_back(pack);
      return {};
    }
    const auto header = check_pack_header(**found, core_.uuid, pack);
    if (!header) {
      report_.packs_damaged.push_back(pack);
      report_.damaged.push_back(
          {FindingKind::kPackHeaderDamaged, std::nullopt, pack, 0, header.error().message});
      return {};
    }
    ASSIGN_OR_RETURN(const std::uint64_t end, take_in_tail(core_, pack, **found));
    // The file goes, and with it what stands behind damage there.
    RETURN_IF_ERROR(rescue_groups(core_, **found, pack, end));
    ASSIGN_OR_RETURN(const io::FileInfo info, (*found)->info());
    locked.push_back({pack, std::move(*found), info.size, false});
    return {};
  }

  // Gives up those of which the index does not know every record.
  Status leave_unaccounted(std::vector<LockedPack>& locked) {
    std::vector<std::uint64_t> numbers;
    for (const LockedPack& pack : locked) numbers.push_back(pack.pack);
    const auto go_on = [this](std::uint64_t) {
      return options_.control.stop.stop_requested()
                 ? Status(fail(ErrorCode::kCancelled, "repack: stopped before any pack was copied"))
                 : Status();
    };
    ASSIGN_OR_RETURN(const auto accounts, account_packs(core_, numbers, go_on));
    std::vector<LockedPack> accounted;
    for (LockedPack& pack : locked) {
      const auto account = std::ranges::find(accounts, pack.pack, &PackAccount::pack);
      if (account == accounts.end()) {  // Objects come out of it all the time.
        report_.packs_in_use.push_back(pack.pack);
      } else if (account->is_balanced()) {
        accounted.push_back(std::move(pack));
      } else {
        report_.packs_damaged.push_back(pack.pack);
        std::ranges::move(find_imbalance(*account), std::back_inserter(report_.damaged));
      }
    }
    locked = std::move(accounted);
    return {};
  }

  Status copy_pack(LockedPack& locked, RowSlicer& slicer) {
    // What was opened before the lock was taken may be an earlier state of the pack.
    core_.packs.forget(locked.pack);
    Result<std::shared_ptr<const PackFile>> pack = core_.packs.open(locked.pack);
    if (!pack) return pack.error();
    while (true) {
      if (options_.control.stop.stop_requested()) {
        return fail(ErrorCode::kCancelled, "repack: stopped in pack {}", locked.pack);
      }
      ASSIGN_OR_RETURN(const std::span<const index::ObjectRow> rows, slicer.next(locked.pack));
      if (rows.empty()) return {};
      if (const Status sound = index::check(rows.front()); !sound) {
        refuse(locked, rows.front(), sound.error());
      } else if (is_large(rows.front())) {
        RETURN_IF_ERROR(copy_large(locked, **pack, rows.front()));
      } else {
        RETURN_IF_ERROR(copy_slice(locked, **pack, rows));
      }
      report_progress();
    }
  }

  Status copy_slice(LockedPack& locked, const PackFile& pack,
                    std::span<const index::ObjectRow> rows) {
    slice_.load(pack, rows, makes(Mistake::kCopyDamagedRecord) ? Verify::kNone : Verify::kContent);
    std::vector<EncodedObject> objects;
    std::vector<Bytes> encoded(rows.size());
    std::vector<index::Location> from;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const RecordSlice::Item& item = slice_.items()[i];
      if (item.error) {
        refuse(locked, rows[i], *item.error);
        continue;
      }
      EncodedObject object{.id = rows[i].id,
                           .size = rows[i].at.size,
                           .codec = rows[i].at.codec,
                           .stored = item.stored};
      if (options_.compression) {
        ASSIGN_OR_RETURN(object.codec,
                         codec::encode(item.content, *options_.compression, encoded[i]));
        object.stored = object.codec == Codec::kNone ? item.content : ByteView(encoded[i]);
      }
      objects.push_back(object);
      from.push_back(rows[i].at);
    }
    if (objects.empty()) return {};
    RETURN_IF_ERROR(ensure_writer());
    RETURN_IF_ERROR(writer_->append(objects, PackRecord::Kind::kObject, rows_));
    from_.insert(from_.end(), from.begin(), from.end());
    return commit_group_if_large();
  }

  Status copy_large(LockedPack& locked, const PackFile& pack, const index::ObjectRow& row) {
    const Result<PackRecord> record = pack.read_header(row);
    if (!record) {
      refuse(locked, row, record.error());
      return {};
    }
    const std::uint64_t start = stored_begin(row.at);
    std::optional<FileSource> stored;
    const auto open = [&]() -> Result<std::unique_ptr<ByteSource>> {
      stored.emplace(pack.file(), start, row.at.stored_size, options_.control.stop);
      return codec::make_decoder(row.at.codec, *stored, row.at.size);
    };
    RETURN_IF_ERROR(ensure_writer());
    const bool as_it_is = !options_.compression && row.at.codec != Codec::kNone;
    const Result<index::ObjectRow> copied =
        as_it_is ? append_verified(row, *record, pack, open)
                 : writer_->append_content(row.id, row.at.size, open,
                                           options_.compression.value_or(Compression::none()));
    if (!copied && copied.error().code == ErrorCode::kCorrupt) {
      refuse(locked, row, copied.error());
      return {};
    }
    if (!copied) return copied.error();
    rows_.push_back(*copied);
    from_.push_back(row.at);
    return commit_group_if_large();
  }

  // A long compressed record that stays as it is: its content is hashed first, then its stored
  // bytes are copied under their checksum.
  Result<index::ObjectRow> append_verified(const index::ObjectRow& row, const PackRecord& record,
                                           const PackFile& pack,
                                           const PackWriter::ContentOpener& open) {
    ASSIGN_OR_RETURN(const auto content, open());
    RETURN_IF_ERROR(check_content(row.id, *content));
    FileSource stored(pack.file(), stored_begin(row.at), row.at.stored_size);
    return writer_->append_stored(row, record.stored_xxh3, stored);
  }

  void refuse(LockedPack& locked, const index::ObjectRow& row, const Error& error) {
    locked.damaged = true;
    report_.damaged.push_back(
        {FindingKind::kRecordDamaged, row.id, row.at.pack, row.at.offset, error.message});
  }

  Status ensure_writer() {
    if (writer_) return {};
    ASSIGN_OR_RETURN(writer_, PackWriter::begin(core_, PackWriter::Choice::kNew));
    return {};
  }

  Status commit_group_if_large() {
    const bool full = writer_->is_full();
    const bool large =
        rows_.size() >= kGroupObjects || writer_->end() - writer_->group_start() >= kGroupBytes;
    if (!full && !large) return {};
    RETURN_IF_ERROR(commit_group());
    if (full) writer_.reset();
    return {};
  }

  Status commit_group() {
    if (rows_.empty()) return {};
    RETURN_IF_ERROR(writer_->sync());
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
    RETURN_IF_ERROR(writer_->move_rows(*transaction, rows_, from_));
    const std::uint64_t written = writer_->end() - writer_->group_start();
    RETURN_IF_ERROR(writer_->commit(*transaction));
    report_.objects += rows_.size();
    report_.bytes_after += written;
    rows_.clear();
    from_.clear();
    return {};
  }

  Status finish_pack(const LockedPack& locked) {
    if (locked.damaged) {
      report_.packs_damaged.push_back(locked.pack);
      return {};
    }
    RETURN_IF_ERROR(retire_pack(core_, locked.pack));
    report_.packs_rewritten.push_back(locked.pack);
    report_.bytes_before += locked.file_bytes;
    return {};
  }

  void report_progress() const {
    if (!options_.control.on_progress) return;
    const std::uint64_t pending = writer_ ? writer_->end() - writer_->group_start() : 0;
    options_.control.on_progress(
        {"repack", report_.bytes_after + pending, bytes_total_, ProgressUnit::kBytes});
  }

  StoreCore& core_;
  const RepackOptions& options_;
  std::unique_ptr<PackWriter> writer_;
  RecordSlice slice_;
  std::vector<index::ObjectRow> rows_;  // Of the group: the new places,
  std::vector<index::Location> from_;   // and the old ones.
  std::uint64_t bytes_total_ = 0;
  RepackReport report_;
};

}  // namespace

Result<RepackReport> repack(StoreCore& core, const RepackOptions& options) {
  return Repacker(core, options).run();
}

Status retire_pack(StoreCore& core, std::uint64_t pack) {
  {
    ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kDurable));
    ASSIGN_OR_RETURN(const auto known, transaction->find_pack(pack));
    index::PackRow row = known.value_or(index::PackRow{.pack = pack});
    row.state = index::PackState::kRetired;
    RETURN_IF_ERROR(transaction->put_pack(row));
    RETURN_IF_ERROR(transaction->commit());
  }
  core.packs.forget(pack);
  Status removed = core.packs.directory().remove_file(pack_file_name(pack));
  if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  // The file is durably gone before the row that keeps it from being taken in again.
  RETURN_IF_ERROR(core.packs.directory().sync());
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kLazy));
  RETURN_IF_ERROR(transaction->erase_pack(pack));
  return transaction->commit();
}

}  // namespace packstore::store
