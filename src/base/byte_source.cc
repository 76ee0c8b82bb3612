#include "packstore/byte_source.h"

#include <algorithm>
#include <cstring>

namespace packstore {

Result<std::size_t> ViewSource::read(std::span<std::byte> into) {
  const std::size_t count = std::min(into.size(), rest_.size());
  if (count != 0) std::memcpy(into.data(), rest_.data(), count);
  rest_ = rest_.subspan(count);
  return count;
}

}  // namespace packstore
