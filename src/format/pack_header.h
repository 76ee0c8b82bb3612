// docs/format.md, "Pack header": the first 64 bytes of a pack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::format {

// The 16 bytes of a store's UUID (RFC 9562, version 4).
struct Uuid {
  std::array<std::byte, 16> bytes{};
  friend bool operator==(const Uuid&, const Uuid&) = default;
};

// 8-4-4-4-12 lower-case hexadecimal digits.
std::string to_text(const Uuid& uuid);
// kCorrupt: `text` is not that form.
Result<Uuid> parse_uuid(std::string_view text);
// A random one, version 4. kIo: the system has no random bytes to give.
Result<Uuid> make_uuid();

struct PackHeader {
  static constexpr std::size_t kSize = 64;
  static constexpr std::uint32_t kVersion = 1;

  Uuid store = {};
  std::uint64_t pack = 0;
  std::uint64_t created_at = 0;  // Microseconds since 1970-01-01T00:00:00Z.

  friend bool operator==(const PackHeader&, const PackHeader&) = default;
};

std::array<std::byte, PackHeader::kSize> encode(const PackHeader& header);

// kCorrupt: magic or checksum is wrong. kUnsupported: a version that this library does not know.
Result<PackHeader> decode_pack_header(std::span<const std::byte, PackHeader::kSize> bytes);

}  // namespace packstore::format
