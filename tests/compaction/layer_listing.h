// A listing of layers as bytes.
#pragma once

#include "compaction/layer_set.h"
#include "compaction/layer_storage.h"
#include "packstore/bytes.h"

namespace packstore {

Bytes encode_listing(const LayerListing& listing);
// kCorrupt: these are not the bytes of a listing.
// Files give back what is dead in blocks of `hole_bytes`.
Result<LayerSet> decode_listing(ByteView bytes, Grid grid, std::uint64_t hole_bytes = 0);

}  // namespace packstore
