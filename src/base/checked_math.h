// Arithmetic on lengths that came from disk or from a caller.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

namespace packstore {

// a + b, or nullopt where it does not fit.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

// True when [offset, offset + length) lies inside [0, limit).
constexpr bool fits(std::uint64_t offset, std::uint64_t length, std::uint64_t limit) {
  return offset <= limit && length <= limit - offset;
}

}  // namespace packstore
