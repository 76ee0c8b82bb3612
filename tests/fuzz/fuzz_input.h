// The bytes of a fuzzer, taken apart from front to back into numbers and pieces. Behind the end
// there are zeros and empty pieces, so that every input is a whole one.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "packstore/bytes.h"

namespace packstore::testing {

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : rest_(std::as_bytes(std::span(data, size))) {}

  bool empty() const { return rest_.empty(); }

  // Little-endian.
  template <std::unsigned_integral Number>
  Number take() {
    Number number = 0;
    const ByteView bytes = take_bytes(sizeof number);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      number |= static_cast<Number>(std::to_integer<Number>(bytes[i]) << (8 * i));
    }
    return number;
  }

  // 0 where `bound` is 0.
  std::size_t take_below(std::size_t bound) {
    const auto number = take<std::uint32_t>();
    return bound == 0 ? 0 : number % bound;
  }

  ByteView take_bytes(std::size_t size_max) {
    const ByteView taken = rest_.first(std::min(size_max, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

}  // namespace packstore::testing
