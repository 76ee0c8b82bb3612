#include "chunking/gear_chunker.h"

#include "chunking/scalar_cut.h"
#include "chunking/stream_cut.h"

namespace packstore::chunking {

std::size_t GearChunker::cut(ByteView data, InputEnd end,
                             std::vector<std::uint32_t>& lengths) const {
  if (kernel_ != nullptr) return cut_by_streams(*kernel_, rule_, data, end, lengths);
  if (scan_ == Scan::kPortable) return cut_in_two_lanes(rule_, data, end, lengths);
  return cut_in_one_lane(rule_, data, end, lengths);
}

}  // namespace packstore::chunking
