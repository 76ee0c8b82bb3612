#include "format/pack_record.h"

#include "base/byte_cursor.h"
#include "base/error.h"
#include "hash/xxh3.h"

namespace packstore::format {
namespace {

constexpr std::uint16_t kMagic = 'R' << 8 | PackRecord::kFirstByte;  // "pR"

// What the checksum covers: everything behind it, and the bytes before it packed into the seed
// together with the place.
constexpr std::size_t kCheckedFrom = 8;

static_assert(PackRecord::kHeaderSize == 2 /*magic*/ + 1 /*kind*/ + 1 /*codec*/ + 4 /*checksum*/ +
                                             8 /*size*/ + 8 /*stored_size*/ + 32 /*id*/ +
                                             8 /*stored_xxh3*/);

std::uint32_t compute_checksum(ByteView header, const RecordPlace& place) {
  std::array<std::byte, 36> where;
  ByteWriter writer(where);
  writer.write(ByteView(place.store.bytes));
  writer.write<std::uint64_t>(place.pack);
  writer.write<std::uint64_t>(place.offset);
  writer.write(header.first(4));
  const std::uint64_t seed = hash::xxh3(where);
  return static_cast<std::uint32_t>(hash::xxh3(header.subspan(kCheckedFrom), seed));
}

Status check_claims(const PackRecord& record, std::uint8_t kind, std::uint8_t codec,
                    const RecordPlace& place) {
  if (kind > static_cast<std::uint8_t>(PackRecord::Kind::kCommit)) {
    return fail(ErrorCode::kCorrupt, "pack {} at {}: record of kind {}, this library knows 0 to 2",
                place.pack, place.offset, kind);
  }
  if (codec > static_cast<std::uint8_t>(Codec::kZstd)) {
    return fail(ErrorCode::kCorrupt, "pack {} at {}: codec {}, this library knows 0 to 2",
                place.pack, place.offset, codec);
  }
  if (record.size > PackRecord::kBytesMax || record.stored_size > PackRecord::kBytesMax) {
    return fail(ErrorCode::kCorrupt,
                "pack {} at {}: record claims {} bytes of content in {} stored, limit {}",
                place.pack, place.offset, record.size, record.stored_size, PackRecord::kBytesMax);
  }
  if (record.codec == Codec::kNone && record.size != record.stored_size) {
    return fail(ErrorCode::kCorrupt,
                "pack {} at {}: verbatim record claims {} bytes of content in {} stored",
                place.pack, place.offset, record.size, record.stored_size);
  }
  return {};
}

}  // namespace

std::array<std::byte, PackRecord::kHeaderSize> encode(const PackRecord& record,
                                                      const RecordPlace& place) {
  std::array<std::byte, PackRecord::kHeaderSize> bytes;
  ByteWriter writer(bytes);
  writer.write<std::uint16_t>(kMagic);
  writer.write(static_cast<std::uint8_t>(record.kind));
  writer.write(static_cast<std::uint8_t>(record.codec));
  writer.write<std::uint32_t>(0);
  writer.write<std::uint64_t>(record.is_object() ? record.size : record.group_start);
  writer.write<std::uint64_t>(record.stored_size);
  writer.write(ByteView(record.id.bytes));
  writer.write<std::uint64_t>(record.stored_xxh3);
  store_le<std::uint32_t>(std::span(bytes).subspan<4, 4>(), compute_checksum(bytes, place));
  return bytes;
}

Result<PackRecord> decode_pack_record(std::span<const std::byte, PackRecord::kHeaderSize> bytes,
                                      const RecordPlace& place) {
  ByteReader reader(bytes);
  if (reader.read<std::uint16_t>() != kMagic) {
    return fail(ErrorCode::kCorrupt, "pack {} at {}: no record begins here", place.pack,
                place.offset);
  }
  const auto kind = reader.read<std::uint8_t>();
  const auto codec = reader.read<std::uint8_t>();
  if (reader.read<std::uint32_t>() != compute_checksum(bytes, place)) {
    return fail(ErrorCode::kCorrupt,
                "pack {} at {}: the record header's checksum does not fit its content or place",
                place.pack, place.offset);
  }
  PackRecord record;
  record.kind = static_cast<PackRecord::Kind>(kind);
  record.codec = static_cast<Codec>(codec);
  const auto size_or_start = reader.read<std::uint64_t>();
  if (record.is_object()) {
    record.size = size_or_start;
  } else {
    record.group_start = size_or_start;
  }
  record.stored_size = reader.read<std::uint64_t>();
  reader.read(record.id.bytes);
  record.stored_xxh3 = reader.read<std::uint64_t>();
  RETURN_IF_ERROR(check_claims(record, kind, codec, place));
  return record;
}

}  // namespace packstore::format
