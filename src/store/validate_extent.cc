// 1. An extent is read with one call, if it is not one long record or gap.
// 2. The header of each record is compared with its row. Contents are collected, compressed ones
//    decoded, and hashed side by side.
// 3. A gap is walked from record to record in the same buffer; where something else stands there,
//    the scanner looks for the next record.
// 4. What is long, or could not be read as a whole, is streamed record by record.
#include "store/validate_extent.h"

#include <algorithm>
#include <utility>

#include "base/checked_math.h"
#include "base/error.h"
#include "codec/codec.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"
#include "store/pack_scanner.h"
#include "store/read.h"

namespace packstore::store {
namespace {

using format::PackRecord;

constexpr std::size_t kPieceBytes = 256 << 10;
constexpr std::size_t kDecodedBytesMax = 1 << 20;

// The stored bytes of a record as a stream that computes their checksum.
class StoredSource final : public ByteSource {
 public:
  StoredSource(const PackFile& pack, const index::ObjectRow& row, const BytesVisitor& on_bytes)
      : pack_(pack), on_bytes_(on_bytes), offset_(stored_begin(row.at)), end_(end_of(row)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - offset_));
    if (wanted == 0) return std::size_t{0};
    ASSIGN_OR_RETURN(const std::size_t count, pack_.file().read_at(offset_, into.first(wanted)));
    if (count == 0) {
      return fail(ErrorCode::kCorrupt, "the file ends at {}, inside the record", offset_);
    }
    checksum_.update(into.first(count));
    offset_ += count;
    RETURN_IF_ERROR(on_bytes_(count));
    return count;
  }

  std::uint64_t checksum() const { return checksum_.digest(); }

 private:
  const PackFile& pack_;
  const BytesVisitor& on_bytes_;
  std::uint64_t offset_;
  std::uint64_t end_;
  hash::Xxh3 checksum_;
};

Result<ObjectId> hash_content(ByteSource& stored, const index::ObjectRow& row) {
  ByteSource* content = &stored;
  std::unique_ptr<ByteSource> decoder;
  if (row.at.codec != Codec::kNone) {
    RETURN_IF_ERROR(check_expansion(row));
    ASSIGN_OR_RETURN(decoder, codec::make_decoder(row.at.codec, stored, row.at.size));
    content = decoder.get();
  }
  hash::Sha256 hasher;
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(row.at.size + 1, kPieceBytes)));
  while (true) {
    ASSIGN_OR_RETURN(const std::size_t count, content->read(buffer));
    if (count == 0) return hasher.finish();
    hasher.update(ByteView(buffer).first(count));
  }
}

Finding make_finding(FindingKind kind, const index::ObjectRow& row, std::string message) {
  return {.kind = kind,
          .object = row.id,
          .pack = row.at.pack,
          .offset = row.at.offset,
          .message = std::move(message)};
}

std::string wrong_hash(const index::ObjectRow& row) {
  return fmt::format("pack {} at {}: the content does not hash to {}", row.at.pack, row.at.offset,
                     row.id.to_hex());
}

std::string wrong_checksum(const index::ObjectRow& row) {
  return fmt::format("pack {} at {}: the stored bytes of object {} do not fit their checksum",
                     row.at.pack, row.at.offset, row.id.to_hex());
}

std::string with_place(const index::ObjectRow& row, const Error& error) {
  return fmt::format("pack {} at {}: object {}: {}", row.at.pack, row.at.offset, row.id.to_hex(),
                     error.message);
}

// Says nothing about the store: the call itself cannot go on.
bool is_of_the_call(const Error& error) {
  return error.code == ErrorCode::kCancelled || error.code == ErrorCode::kNoSpace;
}

}  // namespace

Result<GapScan> scan_gap(const PackFile& pack, ByteRange gap, const BytesVisitor& on_bytes,
                         const DeadRecordVisitor& on_record) {
  GapScan result;
  PackScanner scanner(pack.file(), pack.place(0), gap.start, gap.end);
  bool readable = true;
  for (std::uint64_t start = gap.start; readable && start < gap.end;) {
    const Result<std::optional<ScannedRecord>> scanned = scanner.next();
    readable = scanned.has_value();
    const bool whole = readable && scanned->has_value();
    if (readable && !whole) readable = scanner.skip_damage().has_value();
    // What the disk does not give back is damage, up to the end of the gap.
    const std::uint64_t end = readable ? scanner.offset() : gap.end;
    if (!whole) {
      result.damaged.push_back({start, end});
    } else if ((*scanned)->record.is_object()) {
      result.dead_bytes += end - start;
      if (on_record) RETURN_IF_ERROR(on_record((*scanned)->row(pack.pack())));
    }
    RETURN_IF_ERROR(on_bytes(end - start));
    start = end;
  }
  return result;
}

Result<std::optional<Finding>> inspect_record(const PackFile& pack, const index::ObjectRow& row,
                                              const BytesVisitor& on_bytes) {
  const auto found = [&](FindingKind kind, std::string message) {
    return std::optional<Finding>(make_finding(kind, row, std::move(message)));
  };
  const Result<PackRecord> record = pack.read_header(row);
  if (!record) return found(FindingKind::kRecordDamaged, record.error().message);
  RETURN_IF_ERROR(on_bytes(PackRecord::kHeaderSize));

  StoredSource stored(pack, row, on_bytes);
  const Result<ObjectId> id = hash_content(stored, row);
  if (!id) {
    if (is_of_the_call(id.error())) return id.error();
    // What the disk does not give back is a matter of the record, whatever it once held.
    const bool unreadable = id.error().code == ErrorCode::kIo;
    return found(unreadable ? FindingKind::kRecordDamaged : FindingKind::kContentMismatch,
                 with_place(row, id.error()));
  }
  if (*id != row.id) return found(FindingKind::kContentMismatch, wrong_hash(row));
  if (stored.checksum() != record->stored_xxh3) {
    return found(FindingKind::kRecordDamaged, wrong_checksum(row));
  }
  return std::optional<Finding>();
}

Status ExtentChecker::run(const Extent& extent) {
  run_.count_objects(extent.rows.size());
  if (!run_.rehashes_content()) return check_headers(extent);
  ASSIGN_OR_RETURN(const bool loaded, load(extent));
  return loaded ? check_loaded(extent) : check_one_by_one(extent);
}

Status ExtentChecker::check_headers(const Extent& extent) {
  for (const index::ObjectRow& row : extent.rows) {
    const Result<PackRecord> record = extent.pack->read_header(row);
    if (!record) report(FindingKind::kRecordDamaged, row, record.error().message);
  }
  const BytesVisitor ignore = [](std::uint64_t) { return Status(); };
  for (const ByteRange& gap : extent.gaps) RETURN_IF_ERROR(check_gap(extent, gap, ignore));
  return run_.advance(extent.range.size());
}

// False: the extent is too long, or not all of it can be read.
Result<bool> ExtentChecker::load(const Extent& extent) {
  const std::uint64_t length = extent.range.size();
  if (length > extent_bytes_max_) return false;
  if (buffer_.size() < length) {
    const bool good = length <= kExtentBytesGood;
    RETURN_IF_ERROR(buffer_.allocate(good ? kExtentBytesGood : extent_bytes_max_));
  }
  const auto into = buffer_.bytes().first(static_cast<std::size_t>(length));
  const Result<std::size_t> count = extent.pack->file().read_at(extent.range.start, into);
  return count.has_value() && *count == length;
}

Status ExtentChecker::check_loaded(const Extent& extent) {
  for (const index::ObjectRow& row : extent.rows) {
    const auto at = static_cast<std::size_t>(row.at.offset - extent.range.start);
    RETURN_IF_ERROR(take_record(*extent.pack, row, buffer_.view().subspan(at)));
  }
  check_batch();
  const BytesVisitor ignore = [](std::uint64_t) { return Status(); };
  for (const ByteRange& gap : extent.gaps) {
    if (const auto dead_bytes = dead_bytes_in(extent, gap)) {
      extent.tally->dead_bytes += *dead_bytes;
    } else {
      RETURN_IF_ERROR(check_gap(extent, gap, ignore));
    }
  }
  return run_.advance(extent.range.size());
}

Status ExtentChecker::check_one_by_one(const Extent& extent) {
  const BytesVisitor advance = [&](std::uint64_t bytes) { return run_.advance(bytes); };
  for (const index::ObjectRow& row : extent.rows) {
    ASSIGN_OR_RETURN(auto finding, inspect_record(*extent.pack, row, advance));
    run_.count_content(row.at.size);
    if (finding) run_.report(std::move(*finding));
  }
  for (const ByteRange& gap : extent.gaps) RETURN_IF_ERROR(check_gap(extent, gap, advance));
  return {};
}

// `bytes` begins with the record and holds all of it.
Status ExtentChecker::take_record(const PackFile& pack, const index::ObjectRow& row,
                                  ByteView bytes) {
  const Result<PackRecord> record = pack.check_record(bytes.first<PackRecord::kHeaderSize>(), row);
  if (!record) {
    report(FindingKind::kRecordDamaged, row, record.error().message);
    return {};
  }
  const ByteView stored =
      bytes.subspan(PackRecord::kHeaderSize, static_cast<std::size_t>(row.at.stored_size));
  if (row.at.codec != Codec::kNone) return take_compressed(pack, row, stored, record->stored_xxh3);
  add(row, stored, stored, record->stored_xxh3);
  return {};
}

Status ExtentChecker::take_compressed(const PackFile& pack, const index::ObjectRow& row,
                                      ByteView stored, std::uint64_t checksum) {
  if (row.at.size > kDecodedBytesMax) {
    const BytesVisitor only_stop = [&](std::uint64_t) { return run_.advance(0); };
    ASSIGN_OR_RETURN(auto finding, inspect_record(pack, row, only_stop));
    run_.count_content(row.at.size);
    if (finding) run_.report(std::move(*finding));
    return {};
  }
  if (decoded_.empty()) {
    ASSIGN_OR_RETURN(decoded_, allocate(kDecodedBytesMax));
  }
  const auto size = static_cast<std::size_t>(row.at.size);
  if (!fits(decoded_size_, size, decoded_.size())) check_batch();
  const auto content = std::span<std::byte>(decoded_).subspan(decoded_size_, size);
  if (Status decoded = codec::decode(row.at.codec, stored, content); !decoded) {
    if (is_of_the_call(decoded.error())) return decoded;
    report(FindingKind::kContentMismatch, row, with_place(row, decoded.error()));
    return {};
  }
  decoded_size_ += size;
  add(row, content, stored, checksum);
  return {};
}

void ExtentChecker::add(const index::ObjectRow& row, ByteView content, ByteView stored,
                        std::uint64_t checksum) {
  batch_.push_back({&row, hash::xxh3(stored) == checksum});
  contents_.push_back(content);
  run_.count_content(content.size());
}

void ExtentChecker::check_batch() {
  ids_.resize(contents_.size());
  hash::sha256_many(contents_, ids_);
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const index::ObjectRow& row = *batch_[i].row;
    if (ids_[i] != row.id) {
      report(FindingKind::kContentMismatch, row, wrong_hash(row));
    } else if (!batch_[i].checksum_fits) {
      report(FindingKind::kRecordDamaged, row, wrong_checksum(row));
    }
  }
  batch_.clear();
  contents_.clear();
  decoded_size_ = 0;
}

// The dead bytes of a gap that is filled by records; nullopt: it is not.
std::optional<std::uint64_t> ExtentChecker::dead_bytes_in(const Extent& extent,
                                                          ByteRange gap) const {
  std::uint64_t dead_bytes = 0;
  for (std::uint64_t offset = gap.start; offset < gap.end;) {
    if (gap.end - offset < PackRecord::kHeaderSize) return std::nullopt;
    const auto at = static_cast<std::size_t>(offset - extent.range.start);
    const ByteView bytes = buffer_.view().subspan(at);
    const Result<PackRecord> record = format::decode_pack_record(
        bytes.first<PackRecord::kHeaderSize>(), extent.pack->place(offset));
    if (!record || !fits(offset, record->total_size(), gap.end)) return std::nullopt;
    // Nobody will read the stored bytes of a dead record, so nobody needs to know their checksum.
    if (record->is_object()) dead_bytes += record->total_size();
    offset += record->total_size();
  }
  return dead_bytes;
}

Status ExtentChecker::check_gap(const Extent& extent, ByteRange gap, const BytesVisitor& on_bytes) {
  ASSIGN_OR_RETURN(const GapScan scan, scan_gap(*extent.pack, gap, on_bytes));
  extent.tally->dead_bytes += scan.dead_bytes;
  for (const ByteRange& range : scan.damaged) extent.tally->damaged_bytes += range.size();
  return {};
}

void ExtentChecker::report(FindingKind kind, const index::ObjectRow& row, std::string message) {
  run_.report(make_finding(kind, row, std::move(message)));
}

}  // namespace packstore::store
