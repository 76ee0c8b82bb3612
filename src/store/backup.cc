// A backup is a snapshot of refs, loose objects and index, taken in this order beside writers and
// maintenance. Why nothing that was visible at the beginning is missing:
//
// 1. Refs are listed first, so their targets, and what those name, were put before step 2. They are
//    pinned in the same moment, so no collection takes what they reach while the backup goes on.
// 2. Loose objects are copied, except those that a removal has given up already. One that vanishes
//    before it is copied was removed, or packed: then its row was committed before its file went,
//    so step 4 sees the row. One that is still there is copied, whatever becomes of it later. Each
//    copy is hashed; one that is damaged in the source replaces no good one.
// 3. Every pack gets a second name in a locked directory of the source's sandbox. What has such a
//    name keeps its bytes, for indexed bytes of packs never change, whoever unlinks the first name.
// 4. The index is copied to the destination's sandbox; that copy says which bytes of which packs
//    the backup consists of. Packs that it names and step 3 missed get their second name now. One
//    that is gone was rewritten in the moment between: steps 1 to 4 are done again, the last time
//    under the source's maintenance lock, and so they are when the target of a ref went.
// 5. The copy gets the refs of step 1. Packs are copied, up to the length that it says, into the
//    destination's sandbox, unless destination, sandbox or previous backup have them.
// 6. The switch. New packs are entered in the old index as retired, so that a crash leaves garbage
//    and nothing that anybody appends to. Packs are renamed into place (one that had been copied
//    shorter is replaced by one that begins with the same bytes, so the old index stays right), and
//    the copied index replaces the old one in one durable transaction.
// 7. Packs and loose objects of the destination that the new index and step 2 do not know go.
#include "store/backup.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/atomic_publish.h"
#include "io/lock.h"
#include "store/backup_packs.h"
#include "store/hash_file.h"
#include "store/pins.h"
#include "store/progress_meter.h"
#include "store/references.h"
#include "store/scratch_directory.h"
#include "store/sessions.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr std::string_view kPhase = "backup";
// The directory in the destination's sandbox.
constexpr std::string_view kStagingName = "backup";
constexpr int kSnapshotAttempts = 4;
// For the last attempt. Maintenance that gets in the way of so many snapshots is of the short kind.
constexpr auto kSourceLockWait = std::chrono::minutes(1);
// One call to copy: a stop is noticed after a fraction of a second.
constexpr std::uint64_t kCopyStepBytes = 64 << 20;

Result<StoreLayout> open_destination(const StoreCore& core,
                                     const std::filesystem::path& destination) {
  Result<StoreLayout> opened = open_layout(core.files, destination);
  if (!opened) {
    const ErrorCode code = opened.error().code;
    if (code != ErrorCode::kNotFound && code != ErrorCode::kInvalidArgument) return opened;
    RETURN_IF_ERROR(create_layout(
        core.files, destination, Permissions::kPrivate,
        {.store = core.uuid,
         .counts_references = core.index->reference_counts() == ReferenceCounts::kExact},
        Purpose::kBackup));
    opened = open_layout(core.files, destination);
    if (!opened) return opened;
  }
  if (opened->uuid != core.uuid) {
    return fail(ErrorCode::kConflict, "{}: is store {}, not a backup of {}", opened->root->path(),
                to_text(opened->uuid), to_text(core.uuid));
  }
  if (opened->root->path() == core.root->path()) {
    return fail(ErrorCode::kInvalidArgument, "{}: a store cannot be its own backup",
                core.root->path());
  }
  return opened;
}

Result<std::optional<StoreLayout>> open_previous(const StoreCore& core,
                                                 const BackupOptions& options) {
  if (!options.previous) return std::optional<StoreLayout>();
  ASSIGN_OR_RETURN(StoreLayout opened, open_layout(core.files, *options.previous));
  if (opened.uuid != core.uuid) {
    return fail(ErrorCode::kConflict, "{}: is store {}, not a backup of {}", opened.root->path(),
                to_text(opened.uuid), to_text(core.uuid));
  }
  // The packs of the source still grow: sharing them would let them grow in the backup.
  if (opened.root->path() == core.root->path()) {
    return fail(ErrorCode::kInvalidArgument, "{}: a store is not its own previous backup",
                core.root->path());
  }
  return std::optional(std::move(opened));
}

// True where no object can be: the pack is about to go, or has had no commit yet.
bool holds_nothing(const index::PackRow& row) {
  return row.state == index::PackState::kRetired || row.indexed_bytes <= format::PackHeader::kSize;
}

// False also where the file cannot be read.
bool is_copy_of(const ObjectId& id, const io::File& file) {
  const Result<ObjectId> actual = hash_file(file);
  return actual && *actual == id;
}

class Backup {
 public:
  static Result<BackupReport> run(const StoreCore& core, StoreLayout& target,
                                  const StoreLayout* previous, const RunControl& control) {
    ASSIGN_OR_RETURN(auto source_sandbox_directory, core.root->open_directory(kSandboxDirectory));
    Sandbox source_sandbox(std::move(source_sandbox_directory));
    ASSIGN_OR_RETURN(ScratchDirectory pins, ScratchDirectory::create(source_sandbox, kPhase));
    Sandbox target_sandbox(std::move(target.sandbox));
    ASSIGN_OR_RETURN(ScratchDirectory staging,
                     ScratchDirectory::reopen(target_sandbox.directory(), kStagingName));
    // Packs that were copied stay for the next attempt when this one fails.
    staging.keep();
    ASSIGN_OR_RETURN(PinFile roots, PinFile::create(source_sandbox));
    Backup backup(core, target, target_sandbox, previous, control, roots, pins.directory(),
                  staging.directory());
    RETURN_IF_ERROR(backup.take_snapshot());
    RETURN_IF_ERROR(backup.collect_packs());
    RETURN_IF_ERROR(backup.switch_over());
    RETURN_IF_ERROR(backup.remove_superseded());
    backup.snapshot_.reset();
    RETURN_IF_ERROR(staging.remove());
    // What earlier attempts left that were cut off.
    RETURN_IF_ERROR(target_sandbox.remove_leftovers());
    return backup.report_;
  }

 private:
  Backup(const StoreCore& core, StoreLayout& target, Sandbox& target_sandbox,
         const StoreLayout* previous, const RunControl& control, PinFile& roots,
         const io::Directory& pins, const io::Directory& staging)
      : core_(core),
        target_(target),
        previous_(previous),
        meter_(control, kPhase),
        roots_(roots),
        pins_(pins),
        staging_(staging),
        target_sandbox_(target_sandbox),
        target_loose_(std::move(target.loose)) {}

  Status take_snapshot();
  Result<bool> try_snapshot();
  Status pin_refs();
  Status copy_loose();
  Status copy_loose_object(const ObjectId& id, std::uint64_t size);
  Result<SandboxFile> copy_to_sandbox(const io::File& from);
  Status adopt_copy(SandboxFile copy, const ObjectId& id);
  Result<bool> keep_good_copy(const ObjectId& id);
  void report_damaged(const ObjectId& id, std::string_view path);
  Result<bool> link_loose_object(const ObjectId& id, std::uint64_t size);
  Status sync_shards();
  Status copy_index();
  Result<bool> pin_packs(const index::Index& wanted);
  Result<bool> pin(const index::PackRow& row);
  Result<bool> has_targets_of_refs() const;
  Status settle_snapshot();
  Status settle_refs(index::WriteTransaction& transaction);
  bool has_loose(const ObjectId& id) const {
    return std::binary_search(loose_.begin(), loose_.end(), id);
  }
  const io::Directory& source_packs() const { return can_pin_ ? pins_ : core_.packs.directory(); }

  Status collect_packs();
  Status collect_pack(const index::PackRow& row);
  Result<bool> reuse_pack(const std::string& name, const PackSource& wanted);
  Status copy_pack(const io::File& source, const std::string& name, std::uint64_t size);

  Status switch_over();
  Status announce_packs();
  Status remove_superseded();

  const StoreCore& core_;
  StoreLayout& target_;
  const StoreLayout* previous_;
  ProgressMeter meter_;
  PinFile& roots_;
  const io::Directory& pins_;
  const io::Directory& staging_;
  Sandbox& target_sandbox_;
  LooseObjects target_loose_;

  std::optional<io::HeldLock> source_lock_;
  bool can_pin_ = true;  // False where the source has no hard links: then it stays locked.
  std::set<std::uint64_t> pinned_;
  std::vector<Ref> refs_;
  std::vector<ObjectId> loose_;  // Ascending.
  std::set<std::string> unsynced_shards_;
  std::unique_ptr<index::Index> snapshot_;
  std::vector<std::string> staged_packs_;
  BackupReport report_;
};

Status Backup::take_snapshot() {
  for (int attempt = 1;; ++attempt) {
    if (attempt == kSnapshotAttempts || !can_pin_) {
      ASSIGN_OR_RETURN(source_lock_,
                       io::HeldLock::take(*core_.locks, kMaintenanceLock, io::LockKind::kExclusive,
                                          kSourceLockWait, "backup"));
    }
    ASSIGN_OR_RETURN(const bool settled, try_snapshot());
    if (!settled) continue;
    if (can_pin_) source_lock_.reset();
    return settle_snapshot();
  }
}

// False: maintenance came between.
Result<bool> Backup::try_snapshot() {
  RETURN_IF_ERROR(pin_refs());
  RETURN_IF_ERROR(copy_loose());
  // What is missing here is not missing yet: only the copy of the index says what is needed.
  RETURN_IF_ERROR(pin_packs(*core_.index));
  RETURN_IF_ERROR(copy_index());
  ASSIGN_OR_RETURN(const bool pinned, pin_packs(*snapshot_));
  if (!can_pin_ && !source_lock_) return false;
  ASSIGN_OR_RETURN(const bool has_targets, has_targets_of_refs());
  if (pinned && has_targets) return true;
  if (!source_lock_) return false;
  if (!pinned) {
    return fail(ErrorCode::kCorrupt, "{}: a pack that the index names is missing; repair first",
                core_.packs.directory().path());
  }
  return true;  // A ref that is broken in the source is broken in the backup.
}

// From the moment of which the refs are, no collection takes what they reach.
Status Backup::pin_refs() {
  ASSIGN_OR_RETURN(const io::HeldLock session, begin_session(*core_.locks, "backup"));
  ASSIGN_OR_RETURN(refs_, core_.index->list_refs(""));
  std::vector<Link> targets;
  for (const Ref& ref : refs_) targets.push_back({ref.id, ref.kind});
  return roots_.add(targets);
}

Status Backup::copy_loose() {
  loose_.clear();
  ASSIGN_OR_RETURN(const std::vector<ObjectId> given_up, core_.index->pending_unlinks());
  const auto take = [&](const ObjectId& id, std::uint64_t size) -> Status {
    if (std::binary_search(given_up.begin(), given_up.end(), id)) return {};
    ASSIGN_OR_RETURN(const auto there, target_loose_.find_size(id));
    if (there == size) {
      loose_.push_back(id);
      // An attempt that was cut off, or whose sync failed, may have left the name.
      unsynced_shards_.insert(shard_name(id));
    } else {
      RETURN_IF_ERROR(copy_loose_object(id, size));
    }
    meter_.expect(size);
    return meter_.advance(size);
  };
  RETURN_IF_ERROR(core_.loose.for_each(take));
  return sync_shards();
}

Status Backup::copy_loose_object(const ObjectId& id, std::uint64_t size) {
  ASSIGN_OR_RETURN(const bool linked, link_loose_object(id, size));
  if (linked) return {};
  ASSIGN_OR_RETURN(const auto from, core_.loose.find(id));
  if (!from) return {};  // Packed or removed meanwhile.
  ASSIGN_OR_RETURN(SandboxFile to, copy_to_sandbox(**from));
  if (!is_copy_of(id, to.file())) {
    report_damaged(id, (*from)->path());
    ASSIGN_OR_RETURN(const bool kept, keep_good_copy(id));
    // Where there is none, what the store has is better than nothing.
    if (kept) return {};
  }
  return adopt_copy(std::move(to), id);
}

Result<SandboxFile> Backup::copy_to_sandbox(const io::File& from) {
  ASSIGN_OR_RETURN(const io::FileInfo info, from.info());
  ASSIGN_OR_RETURN(SandboxFile to, target_sandbox_.create());
  RETURN_IF_ERROR(io::copy_range(from, 0, to.file(), 0, info.size));
  return to;
}

Status Backup::adopt_copy(SandboxFile copy, const ObjectId& id) {
  ASSIGN_OR_RETURN(const io::FileInfo info, copy.file().info());
  RETURN_IF_ERROR(target_loose_.adopt(std::move(copy), id));
  loose_.push_back(id);
  ++report_.loose_copied;
  report_.bytes_copied += info.size;
  return {};
}

// Of an object that is damaged in the store: leaves the copy of the destination, or takes that of
// the previous backup. False: neither has a good one.
Result<bool> Backup::keep_good_copy(const ObjectId& id) {
  ASSIGN_OR_RETURN(const auto present, target_loose_.find(id));
  if (present && is_copy_of(id, **present)) {
    unsynced_shards_.insert(shard_name(id));
    loose_.push_back(id);
    return true;
  }
  if (previous_ == nullptr) return false;
  ASSIGN_OR_RETURN(const auto earlier, previous_->loose->find_file_below(
                                           shard_name(id), name_in_shard(id), io::OpenMode::kRead));
  if (!earlier || !is_copy_of(id, **earlier)) return false;
  ASSIGN_OR_RETURN(const io::FileInfo info, (*earlier)->info());
  ASSIGN_OR_RETURN(const bool linked, link_loose_object(id, info.size));
  if (linked) return true;
  ASSIGN_OR_RETURN(SandboxFile to, copy_to_sandbox(**earlier));
  RETURN_IF_ERROR(adopt_copy(std::move(to), id));
  return true;
}

// Once, however often the snapshot is taken.
void Backup::report_damaged(const ObjectId& id, std::string_view path) {
  const auto is_about_it = [&](const Finding& finding) { return finding.object == id; };
  if (std::ranges::any_of(report_.damaged, is_about_it)) return;
  Finding finding;
  finding.kind = FindingKind::kContentMismatch;
  finding.object = id;
  finding.message = fmt::format("{}: the content does not hash to its name", path);
  report_.damaged.push_back(std::move(finding));
}

// False: the previous backup does not have it, or the name is taken, or there are no links here.
Result<bool> Backup::link_loose_object(const ObjectId& id, std::uint64_t size) {
  if (previous_ == nullptr) return false;
  const std::string shard = shard_name(id);
  const std::string name = name_in_shard(id);
  ASSIGN_OR_RETURN(const auto from, previous_->loose->find_directory(shard));
  if (!from) return false;
  ASSIGN_OR_RETURN(const auto info, (*from)->stat_file(name));
  if (!info || info->size != size) return false;
  const Status made = target_loose_.directory().create_directory(shard);
  if (!made && made.error().code != ErrorCode::kConflict) return made.error();
  ASSIGN_OR_RETURN(const auto to, target_loose_.directory().open_directory(shard));
  if (!(*from)->link(name, *to, name)) return false;
  unsynced_shards_.insert(shard);
  loose_.push_back(id);
  return true;
}

// The content of what was linked, or was there, is durable already; the names may not be.
Status Backup::sync_shards() {
  if (unsynced_shards_.empty()) return {};
  for (const std::string& shard : unsynced_shards_) {
    ASSIGN_OR_RETURN(const auto directory, target_loose_.directory().open_directory(shard));
    RETURN_IF_ERROR(directory->sync());
  }
  unsynced_shards_.clear();
  return target_loose_.directory().sync();
}

Status Backup::copy_index() {
  snapshot_.reset();
  // What an earlier attempt left is out of date; packs are not.
  ASSIGN_OR_RETURN(const auto names, io::list_names(staging_, io::EntryKind::kFile));
  for (const std::string& name : names) {
    if (!parse_pack_file_name(name)) RETURN_IF_ERROR(staging_.remove_file(name));
  }
  RETURN_IF_ERROR(core_.index->copy_to(staging_, staging_));
  ASSIGN_OR_RETURN(snapshot_,
                   index::Index::open(core_.files, staging_, staging_, to_text(core_.uuid)));
  return {};
}

// False: a pack that `wanted` names is gone.
Result<bool> Backup::pin_packs(const index::Index& wanted) {
  bool all = true;
  ASSIGN_OR_RETURN(const auto rows, wanted.packs());
  for (const index::PackRow& row : rows) {
    if (holds_nothing(row) || pinned_.contains(row.pack)) continue;
    ASSIGN_OR_RETURN(const bool pinned, pin(row));
    all = all && pinned;
  }
  return all;
}

Result<bool> Backup::pin(const index::PackRow& row) {
  const io::Directory& packs = core_.packs.directory();
  const std::string name = pack_file_name(row.pack);
  if (can_pin_) {
    const Status linked = packs.link(name, pins_, name);
    if (linked) {
      pinned_.insert(row.pack);
      return true;
    }
    if (linked.error().code == ErrorCode::kNotFound) return false;
    if (linked.error().code != ErrorCode::kUnsupported) return linked.error();
    can_pin_ = false;
  }
  ASSIGN_OR_RETURN(const auto info, packs.stat_file(name));
  return info.has_value();
}

Result<bool> Backup::has_targets_of_refs() const {
  for (const Ref& ref : refs_) {
    if (has_loose(ref.id)) continue;
    ASSIGN_OR_RETURN(const auto row, snapshot_->find(ref.id));
    if (!row) return false;
  }
  return true;
}

// Makes the copied index say what the backup holds.
Status Backup::settle_snapshot() {
  const std::uint64_t copied = std::min<std::uint64_t>(report_.loose_copied, loose_.size());
  report_.loose_reused = loose_.size() - copied;
  ASSIGN_OR_RETURN(const auto rows, snapshot_->packs());
  ASSIGN_OR_RETURN(const auto given_up, snapshot_->pending_unlinks());
  ASSIGN_OR_RETURN(auto transaction, snapshot_->begin_write(index::CommitSync::kLazy));
  RETURN_IF_ERROR(settle_refs(*transaction));
  for (const index::PackRow& row : rows) {
    if (holds_nothing(row)) RETURN_IF_ERROR(transaction->erase_pack(row.pack));
  }
  // What step 2 left out is not in the backup, and what it copied shall stay.
  for (const ObjectId& id : given_up) RETURN_IF_ERROR(transaction->erase_pending_unlink(id));
  return transaction->commit();
}

Status Backup::settle_refs(index::WriteTransaction& transaction) {
  ASSIGN_OR_RETURN(const std::vector<Ref> later, snapshot_->list_refs(""));
  std::map<std::string_view, Link> wanted;
  for (const Ref& ref : refs_) wanted.emplace(ref.name, Link{ref.id, ref.kind});
  for (const Ref& ref : later) {
    const auto same = wanted.find(ref.name);
    if (same == wanted.end()) RETURN_IF_ERROR(transaction.erase_ref(ref.name));
    // An unmoved ref keeps the time of its last move.
    if (same != wanted.end() && same->second == Link{ref.id, ref.kind}) wanted.erase(same);
  }
  for (const auto& [name, target] : wanted) RETURN_IF_ERROR(transaction.put_ref(name, target));
  // Counts are those of the later refs, and whether what is being released was copied is not known.
  return recount_later(transaction, refs_);
}

Status Backup::collect_packs() {
  ASSIGN_OR_RETURN(const auto rows, snapshot_->packs());
  for (const index::PackRow& row : rows) meter_.expect(row.indexed_bytes);
  meter_.show();
  for (const index::PackRow& row : rows) RETURN_IF_ERROR(collect_pack(row));
  meter_.show();
  return {};
}

// Puts the pack, as long as the row says, into the destination or its sandbox.
Status Backup::collect_pack(const index::PackRow& row) {
  const std::string name = pack_file_name(row.pack);
  ASSIGN_OR_RETURN(const auto source, source_packs().open_file(name, io::OpenMode::kRead));
  RETURN_IF_ERROR(check_pack_header(*source, core_.uuid, row.pack));
  const PackSource wanted{
      .file = *source, .place = {core_.uuid, row.pack, 0}, .size = row.indexed_bytes};

  ASSIGN_OR_RETURN(const PackLikeness present, compare_pack(*target_.packs, name, wanted));
  if (present == PackLikeness::kSame) {
    ++report_.packs_reused;
    return meter_.advance(wanted.size);
  }
  // Replacing it would leave the old index without the records that it names, until the switch.
  if (present == PackLikeness::kOther) {
    return fail(ErrorCode::kConflict,
                "{}/{}: not an earlier state of the pack of that number in {}; back up into an "
                "empty directory",
                target_.packs->path(), name, core_.packs.directory().path());
  }
  staged_packs_.push_back(name);
  ASSIGN_OR_RETURN(const bool reused, reuse_pack(name, wanted));
  if (reused) {
    ++report_.packs_reused;
    return meter_.advance(wanted.size);
  }
  return copy_pack(*source, name, wanted.size);
}

// True when the pack is in the destination's sandbox now: left there by an interrupted backup, or
// shared with the previous one.
Result<bool> Backup::reuse_pack(const std::string& name, const PackSource& wanted) {
  ASSIGN_OR_RETURN(const PackLikeness staged, compare_pack(staging_, name, wanted));
  if (staged == PackLikeness::kSame) return true;
  if (staged != PackLikeness::kAbsent) RETURN_IF_ERROR(staging_.remove_file(name));
  if (previous_ == nullptr) return false;
  ASSIGN_OR_RETURN(const PackLikeness previous, compare_pack(*previous_->packs, name, wanted));
  return previous == PackLikeness::kSame &&
         previous_->packs->link(name, staging_, name).has_value();
}

Status Backup::copy_pack(const io::File& source, const std::string& name, std::uint64_t size) {
  const std::string unfinished = name + ".unfinished";
  ASSIGN_OR_RETURN(const auto file, staging_.create_file(unfinished));
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t step = std::min(kCopyStepBytes, size - done);
    RETURN_IF_ERROR(io::copy_range(source, done, *file, done, step));
    file->start_writeback(done, step);
    done += step;
    RETURN_IF_ERROR(meter_.advance(step));
  }
  RETURN_IF_ERROR(io::publish(*file, staging_, unfinished, staging_, name));
  ++report_.packs_copied;
  report_.bytes_copied += size;
  return {};
}

// From here on nothing asks whether to stop: the switch is short.
Status Backup::switch_over() {
  if (!staged_packs_.empty()) {
    RETURN_IF_ERROR(announce_packs());
    for (const std::string& name : staged_packs_) {
      RETURN_IF_ERROR(staging_.rename(name, *target_.packs, name));
    }
  }
  // Also for packs that an attempt before this one has moved there, if its sync failed.
  RETURN_IF_ERROR(target_.packs->sync());
  return snapshot_->copy_to(*target_.root, *target_.locks);
}

Status Backup::announce_packs() {
  ASSIGN_OR_RETURN(const auto old_index, index::Index::open(core_.files, *target_.root,
                                                            *target_.locks, to_text(core_.uuid)));
  ASSIGN_OR_RETURN(auto transaction, old_index->begin_write(index::CommitSync::kDurable));
  for (const std::string& name : staged_packs_) {
    const std::uint64_t pack = parse_pack_file_name(name).value_or(0);
    ASSIGN_OR_RETURN(const auto known, transaction->find_pack(pack));
    if (known) continue;
    RETURN_IF_ERROR(transaction->put_pack({.pack = pack,
                                           .state = index::PackState::kRetired,
                                           .indexed_bytes = format::PackHeader::kSize}));
  }
  return transaction->commit();
}

Status Backup::remove_superseded() {
  ASSIGN_OR_RETURN(const auto names, io::list_names(*target_.packs, io::EntryKind::kFile));
  bool removed = false;
  for (const std::string& name : names) {
    const auto pack = parse_pack_file_name(name);
    if (!pack) continue;
    ASSIGN_OR_RETURN(const auto row, snapshot_->find_pack(*pack));
    if (row) continue;
    RETURN_IF_ERROR(target_.packs->remove_file(name));
    removed = true;
  }
  if (removed) RETURN_IF_ERROR(target_.packs->sync());
  return target_loose_.for_each([&](const ObjectId& id, std::uint64_t) -> Status {
    if (has_loose(id)) return {};
    ASSIGN_OR_RETURN([[maybe_unused]] const bool was_there, target_loose_.remove(id));
    return {};
  });
}

}  // namespace

Result<BackupReport> backup(const StoreCore& core, const std::filesystem::path& destination,
                            const BackupOptions& options) {
  // The destination last: a call that is refused makes none.
  ASSIGN_OR_RETURN(std::optional<StoreLayout> previous, open_previous(core, options));
  ASSIGN_OR_RETURN(StoreLayout target, open_destination(core, destination));
  constexpr std::chrono::milliseconds kNoWait{0};
  constexpr std::string_view kOperation = "receiving a backup";
  ASSIGN_OR_RETURN(const auto lock,
                   io::HeldLock::take(*target.locks, kMaintenanceLock, io::LockKind::kExclusive,
                                      kNoWait, kOperation));
  ASSIGN_OR_RETURN(const auto sessions, hold_off_sessions(*target.locks, kNoWait, kOperation));
  // Who writes there first has to have a session to remove it.
  ASSIGN_OR_RETURN(const bool is_backup, is_marked_as_backup(*target.root));
  if (!is_backup) {
    return fail(ErrorCode::kConflict,
                "{}: somebody has written to this store, or it never was a backup; back up into an "
                "empty directory",
                target.root->path());
  }
  return Backup::run(core, target, previous ? &*previous : nullptr, options.control);
}

}  // namespace packstore::store
