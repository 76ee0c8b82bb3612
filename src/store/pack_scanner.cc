// A pack tells by itself what was committed: a single put with its own record, a batch with the
// commit record behind its last object. scan_tail() follows the records from the indexed end on to
// the first damage; scan_whole_groups() goes on behind damage, and wants each group whole.
#include "store/pack_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/mistake.h"
#include "hash/xxh3.h"

namespace packstore::store {
namespace {

constexpr std::size_t kBufferSize = 1 << 20;
constexpr std::size_t kHeaderSize = format::PackRecord::kHeaderSize;

}  // namespace

PackScanner::PackScanner(const io::File& file, const format::RecordPlace& place,
                         std::uint64_t start, std::uint64_t end)
    : file_(file),
      place_(place),
      offset_(start),
      end_(end),
      buffer_(std::min<std::uint64_t>(kBufferSize, end - std::min(start, end))) {}

// Everything buffered from `offset` on: at least `length` bytes, fewer only where the file ends.
Result<ByteView> PackScanner::window(std::uint64_t offset, std::size_t length) {
  const bool inside = offset >= buffer_start_ && fits(offset - buffer_start_, length, buffer_size_);
  if (!inside) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kBufferSize, end_ - offset));
    ASSIGN_OR_RETURN(buffer_size_,
                     file_.read_at(offset, std::span<std::byte>(buffer_).first(wanted)));
    buffer_start_ = offset;
  }
  const auto from = static_cast<std::size_t>(offset - buffer_start_);
  return ByteView(buffer_).subspan(from, buffer_size_ - from);
}

Result<std::optional<ScannedRecord>> PackScanner::record_at(std::uint64_t offset) {
  if (!fits(offset, kHeaderSize, end_)) {
    damage_ = fmt::format("pack {} at {}: {} bytes are no whole record header", place_.pack, offset,
                          end_ - offset);
    return std::optional<ScannedRecord>();
  }
  ASSIGN_OR_RETURN(const ByteView header, window(offset, kHeaderSize));
  if (header.size() < kHeaderSize) {
    damage_ =
        fmt::format("pack {} at {}: the file ends inside a record header", place_.pack, offset);
    return std::optional<ScannedRecord>();
  }
  place_.offset = offset;
  const Result<format::PackRecord> record =
      format::decode_pack_record(header.first<kHeaderSize>(), place_);
  if (!record) {
    damage_ = record.error().message;
    return std::optional<ScannedRecord>();
  }
  if (!fits(offset + kHeaderSize, record->stored_size, end_)) {
    damage_ = fmt::format("pack {} at {}: record claims {} bytes, {} are left", place_.pack, offset,
                          record->stored_size, end_ - offset - kHeaderSize);
    return std::optional<ScannedRecord>();
  }
  hash::Xxh3 checksum;
  for (std::uint64_t done = 0; done < record->stored_size;) {
    ASSIGN_OR_RETURN(const ByteView ahead, window(offset + kHeaderSize + done, 1));
    if (ahead.empty()) break;  // The file shrank; the checksum will tell.
    const auto step =
        static_cast<std::size_t>(std::min<std::uint64_t>(ahead.size(), record->stored_size - done));
    checksum.update(ahead.first(step));
    done += step;
  }
  if (record->is_object() && checksum.digest() != record->stored_xxh3) {
    damage_ = fmt::format("pack {} at {}: the stored bytes of object {} do not fit their checksum",
                          place_.pack, offset, record->id.to_hex());
    return std::optional<ScannedRecord>();
  }
  return std::optional<ScannedRecord>(ScannedRecord{*record, offset});
}

Result<std::optional<ScannedRecord>> PackScanner::next() {
  damage_.clear();
  if (offset_ >= end_) return std::optional<ScannedRecord>();
  ASSIGN_OR_RETURN(auto record, record_at(offset_));
  if (record) offset_ += record->record.total_size();
  return record;
}

Result<bool> PackScanner::skip_damage() {
  ++offset_;
  while (fits(offset_, kHeaderSize, end_)) {
    ASSIGN_OR_RETURN(const ByteView ahead, window(offset_, kHeaderSize));
    if (ahead.empty()) break;
    // Most bytes are ruled out by the first byte of a header, at the speed of memchr.
    const void* candidate = std::memchr(ahead.data(), format::PackRecord::kFirstByte, ahead.size());
    if (candidate == nullptr) {
      offset_ += ahead.size();
      continue;
    }
    offset_ += static_cast<std::uint64_t>(static_cast<const std::byte*>(candidate) - ahead.data());
    ASSIGN_OR_RETURN(const auto record, record_at(offset_));
    if (record) {
      damage_.clear();
      return true;
    }
    ++offset_;
  }
  offset_ = end_;
  return false;
}

Result<PackTail> scan_tail(const io::File& file, const format::RecordPlace& place,
                           std::uint64_t start) {
  ASSIGN_OR_RETURN(const io::FileInfo info, file.info());
  PackTail tail{.rows = {}, .committed_end = start, .file_end = std::max(start, info.size)};
  PackScanner scanner(file, place, start, tail.file_end);
  std::vector<index::ObjectRow> group;
  while (true) {
    ASSIGN_OR_RETURN(const auto scanned, scanner.next());
    if (!scanned) return tail;
    using Kind = format::PackRecord::Kind;
    if (scanned->record.kind == Kind::kObject && !makes(Mistake::kTakeInOpenGroups)) {
      group.push_back(scanned->row(place.pack));
      continue;
    }
    // Only what is whole from its first record on was committed.
    const bool whole = group.empty() || (scanned->record.kind == Kind::kCommit &&
                                         scanned->record.group_start == tail.committed_end);
    if (!whole) return tail;
    tail.rows.insert(tail.rows.end(), group.begin(), group.end());
    group.clear();
    if (scanned->record.is_object()) tail.rows.push_back(scanned->row(place.pack));
    tail.committed_end = scanner.offset();
  }
}

Result<std::vector<ScannedRecord>> scan_whole_groups(const io::File& file,
                                                     const format::RecordPlace& place,
                                                     std::uint64_t start) {
  using Kind = format::PackRecord::Kind;
  ASSIGN_OR_RETURN(const io::FileInfo info, file.info());
  PackScanner scanner(file, place, start, std::max(start, info.size));
  std::vector<ScannedRecord> whole;
  std::vector<ScannedRecord> group;
  std::uint64_t group_start = start;
  while (true) {
    ASSIGN_OR_RETURN(const auto scanned, scanner.next());
    if (scanned && scanned->record.kind == Kind::kObject) {
      group.push_back(*scanned);
      continue;
    }
    if (!scanned) {
      if (scanner.damage().empty()) return whole;
      ASSIGN_OR_RETURN(const bool more, scanner.skip_damage());
      if (!more) return whole;
    } else if (scanned->record.kind == Kind::kSingle) {
      whole.push_back(*scanned);
    } else if (scanned->record.group_start == group_start) {
      whole.insert(whole.end(), group.begin(), group.end());
    }
    group.clear();
    group_start = scanner.offset();
  }
}

}  // namespace packstore::store
