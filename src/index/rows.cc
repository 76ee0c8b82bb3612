#include "index/rows.h"

#include <algorithm>

#include "base/error.h"

namespace packstore::index {
namespace {

// The first record of a pack stands behind the pack's header.
constexpr std::uint64_t kOffsetMin = 64;

}  // namespace

Status check(const ObjectRow& row) {
  const Location& at = row.at;
  if (at.codec > Codec::kZstd) {
    return fail(ErrorCode::kCorrupt, "index row of {}: unknown codec {}", row.id.to_hex(),
                static_cast<unsigned>(at.codec));
  }
  if (at.pack == 0 || at.pack > kPackMax) {
    return fail(ErrorCode::kCorrupt, "index row of {}: claims pack {}, packs are 1 to {}",
                row.id.to_hex(), at.pack, kPackMax);
  }
  if (at.offset < kOffsetMin || at.offset > kOffsetMax) {
    return fail(ErrorCode::kCorrupt, "index row of {}: claims offset {}, limits are {} and {}",
                row.id.to_hex(), at.offset, kOffsetMin, kOffsetMax);
  }
  if (std::max(at.stored_size, at.size) > kObjectBytesMax) {
    return fail(ErrorCode::kCorrupt, "index row of {}: claims {} bytes stored in {}, limit {}",
                row.id.to_hex(), at.size, at.stored_size, kObjectBytesMax);
  }
  if (at.codec == Codec::kNone && at.stored_size != at.size) {
    return fail(ErrorCode::kCorrupt, "index row of {}: claims {} bytes verbatim in {} stored ones",
                row.id.to_hex(), at.size, at.stored_size);
  }
  return {};
}

Status check(const PackRow& row) {
  if (row.pack == 0 || row.pack > kPackMax) {
    return fail(ErrorCode::kCorrupt, "row of pack {}: packs are 1 to {}", row.pack, kPackMax);
  }
  if (row.state > PackState::kRetired) {
    return fail(ErrorCode::kCorrupt, "row of pack {}: unknown state {}", row.pack,
                static_cast<unsigned>(row.state));
  }
  if (std::max(row.indexed_bytes, row.dead_bytes) > kOffsetMax) {
    return fail(ErrorCode::kCorrupt, "row of pack {}: claims {} bytes, {} of them dead, limit {}",
                row.pack, row.indexed_bytes, row.dead_bytes, kOffsetMax);
  }
  return {};
}

}  // namespace packstore::index
