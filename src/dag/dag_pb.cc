#include "dag/dag_pb.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "dag/protobuf.h"
#include "dag/varint.h"

namespace packstore::dag {
namespace {

// Fields of a node.
constexpr std::uint64_t kData = 1;
constexpr std::uint64_t kLink = 2;
// Fields of a link.
constexpr std::uint64_t kHash = 1;
constexpr std::uint64_t kName = 2;
constexpr std::uint64_t kEncodedSize = 3;

bool is(const PbField& field, std::uint64_t number, PbWire wire) {
  return field.number == number && field.wire == wire;
}

Result<PbLink> decode_link(ByteView bytes) {
  PbReader reader(bytes, "DAG-PB link");
  if (reader.at_end()) return reader.broken("no hash");
  ASSIGN_OR_RETURN(const PbField hash, reader.next());
  if (!is(hash, kHash, PbWire::kBytes)) return reader.broken("does not begin with a hash");
  Result<Cid> cid = Cid::decode(hash.bytes);
  if (!cid) return reader.broken(cid.error().message);
  PbLink link{.cid = *std::move(cid)};
  for (std::uint64_t last = kHash; !reader.at_end();) {
    ASSIGN_OR_RETURN(const PbField field, reader.next());
    if (field.number <= last) return reader.broken("a field again, or out of order");
    last = field.number;
    if (is(field, kName, PbWire::kBytes)) {
      link.name = as_text(field.bytes);
    } else if (is(field, kEncodedSize, PbWire::kNumber)) {
      link.encoded_size = field.value;
    } else {
      return reader.broken("a field that links do not have");
    }
  }
  return link;
}

std::size_t encoded_size_of(const PbLink& link) {
  std::size_t size = 1 + varint_size(link.cid.encoded_size()) + link.cid.encoded_size();
  if (link.name) size += 1 + varint_size(link.name->size()) + link.name->size();
  if (link.encoded_size) size += 1 + varint_size(*link.encoded_size);
  return size;
}

void append_link(Bytes& out, const PbLink& link) {
  append_bytes_head(out, kLink, encoded_size_of(link));
  append_bytes_head(out, kHash, link.cid.encoded_size());
  link.cid.append_to(out);
  if (link.name) append_bytes_field(out, kName, as_bytes(*link.name));
  if (link.encoded_size) append_number_field(out, kEncodedSize, *link.encoded_size);
}

}  // namespace

Result<PbNode> decode_pb(ByteView bytes) {
  PbNode node;
  for (PbReader reader(bytes, "DAG-PB node"); !reader.at_end();) {
    ASSIGN_OR_RETURN(const PbField field, reader.next());
    if (node.data) return reader.broken("a field behind the data");
    if (is(field, kLink, PbWire::kBytes)) {
      ASSIGN_OR_RETURN(PbLink link, decode_link(field.bytes));
      node.links.push_back(std::move(link));
    } else if (is(field, kData, PbWire::kBytes)) {
      node.data = field.bytes;
    } else {
      return reader.broken("a field that nodes do not have");
    }
  }
  return node;
}

Bytes encode_pb(const PbNode& node) {
  std::vector<const PbLink*> links;
  links.reserve(node.links.size());
  std::size_t size = node.data ? node.data->size() + kPbHeadSizeMax : 0;
  for (const PbLink& link : node.links) {
    links.push_back(&link);
    size += encoded_size_of(link) + kPbHeadSizeMax;
  }
  std::ranges::stable_sort(links, {}, [](const PbLink* link) { return link->name.value_or(""); });
  Bytes bytes;
  bytes.reserve(size);
  for (const PbLink* link : links) append_link(bytes, *link);
  if (node.data) append_bytes_field(bytes, kData, *node.data);
  return bytes;
}

}  // namespace packstore::dag
