// CIDs that carry what they name.
#pragma once

#include <cstdint>

#include "dag/varint.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"

namespace packstore::dag {

// Of version 1, with the identity in place of a hash.
inline Cid cid_within(NodeKind kind, ByteView content) {
  Bytes bytes{std::byte{1}};
  append_varint(bytes, static_cast<std::uint64_t>(kind));
  bytes.push_back(std::byte{0});
  append_varint(bytes, content.size());
  bytes.insert(bytes.end(), content.begin(), content.end());
  return Cid::decode(bytes).value();
}

}  // namespace packstore::dag
