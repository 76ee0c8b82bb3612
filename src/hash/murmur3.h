// MurmurHash3: spreads the names of a directory over its shards. Anybody can make names collide.
#pragma once

#include <cstdint>

#include "packstore/bytes.h"

namespace packstore::hash {

// The first half of MurmurHash3_x64_128 with seed 0: "murmur3-x64-64" of the multicodec table.
// Algorithm: Austin Appleby, https://github.com/aappleby/smhasher.
std::uint64_t murmur3(ByteView bytes);

}  // namespace packstore::hash
