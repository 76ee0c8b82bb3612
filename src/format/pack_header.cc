#include "format/pack_header.h"

#include <algorithm>
#include <random>

#include "base/byte_cursor.h"
#include "base/error.h"
#include "base/hex.h"
#include "hash/xxh3.h"

namespace packstore::format {
namespace {

constexpr std::array<std::byte, 8> kMagic = {std::byte{'P'},  std::byte{'S'}, std::byte{'P'},
                                             std::byte{'A'},  std::byte{'C'}, std::byte{'K'},
                                             std::byte{'\r'}, std::byte{'\n'}};

constexpr std::size_t kChecksumOffset = PackHeader::kSize - 8;

static_assert(PackHeader::kSize == 8 /*magic*/ + 4 /*version*/ + 4 /*reserved*/ + 16 /*store*/ +
                                       8 /*pack*/ + 8 /*created_at*/ + 8 /*reserved*/ +
                                       8 /*checksum*/);

}  // namespace

std::array<std::byte, PackHeader::kSize> encode(const PackHeader& header) {
  std::array<std::byte, PackHeader::kSize> bytes{};
  ByteWriter writer(bytes);
  writer.write(ByteView(kMagic));
  writer.write<std::uint32_t>(PackHeader::kVersion);
  writer.write<std::uint32_t>(0);
  writer.write(ByteView(header.store.bytes));
  writer.write<std::uint64_t>(header.pack);
  writer.write<std::uint64_t>(header.created_at);
  writer.write<std::uint64_t>(0);
  writer.write<std::uint64_t>(hash::xxh3(ByteView(bytes).first(kChecksumOffset)));
  return bytes;
}

Result<PackHeader> decode_pack_header(std::span<const std::byte, PackHeader::kSize> bytes) {
  ByteReader reader(bytes);
  const ByteView magic = reader.take(kMagic.size());
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin())) {
    return fail(ErrorCode::kCorrupt, "pack header: does not begin with a pack's magic bytes");
  }
  const auto version = reader.read<std::uint32_t>();
  reader.take(4);
  PackHeader header;
  reader.read(header.store.bytes);
  header.pack = reader.read<std::uint64_t>();
  header.created_at = reader.read<std::uint64_t>();
  reader.take(8);
  // The checksum comes first: a flipped bit in the version must not look like a newer format.
  if (reader.read<std::uint64_t>() != hash::xxh3(bytes.first(kChecksumOffset))) {
    return fail(ErrorCode::kCorrupt, "pack header: its checksum does not fit its content");
  }
  if (version != PackHeader::kVersion) {
    return fail(ErrorCode::kUnsupported, "pack header: version {}, this library knows {}", version,
                PackHeader::kVersion);
  }
  return header;
}

std::string to_text(const Uuid& uuid) {
  std::string text = to_hex(uuid.bytes);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
  std::string digits(text);
  bool dashes = text.size() == 36;
  for (const std::size_t dash : {23U, 18U, 13U, 8U}) {
    if (!dashes || digits[dash] != '-') {
      dashes = false;
      break;
    }
    digits.erase(dash, 1);
  }
  Uuid uuid;
  if (!dashes || !from_hex(digits, uuid.bytes)) {
    return fail(ErrorCode::kCorrupt, "store UUID: not 8-4-4-4-12 hexadecimal digits");
  }
  return uuid;
}

Result<Uuid> make_uuid() {
  Uuid uuid;
  try {
    std::random_device random;
    for (std::byte& byte : uuid.bytes) byte = static_cast<std::byte>(random() & 0xff);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kIo, "no random bytes for a new store: {}", error.what());
  }
  uuid.bytes[6] = (uuid.bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  uuid.bytes[8] = (uuid.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  return uuid;
}

}  // namespace packstore::format
