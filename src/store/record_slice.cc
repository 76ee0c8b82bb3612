#include "store/record_slice.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "hash/sha256.h"
#include "store/read.h"

namespace packstore::store {
namespace {

using format::PackRecord;

// Reading over a hole this wide costs less than another call.
constexpr std::uint64_t kHoleBytesMax = 8 << 10;
// Records that decode to more than this stand alone, so that a slice of them stays small in memory.
constexpr std::uint64_t kDecodedBytesMax = 64 << 10;

bool decodes_small(const index::ObjectRow& row) {
  return row.at.codec == Codec::kNone || row.at.size <= kDecodedBytesMax;
}

}  // namespace

bool belongs_to_slice(const index::ObjectRow& first, const index::ObjectRow& last,
                      const index::ObjectRow& next, std::size_t rows) {
  const std::uint64_t end = end_of(last);
  return rows < kSliceRowsMax && next.at.pack == first.at.pack && next.at.offset >= end &&
         next.at.offset - end <= kHoleBytesMax &&
         end_of(next) - first.at.offset <= kSliceBytesMax && decodes_small(last) &&
         decodes_small(next);
}

void RecordSlice::load(const PackFile& pack, std::span<const index::ObjectRow> rows,
                       Verify verify) {
  items_.assign(rows.size(), {});
  contents_.assign(rows.size(), {});
  const Status loaded = read(pack, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Status taken = loaded ? take(i, pack, rows[i], verify) : loaded;
    if (!taken) items_[i].error = taken.error();
  }
  if (verify == Verify::kContent) check_hashes(rows);
}

// Reads as much of the rows' range as the file has; take() notices what is missing.
Status RecordSlice::read(const PackFile& pack, std::span<const index::ObjectRow> rows) {
  start_ = rows.front().at.offset;
  std::uint64_t length = 0;
  for (const index::ObjectRow& row : rows) {
    const std::uint64_t needed = end_of(row) - start_;
    if (pack.check_inside(start_, needed)) length = std::max(length, needed);
  }
  if (buffer_.size() < length) {
    // Few records are read by one slice, which takes what it needs; who needs more has many.
    const std::uint64_t bytes_min = buffer_.size() == 0 ? 0 : kSliceBytesMax;
    RETURN_IF_ERROR(buffer_.allocate(std::max(length, bytes_min)));
  }
  const auto into = buffer_.bytes().first(static_cast<std::size_t>(length));
  ASSIGN_OR_RETURN(const std::size_t count, pack.file().read_at(start_, into));
  if (count == length) return {};
  return fail(ErrorCode::kCorrupt, "pack {} at {}: {} bytes claimed, {} there", pack.pack(), start_,
              length, count);
}

Status RecordSlice::take(std::size_t i, const PackFile& pack, const index::ObjectRow& row,
                         Verify verify) {
  RETURN_IF_ERROR(pack.check_inside(row.at.offset, record_bytes(row.at)));
  const ByteView bytes = buffer_.view().subspan(static_cast<std::size_t>(row.at.offset - start_));
  ASSIGN_OR_RETURN(const PackRecord record,
                   pack.check_record(bytes.first<PackRecord::kHeaderSize>(), row));
  const ByteView stored =
      bytes.subspan(PackRecord::kHeaderSize, static_cast<std::size_t>(row.at.stored_size));
  ByteView content = stored;
  if (row.at.codec == Codec::kNone) {
    if (verify == Verify::kChecksum) RETURN_IF_ERROR(check_checksum(row, record, stored));
  } else {
    if (decoded_.size() <= i) decoded_.resize(i + 1);
    // Contents are hashed together, later.
    const Verify now = verify == Verify::kContent ? Verify::kNone : verify;
    ASSIGN_OR_RETURN(decoded_[i], decode_record(row, record, stored, now));
    content = decoded_[i];
  }
  items_[i].stored = stored;
  items_[i].content = content;
  contents_[i] = content;
  return {};
}

void RecordSlice::check_hashes(std::span<const index::ObjectRow> rows) {
  ids_.resize(rows.size());
  hash::sha256_many(contents_, ids_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (items_[i].error || ids_[i] == rows[i].id) continue;
    items_[i].error =
        fail(ErrorCode::kCorrupt, "object {} in pack {} at {}: its content does not hash to its id",
             rows[i].id.to_hex(), rows[i].at.pack, rows[i].at.offset);
  }
}

Status RowSlicer::peek() {
  if (ahead_ || ended_) return {};
  ASSIGN_OR_RETURN(ahead_, rows_.next());
  ended_ = !ahead_;
  return {};
}

Result<std::span<const index::ObjectRow>> RowSlicer::next(std::uint64_t pack) {
  slice_.clear();
  while (true) {
    RETURN_IF_ERROR(peek());
    if (!ahead_ || ahead_->at.pack > pack) break;
    const bool sound = index::check(*ahead_).has_value();
    const bool fits = slice_.empty() || (sound && belongs_to_slice(slice_.front(), slice_.back(),
                                                                   *ahead_, slice_.size()));
    if (!fits) break;
    // Rows of packs that nobody asks about are passed over.
    if (ahead_->at.pack == pack) slice_.push_back(*ahead_);
    ahead_.reset();
    if (!sound && !slice_.empty()) break;
  }
  return std::span<const index::ObjectRow>(slice_);
}

}  // namespace packstore::store
