// 1. Choose: the loose objects that pass every rule, by ascending id.
// 2. Read slices of them, hash each slice side by side. What does not hash to its name is reported
//    and stays; the rest is encoded and appended to a pack.
// 3. After a group of slices, or when the pack is full: sync the pack, commit the rows durably, and
//    only then unlink the loose copies of the group. So at most one group is there twice.
// 4. An object that is packed already only loses its loose copy, once the packed one has proved to
//    be good; a damaged packed copy is replaced by the loose one, once that has. Where a packed
//    copy cannot be judged, both stay.
//
// A crash leaves at worst an unfinished group at the end of a pack and loose copies of packed
// objects; both are garbage that clean() removes.
#include "store/pack_loose.h"

#include <algorithm>
#include <memory>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mistake.h"
#include "codec/codec.h"
#include "hash/sha256.h"
#include "store/file_source.h"
#include "store/lookup.h"
#include "store/loose_selection.h"
#include "store/pack_files.h"
#include "store/pack_writer.h"
#include "store/packed_copy.h"
#include "store/read.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

// A slice is held in memory.
constexpr std::size_t kSliceObjects = 256;
constexpr std::uint64_t kSliceBytes = 4 << 20;
// A group is there twice until it is committed; each costs two syncs.
constexpr std::size_t kGroupObjects = 64 << 10;
constexpr std::uint64_t kGroupBytes = 256 << 20;

class LoosePacker {
 public:
  LoosePacker(StoreCore& core, const PackOptions& options) : core_(core), options_(options) {}

  Result<PackReport> run() {
    RETURN_IF_ERROR(options_.compression.check());
    ASSIGN_OR_RETURN(const std::vector<LooseObject> chosen, select_loose(core_, options_));
    // A batch of this store may hold the pack that has room: buffered puts are over now.
    RETURN_IF_ERROR(core_.packed_puts.release());
    for (std::size_t first = 0; first < chosen.size();) {
      if (options_.control.stop.stop_requested()) {
        return fail(ErrorCode::kCancelled, "pack: stopped after {} of {} objects", first,
                    chosen.size());
      }
      const std::size_t count = slice_length(chosen, first);
      RETURN_IF_ERROR(take_slice(std::span(chosen).subspan(first, count)));
      first += count;
      const bool full = writer_ && writer_->is_full();
      if (full || rows_.size() >= kGroupObjects || group_bytes_ >= kGroupBytes) {
        RETURN_IF_ERROR(commit_group());
        if (full) writer_.reset();
      }
      report_progress(first, chosen.size());
    }
    RETURN_IF_ERROR(commit_group());
    return std::move(report_);
  }

 private:
  static std::size_t slice_length(std::span<const LooseObject> chosen, std::size_t first) {
    std::size_t count = 1;
    for (std::uint64_t bytes = chosen[first].size;
         first + count < chosen.size() && count < kSliceObjects; ++count) {
      bytes += chosen[first + count].size;
      if (bytes > kSliceBytes) break;
    }
    return count;
  }

  Status take_slice(std::span<const LooseObject> slice) {
    if (slice.size() == 1 && slice.front().size > kSliceBytes) return take_large(slice.front());
    std::vector<Bytes> contents;
    std::vector<ByteView> views;
    std::vector<ObjectId> names;
    for (const LooseObject& object : slice) {
      ASSIGN_OR_RETURN(const auto found, open_loose_copy(core_, object.id));
      if (!found) continue;  // Removed by nobody but us, or by hand; nothing to pack.
      Result<Bytes> content = read_content(*found, Verify::kNone);
      if (!content) {
        report_damage(object.id, content.error());
        continue;
      }
      contents.push_back(std::move(*content));
      names.push_back(object.id);
    }
    for (const Bytes& content : contents) views.emplace_back(content);
    std::vector<ObjectId> ids(views.size());
    hash::sha256_many(views, ids);
    std::vector<EncodedObject> objects;
    std::vector<Bytes> encoded(views.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != names[i]) {
        report_damage(names[i], check_content(names[i], views[i]).error());
        continue;
      }
      ASSIGN_OR_RETURN(PackedCopy packed, inspect_packed_copy(core_, names[i], stop()));
      ASSIGN_OR_RETURN(const bool settled, settle_packed(names[i], std::move(packed)));
      if (settled) continue;
      EncodedObject object{.id = names[i], .size = views[i].size(), .stored = views[i]};
      ASSIGN_OR_RETURN(object.codec, codec::encode(views[i], options_.compression, encoded[i]));
      if (object.codec != Codec::kNone) object.stored = encoded[i];
      objects.push_back(object);
    }
    if (objects.empty()) return {};
    RETURN_IF_ERROR(ensure_writer());
    const std::size_t before = rows_.size();
    RETURN_IF_ERROR(writer_->append(objects, format::PackRecord::Kind::kObject, rows_));
    for (std::size_t i = before; i < rows_.size(); ++i) count(rows_[i]);
    return {};
  }

  Status take_large(const LooseObject& object) {
    ASSIGN_OR_RETURN(const auto found, open_loose_copy(core_, object.id));
    if (!found) return {};
    ASSIGN_OR_RETURN(PackedCopy packed, inspect_packed_copy(core_, object.id, stop()));
    if (packed.state != PackedCopy::State::kAbsent) {
      const Status good = check_copy(*found, stop());
      if (!good && good.error().code == ErrorCode::kCorrupt) report_damage(object.id, good.error());
      if (!good) return good.error().code == ErrorCode::kCorrupt ? Status() : good;
    }
    ASSIGN_OR_RETURN(const bool settled, settle_packed(object.id, std::move(packed)));
    if (settled) return {};
    RETURN_IF_ERROR(ensure_writer());
    const std::uint64_t size = found->row.at.size;
    const auto open = [&]() -> Result<std::unique_ptr<ByteSource>> {
      return std::unique_ptr<ByteSource>(
          std::make_unique<FileSource>(*found->loose, 0, size, stop()));
    };
    const Result<index::ObjectRow> row =
        writer_->append_content(object.id, size, open, options_.compression);
    if (!row && row.error().code == ErrorCode::kCorrupt) {
      report_damage(object.id, row.error());
      return {};
    }
    if (!row) return row.error();
    rows_.push_back(*row);
    count(*row);
    return {};
  }

  // True when the good loose copy is not to be packed: a good packed one makes it needless, and of
  // one that cannot be judged nothing is decided. A damaged packed copy gives way: its row is
  // dropped, in a transaction of its own, while the loose copy answers for the object.
  Result<bool> settle_packed(const ObjectId& id, PackedCopy packed) {
    switch (packed.state) {
      case PackedCopy::State::kAbsent:
        return false;
      case PackedCopy::State::kGood:
        unlink_later_.push_back(id);
        ++report_.already_packed;
        return true;
      case PackedCopy::State::kUnknown:
        report_.damaged.push_back(std::move(*packed.finding));
        return true;
      case PackedCopy::State::kDamaged:
        break;
    }
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
    ASSIGN_OR_RETURN(const auto dropped, transaction->erase(id));
    if (dropped) {
      RETURN_IF_ERROR(transaction->add_dead_bytes(dropped->pack, record_bytes(*dropped)));
    }
    RETURN_IF_ERROR(transaction->commit());
    return false;
  }

  Status ensure_writer() {
    if (writer_) return {};
    ASSIGN_OR_RETURN(writer_, PackWriter::begin(core_, PackWriter::Choice::kAny));
    return {};
  }

  void count(const index::ObjectRow& row) {
    unlink_later_.push_back(row.id);
    group_bytes_ += row.at.size;
    ++report_.objects;
    report_.content_bytes += row.at.size;
    report_.stored_bytes += record_bytes(row.at);
  }

  Status commit_group() {
    if (!rows_.empty()) RETURN_IF_ERROR(writer_->sync());
    if (rows_.empty() && unlink_later_.empty()) return {};
    std::sort(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    if (makes(Mistake::kUnlinkLooseBeforeCommit)) RETURN_IF_ERROR(unlink_needless());
    // Durable even without new rows: the packed copies may have been committed lazily.
    ASSIGN_OR_RETURN(auto transaction,
                     core_.index->begin_write(makes(Mistake::kUnlinkLooseAfterLazyCommit)
                                                  ? index::CommitSync::kLazy
                                                  : index::CommitSync::kDurable));
    if (!rows_.empty()) RETURN_IF_ERROR(writer_->add_rows(*transaction, rows_));
    RETURN_IF_ERROR(rows_.empty() ? transaction->commit() : writer_->commit(*transaction));
    RETURN_IF_ERROR(unlink_needless());
    rows_.clear();
    unlink_later_.clear();
    group_bytes_ = 0;
    return {};
  }

  Status unlink_needless() {
    std::sort(unlink_later_.begin(), unlink_later_.end());
    return core_.loose.remove_all(unlink_later_, options_.threads);
  }

  const std::stop_token& stop() const { return options_.control.stop; }

  void report_damage(const ObjectId& id, const Error& error) {
    report_.damaged.push_back({.kind = FindingKind::kContentMismatch,
                               .object = id,
                               .pack = std::nullopt,
                               .offset = 0,
                               .message = error.message});
  }

  void report_progress(std::size_t done, std::size_t total) const {
    if (options_.control.on_progress) {
      options_.control.on_progress({"pack", done, total, ProgressUnit::kObjects});
    }
  }

  StoreCore& core_;
  const PackOptions& options_;
  std::unique_ptr<PackWriter> writer_;
  std::vector<index::ObjectRow> rows_;  // Of the group, not yet committed.
  std::vector<ObjectId> unlink_later_;  // Loose copies that the group's commit makes needless.
  std::uint64_t group_bytes_ = 0;
  PackReport report_;
};

}  // namespace

Result<PackReport> pack_loose(StoreCore& core, const PackOptions& options) {
  return LoosePacker(core, options).run();
}

}  // namespace packstore::store
