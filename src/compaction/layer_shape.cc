#include "packstore/layer_shape.h"

#include <fmt/format.h>

namespace packstore {

Key advance(Key key, std::uint64_t count) {
  Key sum{key.high, key.low + count};
  if (sum.low < key.low && ++sum.high == 0) return Key::max();
  return sum;
}

std::uint64_t distance(Key from, Key to) {
  if (to <= from) return 0;
  const std::uint64_t low = to.low - from.low;
  const std::uint64_t high = to.high - from.high - (to.low < from.low ? 1 : 0);
  return high == 0 ? low : std::numeric_limits<std::uint64_t>::max();
}

std::string to_string(Key key) { return fmt::format("{:x}:{:x}", key.high, key.low); }

}  // namespace packstore
