// Unsigned integers of 7 bits a byte, low bits first: "unsigned varint" of multiformats and
// "varint" of Protocol Buffers. Only the shortest form of a number is accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "packstore/bytes.h"

namespace packstore::dag {

// 63 bits: what multiformats allow (https://github.com/multiformats/unsigned-varint).
inline constexpr std::size_t kMultiformatVarintSizeMax = 9;
// 64 bits: Protocol Buffers.
inline constexpr std::size_t kProtobufVarintSizeMax = 10;

std::size_t varint_size(std::uint64_t value);

void append_varint(Bytes& out, std::uint64_t value);

// The number that `rest` starts with, whose start moves behind it; nullopt, and `rest` as it was,
// where it is cut off, longer than `size_max` bytes or than need be, or above 64 bits.
[[nodiscard]] std::optional<std::uint64_t> take_varint(ByteView& rest, std::size_t size_max);

}  // namespace packstore::dag
