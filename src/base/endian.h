// Little-endian integers in byte buffers; the only place that knows about byte order.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>

namespace packstore {

static_assert(std::endian::native == std::endian::little,
              "a big-endian port swaps here and nowhere else");

template <std::unsigned_integral T>
T load_le(std::span<const std::byte, sizeof(T)> from) {
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  return value;
}

template <std::unsigned_integral T>
void store_le(std::span<std::byte, sizeof(T)> into, T value) {
  std::memcpy(into.data(), &value, sizeof value);
}

}  // namespace packstore
