#include "chunking/gear_chunker.h"

#include "base/check.h"
#include "chunking/scalar_cut.h"

namespace packstore::chunking {

std::size_t GearChunker::cut(ByteView data, InputEnd end,
                             std::vector<std::uint32_t>& lengths) const {
  switch (scan_) {
    case Scan::kScalar:
      return cut_in_one_lane(rule_, data, end, lengths);
    case Scan::kPortable:
      return cut_in_two_lanes(rule_, data, end, lengths);
  }
  check_failed(__FILE__, __LINE__, "a chunker has one of the scans that it was made with");
}

}  // namespace packstore::chunking
