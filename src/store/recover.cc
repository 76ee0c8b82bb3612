// 1. Find out which store this is: FORMAT says it, or the headers of the packs do, and then FORMAT
//    is written anew. Make the directories that a copy may have left out.
// 2. Lock maintenance, ask every pack for a writer, lock sessions: nobody writes from here on.
// 3. Take the refs from the old index, as far as it can be read.
// 4. Build the new index in sandbox/recover: scan every pack from front to back, past damage, read
//    each record through and enter its row. Of several copies of an object the first good one gets
//    the row, the others count as dead, as every whole record without a row does.
// 5. Hash the loose objects; put back the refs whose targets are there; reserve pack numbers.
// 6. If refs are lost, some or all, look in all content for objects that may have been their
// targets.
// 7. Replace the old index. A crash leaves one or the other in place, or the new one waiting beside
//    none; then the next recovery puts it in place before step 3.
#include "store/recover.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "hash/sha256.h"
#include "index/write_turn.h"
#include "io/lock.h"
#include "store/candidate_heads.h"
#include "store/lookup.h"
#include "store/progress_meter.h"
#include "store/read.h"
#include "store/recover_layout.h"
#include "store/recover_packs.h"
#include "store/ref_moves.h"
#include "store/references.h"
#include "store/replace_index.h"
#include "store/scratch_directory.h"
#include "store/sessions.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr std::string_view kOperation = "recover";
// Long content is data. What names other objects, a list or a tree, is far shorter.
constexpr std::uint64_t kReferrerBytesMax = 64 << 20;
constexpr std::size_t kPageRows = 1 << 14;
constexpr std::size_t kOpenPacksMax = 64;
constexpr std::size_t kBufferSize = 256 << 10;

class Recovery {
 public:
  Recovery(io::FileSystem& files, StoreLayout& layout, const RecoverOptions& options)
      : files_(files),
        layout_(layout),
        options_(options),
        meter_(options.control, kOperation),
        loose_(std::move(layout.loose)) {}

  Result<RecoveryReport> run();

 private:
  Status salvage();
  Status open_new_index(const io::Directory& scratch);
  Status hash_loose();
  Status hash_loose_object(const ObjectId& id, std::uint64_t size);
  Result<ObjectId> hash_content(const io::File& file);
  Status put_back_refs(index::WriteTransaction& transaction);
  Result<bool> contains(const ObjectId& id) const;

  Status find_heads();
  using IdVisitor = std::function<Status(const ObjectId&)>;
  Status for_each_id(const IdVisitor& visit) const;
  Status read_packed(CandidateHeads& heads);
  Status read_loose(CandidateHeads& heads);

  Status close_new_index(const io::Directory& scratch);
  void report_loose(FindingKind kind, std::optional<ObjectId> id, std::string message);

  io::FileSystem& files_;
  StoreLayout& layout_;
  const RecoverOptions& options_;
  ProgressMeter meter_;
  LooseObjects loose_;
  std::set<ObjectId> damaged_loose_;
  index::SalvagedRefs salvaged_;
  std::unique_ptr<index::Index> index_;
  RecoveryReport report_;
};

Result<RecoveryReport> Recovery::run() {
  RETURN_IF_ERROR(finish_index_replacement(*layout_.root));
  RETURN_IF_ERROR(salvage());
  ASSIGN_OR_RETURN(ScratchDirectory scratch,
                   ScratchDirectory::reopen(*layout_.sandbox, kOperation));
  RETURN_IF_ERROR(open_new_index(scratch.directory()));
  PackRecovery packs(layout_, *index_, meter_, report_);
  RETURN_IF_ERROR(packs.enter_objects());
  RETURN_IF_ERROR(hash_loose());

  ASSIGN_OR_RETURN(auto transaction, index_->begin_write(index::CommitSync::kDurable));
  RETURN_IF_ERROR(packs.put_pack_rows(*transaction));
  RETURN_IF_ERROR(put_back_refs(*transaction));
  RETURN_IF_ERROR(transaction->commit());
  transaction.reset();

  if (report_.refs_lost && options_.find_candidate_heads) RETURN_IF_ERROR(find_heads());
  RETURN_IF_ERROR(close_new_index(scratch.directory()));
  ASSIGN_OR_RETURN(report_.old_index, replace_index(*layout_.root, scratch.directory()));
  RETURN_IF_ERROR(scratch.remove());
  meter_.show();
  return std::move(report_);
}

Status Recovery::salvage() {
  const auto info = layout_.root->stat_file(index::kIndexFile);
  // Something that is no file: nothing is read from it, and it goes aside as an old index does.
  const bool is_planted = !info && info.error().code == ErrorCode::kCorrupt;
  if (!info && !is_planted) return info.error();
  using Extent = index::SalvagedRefs::Extent;
  if (info && *info) salvaged_ = index::salvage_refs(files_, *layout_.root);
  report_.refs_lost = salvaged_.extent != Extent::kAll;
  if (salvaged_.extent != Extent::kSome) return {};
  Finding finding;
  finding.kind = FindingKind::kIndexDamaged;
  finding.message =
      fmt::format("{}/{}: {} refs can be read, others cannot, or not what kind their targets are",
                  layout_.root->path(), index::kIndexFile, salvaged_.refs.size());
  report_.findings.push_back(std::move(finding));
  return {};
}

Status Recovery::open_new_index(const io::Directory& scratch) {
  // What an interrupted recovery left there is begun anew.
  ASSIGN_OR_RETURN(const auto names, io::list_names(scratch, io::EntryKind::kFile));
  for (const std::string& name : names) RETURN_IF_ERROR(scratch.remove_file(name));
  const std::string uuid = to_text(layout_.uuid);
  RETURN_IF_ERROR(index::Index::create(files_, scratch, uuid, layout_.reference_counts));
  ASSIGN_OR_RETURN(index_, index::Index::open(files_, scratch, scratch, uuid));
  return {};
}

Status Recovery::hash_loose() {
  return loose_.for_each(
      [this](const ObjectId& id, std::uint64_t size) { return hash_loose_object(id, size); },
      [this](const std::string& path) -> Status {
        report_loose(FindingKind::kLooseMisplaced, std::nullopt,
                     fmt::format("loose/{}: not the place of an object", path));
        return {};
      });
}

Status Recovery::hash_loose_object(const ObjectId& id, std::uint64_t size) {
  meter_.expect(size);
  ASSIGN_OR_RETURN(const auto file, loose_.find(id));
  if (!file) return {};
  const Result<ObjectId> actual = hash_content(**file);
  if (!actual && actual.error().code != ErrorCode::kIo) return actual.error();
  if (actual && *actual == id) {
    ++report_.loose_objects;
    return {};
  }
  damaged_loose_.insert(id);
  report_loose(FindingKind::kContentMismatch, id,
               actual
                   ? fmt::format("{}: the content hashes to {}", (*file)->path(), actual->to_hex())
                   : actual.error().message);
  return {};
}

Result<ObjectId> Recovery::hash_content(const io::File& file) {
  hash::Sha256 hasher;
  Bytes buffer(kBufferSize);
  for (std::uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const std::size_t count, file.read_at(offset, std::span<std::byte>(buffer)));
    if (count == 0) return hasher.finish();
    hasher.update(ByteView(buffer).first(count));
    offset += count;
    RETURN_IF_ERROR(meter_.advance(count));
  }
}

// Whether a good copy of the object is there.
Result<bool> Recovery::contains(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const auto packed, index_->find(id));
  if (packed) return true;
  ASSIGN_OR_RETURN(const auto loose_size, loose_.find_size(id));
  return loose_size.has_value() && !damaged_loose_.contains(id);
}

Status Recovery::put_back_refs(index::WriteTransaction& transaction) {
  for (const Ref& ref : salvaged_.refs) {
    ASSIGN_OR_RETURN(const bool is_there, contains(ref.id));
    // What comes from a damaged index is checked like what comes from a caller.
    if (!is_there || !check_ref_name(ref.name)) {
      report_.refs_dropped.push_back(ref);
      continue;
    }
    RETURN_IF_ERROR(transaction.put_ref(ref.name, {.id = ref.id, .kind = ref.kind}));
    report_.refs_kept.push_back(ref);
  }
  return recount_later(transaction, report_.refs_kept);
}

Status Recovery::find_heads() {
  CandidateHeads heads(static_cast<std::size_t>(report_.packed_objects + report_.loose_objects),
                       [this](const ObjectId& id) { return contains(id); });
  RETURN_IF_ERROR(for_each_id([&](const ObjectId& id) -> Status {
    heads.add(id);
    return {};
  }));
  RETURN_IF_ERROR(read_packed(heads));
  RETURN_IF_ERROR(read_loose(heads));
  std::set<ObjectId> found;  // An object may be both packed and loose.
  RETURN_IF_ERROR(for_each_id([&](const ObjectId& id) -> Status {
    if (heads.is_head(id)) found.insert(id);
    return {};
  }));
  report_.candidate_heads.assign(found.begin(), found.end());
  return {};
}

// Every good object, once for each of its kinds of copy.
Status Recovery::for_each_id(const IdVisitor& visit) const {
  std::optional<ObjectId> last;
  while (true) {
    ASSIGN_OR_RETURN(const auto rows, index_->page(last, kPageRows));
    for (const index::ObjectRow& row : rows) RETURN_IF_ERROR(visit(row.id));
    if (rows.size() < kPageRows) break;
    last = rows.back().id;
  }
  return loose_.for_each([&](const ObjectId& id, std::uint64_t) {
    return damaged_loose_.contains(id) ? Status() : visit(id);
  });
}

Status Recovery::read_packed(CandidateHeads& heads) {
  ASSIGN_OR_RETURN(auto directory, layout_.root->open_directory(kPacksDirectory));
  const PackFiles packs(std::move(directory), layout_.uuid, kOpenPacksMax);
  ASSIGN_OR_RETURN(const auto rows, index_->rows_in_pack_order(std::nullopt));
  while (true) {
    ASSIGN_OR_RETURN(const auto row, rows->next());
    if (!row) return {};
    RETURN_IF_ERROR(index::check(*row));
    if (row->at.size > kReferrerBytesMax) continue;
    FoundObject found{.pack = nullptr, .loose = nullptr, .row = *row};
    ASSIGN_OR_RETURN(found.pack, packs.open(row->at.pack));
    ASSIGN_OR_RETURN(const Bytes content, read_content(found, Verify::kNone));
    RETURN_IF_ERROR(heads.read(row->id, content));
    meter_.expect(row->at.stored_size);
    RETURN_IF_ERROR(meter_.advance(row->at.stored_size));
  }
}

Status Recovery::read_loose(CandidateHeads& heads) {
  return loose_.for_each([&](const ObjectId& id, std::uint64_t size) -> Status {
    if (size > kReferrerBytesMax || damaged_loose_.contains(id)) return {};
    ASSIGN_OR_RETURN(auto file, loose_.find(id));
    if (!file) return {};
    const FoundObject found{.loose = std::move(*file),
                            .row = {id, {.stored_size = size, .size = size}}};
    ASSIGN_OR_RETURN(const Bytes content, read_content(found, Verify::kNone));
    RETURN_IF_ERROR(heads.read(id, content));
    meter_.expect(size);
    return meter_.advance(size);
  });
}

// Leaves the new index as one file.
Status Recovery::close_new_index(const io::Directory& scratch) {
  RETURN_IF_ERROR(index_->checkpoint());
  index_.reset();
  const std::string log_name = fmt::format("{}-wal", index::kIndexFile);
  ASSIGN_OR_RETURN(const auto log, scratch.stat_file(log_name));
  if (!log || log->size == 0) return {};
  return fail(ErrorCode::kIo, "{}/{}: {} bytes are left after a checkpoint", scratch.path(),
              log_name, log->size);
}

void Recovery::report_loose(FindingKind kind, std::optional<ObjectId> id, std::string message) {
  Finding finding;
  finding.kind = kind;
  finding.object = id;
  finding.message = std::move(message);
  report_.findings.push_back(std::move(finding));
}

}  // namespace

Result<RecoveryReport> recover(io::FileSystem& files, const std::filesystem::path& path,
                               const RecoverOptions& options) {
  ASSIGN_OR_RETURN(StoreLayout layout, open_incomplete_layout(files, path));
  constexpr std::chrono::milliseconds kNoWait{0};
  ASSIGN_OR_RETURN(const io::HeldLock maintenance,
                   io::HeldLock::take(*layout.locks, kMaintenanceLock, io::LockKind::kExclusive,
                                      kNoWait, kOperation));
  RETURN_IF_ERROR(check_no_writer(*layout.packs));
  ASSIGN_OR_RETURN(const io::HeldLock sessions,
                   hold_off_sessions(*layout.locks, kNoWait, kOperation));
  // Nobody commits to the old index what the new one would not have.
  index::WriteGate gate;
  ASSIGN_OR_RETURN(const auto turn,
                   index::WriteTurn::take(gate, *layout.locks, kOperation, kNoWait));
  return Recovery(files, layout, options).run();
}

}  // namespace packstore::store
