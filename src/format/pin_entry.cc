#include "format/pin_entry.h"

#include <algorithm>
#include <cstdint>

#include "base/endian.h"
#include "base/error.h"
#include "base/node_kind.h"

namespace packstore::format {

std::array<std::byte, kPinEntrySize> encode(const Link& link) {
  std::array<std::byte, kPinEntrySize> bytes{};
  std::copy(link.id.bytes.begin(), link.id.bytes.end(), bytes.begin());
  store_le(std::span(bytes).last<4>(), static_cast<std::uint32_t>(link.kind));
  return bytes;
}

Result<Link> decode_pin_entry(std::span<const std::byte, kPinEntrySize> bytes) {
  Link link;
  std::copy_n(bytes.begin(), ObjectId::kSize, link.id.bytes.begin());
  const auto number = load_le<std::uint32_t>(bytes.last<4>());
  if (const auto kind = to_node_kind(number)) {
    link.kind = *kind;
    return link;
  }
  return fail(ErrorCode::kUnsupported, "pin of {}: unknown kind of node {:#x}", link.id.to_hex(),
              number);
}

}  // namespace packstore::format
