#include "chunking/fixed_chunker.h"

namespace packstore::chunking {

std::size_t FixedChunker::cut(ByteView data, InputEnd end,
                              std::vector<std::uint32_t>& lengths) const {
  lengths.insert(lengths.end(), data.size() / bytes_, bytes_);
  const std::size_t rest_bytes = data.size() % bytes_;
  if (rest_bytes == 0 || end == InputEnd::kMore) return data.size() - rest_bytes;
  lengths.push_back(static_cast<std::uint32_t>(rest_bytes));
  return data.size();
}

}  // namespace packstore::chunking
