// DAG-PB, strict: the nodes of UnixFS, in the one order of fields that writers use.
//
// A node is links, then data. Formats: https://ipld.io/specs/codecs/dag-pb/spec/, on the wire of
// Protocol Buffers: field 2 is a link (1 hash, 2 name, 3 size of what is below), field 1 the data.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

struct PbLink {
  Cid cid;
  // A loan; any bytes. Absent and empty are two things.
  std::optional<std::string_view> name = {};
  // What the writer says of the blocks below, its own included (Tsize): a hint.
  std::optional<std::uint64_t> encoded_size = {};
};

struct PbNode {
  std::vector<PbLink> links = {};
  // A loan. Absent and empty are two things.
  std::optional<ByteView> data = {};
};

// Views are loans from `bytes`.
//
// kCorrupt: not such a node: an unknown, repeated or misplaced field, a number not in its shortest
// form, a link without a CID.
Result<PbNode> decode_pb(ByteView bytes);

// Links are written in the order of their names' bytes, equal names in the order given.
Bytes encode_pb(const PbNode& node);

}  // namespace packstore::dag
