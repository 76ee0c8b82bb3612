// The bytes of CAR files (docs/format.md, "CAR").
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

// A header may have so many bytes: thousands of roots.
inline constexpr std::uint64_t kCarHeaderBytesMax = 1 << 20;

// The header of version 1 with one root, its length in front.
Bytes encode_car_header(const Cid& root);

// What stands in front of the `size` bytes of a block.
void append_section_head(Bytes& out, const Cid& cid, std::uint64_t size);

struct CarHeader {
  std::uint64_t version = 0;  // 1, or 2: then there is nothing else in it.
  std::vector<Cid> roots = {};
};

// `bytes` without the length in front.
//
// kCorrupt: no header. kUnsupported: a version after 2.
Result<CarHeader> decode_car_header(ByteView bytes);

// What follows the header of version 2; offsets count from the start of the file.
struct CarV2Header {
  static constexpr std::size_t kSize = 40;

  std::uint64_t data_offset = 0;  // Where a CAR of version 1 begins.
  std::uint64_t data_size = 0;
};
static_assert(CarV2Header::kSize ==
              16 /*characteristics*/ + 8 /*data offset*/ + 8 /*data size*/ + 8 /*index offset*/);

// `position` is the offset in the file behind it.
//
// kCorrupt: the data is not behind it, or has no size: a file that was never finished.
Result<CarV2Header> decode_car_v2_header(std::span<const std::byte, CarV2Header::kSize> bytes,
                                         std::uint64_t position);

}  // namespace packstore::dag
