#include "store/backup_packs.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/error.h"
#include "packstore/bytes.h"

namespace packstore::store {
namespace {

using format::PackHeader;
using format::PackRecord;
using format::RecordPlace;

// Hundreds of small records, and next to nothing beside copying a pack.
constexpr std::uint64_t kTailBytes = 1 << 20;
// Of the last group. In a longer one, objects are small enough for the tail to tell them apart.
constexpr std::uint64_t kGroupRecordsMax = 4096;

Result<bool> hold_same_bytes(const io::File& ours, const io::File& theirs, std::uint64_t begin,
                             std::uint64_t end) {
  const auto length = static_cast<std::size_t>(end - begin);
  Bytes our_bytes(length);
  Bytes their_bytes(length);
  ASSIGN_OR_RETURN(const std::size_t count, ours.read_at(begin, std::span<std::byte>(our_bytes)));
  ASSIGN_OR_RETURN(const std::size_t their_count,
                   theirs.read_at(begin, std::span<std::byte>(their_bytes)));
  return count == length && their_count == length && our_bytes == their_bytes;
}

// nullopt: no record header that is sound for this place.
Result<std::optional<PackRecord>> record_at(const io::File& file, const RecordPlace& place) {
  std::array<std::byte, PackRecord::kHeaderSize> bytes{};
  RETURN_IF_ERROR(file.read_at(place.offset, std::span<std::byte>(bytes)));
  const auto record = format::decode_pack_record(bytes, place);
  return record ? std::optional(*record) : std::nullopt;
}

// Compares the headers of up to `count_max` records from `place` on; they carry ids and checksums.
Result<bool> hold_same_records(const io::File& ours, const io::File& theirs, RecordPlace place,
                               std::uint64_t end, std::uint64_t count_max = UINT64_MAX) {
  for (std::uint64_t count = 0; place.offset < end && count < count_max; ++count) {
    ASSIGN_OR_RETURN(const auto our_record, record_at(ours, place));
    ASSIGN_OR_RETURN(const auto their_record, record_at(theirs, place));
    // Where neither is sound nobody knows what follows.
    if (!our_record && !their_record) return false;
    if (our_record && their_record && *our_record != *their_record) return false;
    place.offset += (our_record ? *our_record : *their_record).total_size();
  }
  return true;
}

// Whether `theirs`, which is not shorter, begins with the first `end` bytes of the pack `ours`.
Result<bool> hold_same_pack(const io::File& ours, const io::File& theirs, RecordPlace place,
                            std::uint64_t end) {
  ASSIGN_OR_RETURN(const bool same_header, hold_same_bytes(ours, theirs, 0, PackHeader::kSize));
  if (!same_header) return false;
  const std::uint64_t tail = end - std::min(end - PackHeader::kSize, kTailBytes);
  ASSIGN_OR_RETURN(const bool same_tail, hold_same_bytes(ours, theirs, tail, end));
  place.offset = PackHeader::kSize;
  if (!same_tail) return hold_same_records(ours, theirs, place, end);
  if (end < PackHeader::kSize + PackRecord::kHeaderSize) return true;
  place.offset = end - PackRecord::kHeaderSize;
  ASSIGN_OR_RETURN(const auto last, record_at(ours, place));
  if (!last || last->is_object()) return true;
  place.offset = std::max<std::uint64_t>(last->group_start, PackHeader::kSize);
  return hold_same_records(ours, theirs, place, end, kGroupRecordsMax);
}

}  // namespace

Result<PackLikeness> compare_pack(const io::Directory& directory, const std::string& name,
                                  const PackSource& source) {
  ASSIGN_OR_RETURN(const auto file, directory.find_file(name, io::OpenMode::kRead));
  if (!file) return PackLikeness::kAbsent;
  ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
  if (info.size < PackHeader::kSize || info.size > source.size) return PackLikeness::kOther;
  ASSIGN_OR_RETURN(const bool same, hold_same_pack(source.file, **file, source.place, info.size));
  if (!same) return PackLikeness::kOther;
  return info.size == source.size ? PackLikeness::kSame : PackLikeness::kShorter;
}

}  // namespace packstore::store
