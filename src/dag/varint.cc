#include "dag/varint.h"

#include <algorithm>
#include <bit>

namespace packstore::dag {

std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

void append_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

std::optional<std::uint64_t> take_varint(ByteView& rest, std::size_t size_max) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min(size_max, rest.size()); ++i) {
    const auto byte = std::to_integer<std::uint64_t>(rest[i]);
    const std::uint64_t bits = byte & 0x7f;
    // The tenth byte has room for the last of 64 bits only.
    if (i == 9 && bits > 1) return std::nullopt;
    value |= bits << (7 * i);
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;
    rest = rest.subspan(i + 1);
    return value;
  }
  return std::nullopt;
}

}  // namespace packstore::dag
