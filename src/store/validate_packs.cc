// 1. All rows are walked in the order of packs and offsets, from one copy of the table. Each row is
//    checked by itself, against its neighbours and against the end of its file, and joins an
//    extent.
// 2. Other threads compare the extents with the files (validate_extent.h).
// 3. A pack that does not add up, or that was not what was expected, is a suspect. The walk's copy
//    of the rows may be older than the pack's entry, so nothing is reported yet: suspects are
//    looked at again, entry and rows of one moment (validate_account.h), and that is reported.
// 4. What lies behind the indexed part of a pack is looked at under the pack's lock; a pack that a
//    writer holds is left alone.
#include "store/validate_packs.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/error.h"
#include "store/pack_files.h"
#include "store/pack_scanner.h"
#include "store/store_core.h"
#include "store/validate_account.h"
#include "store/validate_extent.h"
#include "store/validate_jobs.h"

namespace packstore::store {
namespace {

using format::PackHeader;
using EmitExtent = std::function<Status(Extent)>;

struct PackNote {
  std::shared_ptr<GapTally> tally = std::make_shared<GapTally>();  // Shared with the extents.
  std::uint64_t dead_bytes = 0;                                    // By the pack's entry.
  bool walked = false;
  bool suspect = false;
  bool has_tail = false;
};
using PackNotes = std::map<std::uint64_t, PackNote>;

// Every pack that has a file, of whatever kind, or an entry in the index.
Result<PackNotes> list_packs(ValidateRun& run) {
  PackNotes notes;
  RETURN_IF_ERROR(run.core().packs.directory().list([&](const io::Entry& entry) -> Status {
    if (const auto pack = parse_pack_file_name(entry.name)) notes[*pack];
    return {};
  }));
  const auto rows = run.core().index->packs();
  if (!rows) {
    RETURN_IF_ERROR(run.report_index_error(rows.error()));
    return notes;
  }
  for (const index::PackRow& row : *rows) {
    notes[row.pack];
    run.expect(row.indexed_bytes - std::min<std::uint64_t>(row.indexed_bytes, PackHeader::kSize));
  }
  return notes;
}

// Finds rows of one pack that claim the same bytes.
class OverlapFinder {
 public:
  explicit OverlapFinder(ValidateRun& run) : run_(run) {}

  void add(const index::ObjectRow& row) {
    if (widest_ && row.at.offset < end_of(*widest_)) {
      if (!std::exchange(widest_reported_, true)) report(*widest_, row);
      report(row, *widest_);
      if (end_of(row) <= end_of(*widest_)) return;
      widest_ = row;
      return;
    }
    widest_ = row;
    widest_reported_ = false;
  }

 private:
  void report(const index::ObjectRow& row, const index::ObjectRow& other) {
    run_.report({.kind = FindingKind::kRowsOverlap,
                 .object = row.id,
                 .pack = row.at.pack,
                 .offset = row.at.offset,
                 .message = fmt::format(
                     "pack {} at {}: the index gives object {} the bytes to {}, and object {} "
                     "those from {} to {}",
                     row.at.pack, row.at.offset, row.id.to_hex(), end_of(row), other.id.to_hex(),
                     other.at.offset, end_of(other))});
  }

  ValidateRun& run_;
  std::optional<index::ObjectRow> widest_;  // Of the rows so far, the one that ends last.
  bool widest_reported_ = false;
};

// One pack of the walk: turns its rows into extents.
class PackWalk {
 public:
  PackWalk(ValidateRun& run, const EmitExtent& emit, PackNote& note, std::uint64_t pack)
      : run_(run),
        extent_bytes_max_(extent_bytes_max(run.threads())),
        emit_(emit),
        note_(note),
        pack_(pack),
        overlaps_(run) {}

  Status begin() {
    note_.walked = true;
    // Read after the rows, so it may be newer: then the pack is looked at again.
    const auto row = run_.core().index->find_pack(pack_);
    if (!row) RETURN_IF_ERROR(run_.report_index_error(row.error()));
    const bool known = row.has_value() && row->has_value();
    const bool retired = known && (*row)->state == index::PackState::kRetired;
    ASSIGN_OR_RETURN(opened_, open_any_pack(run_.core(), pack_));
    if (opened_.state != PackFileState::kAbsent) run_.count_packs(1);
    note_.dead_bytes = known ? (*row)->dead_bytes : 0;
    indexed_end_ = known ? (*row)->indexed_bytes : 0;
    note_.suspect = !known || retired || opened_.state != PackFileState::kSound ||
                    indexed_end_ > opened_.file_bytes;
    note_.has_tail = opened_.file && !retired && (!known || opened_.file_bytes > indexed_end_);
    return {};
  }

  Status add(const index::ObjectRow& row) {
    // One finding about the pack says it all.
    if (!opened_.file || opened_.state == PackFileState::kForeign) return {};
    if (!fits(row.at.offset, record_bytes(row.at), opened_.file_bytes)) {
      report_beyond_end(row);
      return {};
    }
    if (end_of(row) > indexed_end_) note_.suspect = true;
    overlaps_.add(row);
    RETURN_IF_ERROR(add_gap(cursor_.advance({row.at.offset, end_of(row)})));
    RETURN_IF_ERROR(make_room({row.at.offset, end_of(row)}));
    extent_.rows.push_back(row);
    return {};
  }

  Status finish() {
    if (!opened_.file || opened_.state == PackFileState::kForeign) return {};
    const std::uint64_t end = std::min(indexed_end_, opened_.file_bytes);
    RETURN_IF_ERROR(add_gap(cursor_.advance({std::max(end, cursor_.end()), end})));
    return flush();
  }

 private:
  Status add_gap(ByteRange gap) {
    if (gap.size() == 0) return {};
    RETURN_IF_ERROR(make_room(gap));
    extent_.gaps.push_back(gap);
    return {};
  }

  // Makes `part` belong to the extent; begins a new one where it would grow too long.
  Status make_room(ByteRange part) {
    const std::uint64_t end = std::max(extent_.range.end, part.end);
    const std::size_t rows = extent_.rows.size();
    const bool good = end - extent_.range.start > kExtentBytesGood && rows >= kExtentRowsGood;
    const bool full =
        good || end - extent_.range.start > extent_bytes_max_ || rows >= kExtentRowsMax;
    if (extent_.pack && full) RETURN_IF_ERROR(flush());
    if (!extent_.pack) {
      extent_.pack = opened_.file;
      extent_.tally = note_.tally;
      extent_.range = part;
      return {};
    }
    extent_.range.end = end;
    return {};
  }

  Status flush() {
    if (!extent_.pack) return {};
    return emit_(std::exchange(extent_, {}));
  }

  void report_beyond_end(const index::ObjectRow& row) {
    run_.count_objects(1);
    run_.report({.kind = FindingKind::kBeyondEnd,
                 .object = row.id,
                 .pack = pack_,
                 .offset = row.at.offset,
                 .message = fmt::format(
                     "pack {} at {}: the index says that object {} reaches to {}, the file ends "
                     "at {}",
                     pack_, row.at.offset, row.id.to_hex(), end_of(row), opened_.file_bytes)});
  }

  ValidateRun& run_;
  const std::uint64_t extent_bytes_max_;
  const EmitExtent& emit_;
  PackNote& note_;
  std::uint64_t pack_;
  OpenedPack opened_;
  std::uint64_t indexed_end_ = 0;
  GapCursor cursor_;
  OverlapFinder overlaps_;
  Extent extent_;
};

void report_invalid(ValidateRun& run, const index::ObjectRow& row, const Error& error) {
  run.count_objects(1);
  Finding finding{.kind = FindingKind::kRowInvalid, .message = error.message};
  // A row without a number of a pack may be one without an id.
  if (row.at.pack != 0) finding.object = row.id;
  run.report(std::move(finding));
}

Status walk_rows(ValidateRun& run, index::RowSnapshot& rows, PackNotes& notes,
                 const EmitExtent& emit) {
  std::optional<PackWalk> walk;
  std::uint64_t current = 0;
  while (true) {
    const Result<std::optional<index::ObjectRow>> next = rows.next();
    if (!next) RETURN_IF_ERROR(run.report_index_error(next.error()));
    if (!next || !*next) break;
    const index::ObjectRow& row = **next;
    if (const Status checked = index::check(row); !checked) {
      report_invalid(run, row, checked.error());
      continue;
    }
    if (!walk || row.at.pack != current) {
      if (walk) RETURN_IF_ERROR(walk->finish());
      current = row.at.pack;
      walk.emplace(run, emit, notes[current], current);
      RETURN_IF_ERROR(walk->begin());
    }
    RETURN_IF_ERROR(walk->add(row));
  }
  if (walk) RETURN_IF_ERROR(walk->finish());
  return {};
}

Status walk_packs_without_rows(ValidateRun& run, PackNotes& notes, const EmitExtent& emit) {
  for (auto& [pack, note] : notes) {
    if (note.walked) continue;
    PackWalk walk(run, emit, note, pack);
    RETURN_IF_ERROR(walk.begin());
    RETURN_IF_ERROR(walk.finish());
  }
  return {};
}

// Whether the pack and its entry reach as far as the rows say.
void report_lengths(ValidateRun& run, const PackAccount& account) {
  const std::uint64_t indexed = account.row->indexed_bytes;
  if (indexed > account.file_bytes) {
    run.report(about_pack(FindingKind::kBeyondEnd, account, account.file_bytes,
                          fmt::format("pack {}: {} bytes are indexed, the file ends at {}",
                                      account.pack, indexed, account.file_bytes)));
  } else if (account.rows > 0 && account.rows_end > indexed) {
    run.report(about_pack(FindingKind::kBeyondEnd, account, indexed,
                          fmt::format("pack {}: rows reach to {}, {} bytes are indexed",
                                      account.pack, account.rows_end, indexed)));
  } else {
    for (Finding& finding : find_imbalance(account)) run.report(std::move(finding));
  }
}

// Without rows and entry it is a matter of its content: see check_tail().
bool is_known(const PackAccount& account) { return account.row || account.rows > 0; }

void report_suspect(ValidateRun& run, const PackAccount& account) {
  const bool retired = account.row && account.row->state == index::PackState::kRetired;
  if (retired && account.rows == 0) return;  // Its file is about to go, or gone.
  switch (account.state) {
    case PackFileState::kAbsent:
      if (!is_known(account)) return;
      run.report(about_pack(FindingKind::kPackMissing, account, 0,
                            fmt::format("pack {}: {} is gone, {} objects should be in it",
                                        account.pack, pack_file_name(account.pack), account.rows)));
      return;
    case PackFileState::kForeign:
      run.report(about_pack(FindingKind::kPackForeign, account, 0,
                            fmt::format("pack {}: {} objects should be in it: {}", account.pack,
                                        account.rows, account.problem)));
      return;
    case PackFileState::kHeaderDamaged:
      if (!is_known(account)) return;
      run.report(about_pack(FindingKind::kPackHeaderDamaged, account, 0, account.problem));
      break;
    case PackFileState::kSound:
      break;
  }
  if (retired) {
    run.report(about_pack(
        FindingKind::kRowInvalid, account, 0,
        fmt::format("pack {}: retired, but {} rows point into it", account.pack, account.rows)));
  }
  if (account.row) {
    report_lengths(run, account);
  } else if (account.rows > 0) {
    run.report(about_pack(FindingKind::kPackUnindexed, account, 0,
                          fmt::format("pack {}: {} rows point into it, but it has no entry",
                                      account.pack, account.rows)));
  }
}

Status report_suspects(ValidateRun& run, PackNotes& notes) {
  std::vector<std::uint64_t> suspects;
  for (auto& [pack, note] : notes) {
    const std::uint64_t dead = note.tally->dead_bytes + note.tally->damaged_bytes;
    if (note.suspect || dead != note.dead_bytes) suspects.push_back(pack);
  }
  if (suspects.empty()) return {};
  const BytesVisitor only_stop = [&](std::uint64_t) { return run.advance(0); };
  const auto accounts = account_packs(run.core(), suspects, only_stop);
  if (!accounts) return run.report_index_error(accounts.error());
  for (const PackAccount& account : *accounts) report_suspect(run, account);
  return {};
}

struct TailWords {
  FindingKind kind;
  std::string_view where;
};

Status report_tail(ValidateRun& run, std::uint64_t pack, const io::File& file, std::uint64_t start,
                   const TailWords& words) {
  const auto tail = scan_tail(file, {run.core().uuid, pack, 0}, start);
  if (!tail) {
    run.report(
        {.kind = words.kind, .pack = pack, .offset = start, .message = tail.error().message});
    return {};
  }
  if (!tail->rows.empty()) {
    run.report({.kind = words.kind,
                .pack = pack,
                .offset = start,
                .message = fmt::format("pack {} at {}: {} whole records {}", pack, start,
                                       tail->rows.size(), words.where)});
  }
  const bool is_empty_pack = words.kind == FindingKind::kPackUnindexed && tail->rows.empty();
  if (tail->file_end > tail->committed_end || is_empty_pack) {
    run.report({.kind = FindingKind::kTornTail,
                .pack = pack,
                .offset = tail->committed_end,
                .message = fmt::format("pack {} at {}: {} bytes of an unfinished write", pack,
                                       tail->committed_end, tail->file_end - tail->committed_end)});
  }
  return run.advance(0);
}

Status check_unindexed_pack(ValidateRun& run, std::uint64_t pack, const OpenedPack& opened) {
  const io::File& file = opened.file->file();
  if (opened.state == PackFileState::kSound) {
    return report_tail(run, pack, file, PackHeader::kSize,
                       {FindingKind::kPackUnindexed, "in a pack that the index does not know"});
  }
  const bool torn = has_no_header(file);
  run.report({.kind = torn ? FindingKind::kTornTail : FindingKind::kPackHeaderDamaged,
              .pack = pack,
              .message = opened.problem});
  return {};
}

Status check_tail(ValidateRun& run, std::uint64_t pack) {
  ASSIGN_OR_RETURN(
      auto lock, run.core().packs.directory().find_file(pack_file_name(pack), io::OpenMode::kRead));
  if (!lock) return {};
  // Shared: others may look too, but no writer begins while somebody looks.
  ASSIGN_OR_RETURN(const bool locked, (*lock)->try_lock(io::LockKind::kShared));
  if (!locked) return {};
  ASSIGN_OR_RETURN(const OpenedPack opened, open_any_pack(run.core(), pack));
  const auto row = run.core().index->find_pack(pack);
  if (!row) return run.report_index_error(row.error());
  if (!opened.file || opened.state == PackFileState::kForeign) return {};
  if (!*row) {
    // Rows without an entry are reported as such; what is behind them is not known to be a tail.
    ASSIGN_OR_RETURN(const auto rows, run.core().index->rows_in_pack_order(std::span(&pack, 1)));
    return rows->size() > 0 ? Status() : check_unindexed_pack(run, pack, opened);
  }
  const std::uint64_t start = std::max<std::uint64_t>((*row)->indexed_bytes, PackHeader::kSize);
  if ((*row)->state == index::PackState::kRetired || opened.file_bytes <= start) return {};
  return report_tail(run, pack, opened.file->file(), start,
                     {FindingKind::kUnindexedRecords, "behind the indexed part"});
}

}  // namespace

Status validate_packs(ValidateRun& run) {
  ASSIGN_OR_RETURN(PackNotes notes, list_packs(run));
  {
    const auto rows = run.core().index->rows_in_pack_order(std::nullopt);
    if (!rows) return run.report_index_error(rows.error());
    const Status walked = run_jobs<Extent>(
        run.threads(),
        [&](const EmitExtent& emit) -> Status {
          RETURN_IF_ERROR(walk_rows(run, **rows, notes, emit));
          return walk_packs_without_rows(run, notes, emit);
        },
        [&] { return ExtentChecker(run); });
    RETURN_IF_ERROR(walked);
  }
  RETURN_IF_ERROR(report_suspects(run, notes));
  for (const auto& [pack, note] : notes) {
    if (note.has_tail) RETURN_IF_ERROR(check_tail(run, pack));
  }
  return {};
}

}  // namespace packstore::store
