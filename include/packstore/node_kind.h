// What the bytes of an object are to whoever follows links.
#pragma once

#include <cstdint>

namespace packstore {

// How the links in an object's bytes are found. An object is named by its bytes alone; its kind is
// said by whatever points at it: a link, a ref. The numbers are those of the multicodec table
// (https://github.com/multiformats/multicodec), which CIDs carry.
enum class NodeKind : std::uint32_t {
  kRaw = 0x55,      // Bytes without links.
  kDagPb = 0x70,    // DAG-PB, the nodes of UnixFS.
  kDagCbor = 0x71,  // DAG-CBOR, the nodes of this library.
};

}  // namespace packstore
