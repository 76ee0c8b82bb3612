#include "dag/car_format.h"

#include <string_view>

#include "base/byte_cursor.h"
#include "base/checked_math.h"
#include "base/error.h"
#include "dag/dag_cbor.h"
#include "dag/varint.h"

namespace packstore::dag {
namespace {

constexpr std::string_view kRootsKey = "roots";
constexpr std::string_view kVersionKey = "version";

Result<std::vector<Cid>> read_roots(CborReader& reader) {
  ASSIGN_OR_RETURN(const std::uint64_t count, reader.next_list(kRootsKey));
  std::vector<Cid> roots;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(Cid root, reader.next_link("a root"));
    roots.push_back(std::move(root));
  }
  return roots;
}

}  // namespace

Bytes encode_car_header(const Cid& root) {
  Bytes header;
  CborWriter writer(header);
  writer.map(2);
  writer.text(kRootsKey);
  writer.list(1);
  writer.link(root);
  writer.text(kVersionKey);
  writer.number(1);
  Bytes bytes;
  append_varint(bytes, header.size());
  bytes.insert(bytes.end(), header.begin(), header.end());
  return bytes;
}

void append_section_head(Bytes& out, const Cid& cid, std::uint64_t size) {
  append_varint(out, cid.encoded_size() + size);
  cid.append_to(out);
}

Result<CarHeader> decode_car_header(ByteView bytes) {
  CarHeader header;
  bool has_roots = false;
  CborReader reader(bytes);
  ASSIGN_OR_RETURN(const std::uint64_t keys, reader.next_map("the header"));
  for (std::uint64_t i = 0; i < keys; ++i) {
    ASSIGN_OR_RETURN(const std::string_view key, reader.next_text("a key of the header"));
    if (key == kRootsKey) {
      has_roots = true;
      ASSIGN_OR_RETURN(header.roots, read_roots(reader));
    } else if (key == kVersionKey) {
      ASSIGN_OR_RETURN(header.version, reader.next_unsigned(kVersionKey));
    } else {
      return fail(ErrorCode::kCorrupt, "CAR header: a key that is neither roots nor version");
    }
  }
  RETURN_IF_ERROR(reader.finish());
  if (header.version > 2) {
    return fail(ErrorCode::kUnsupported, "CAR of version {}: limit 2", header.version);
  }
  if (header.version == 0) return fail(ErrorCode::kCorrupt, "CAR header: no version");
  if (has_roots != (header.version == 1)) {
    return fail(ErrorCode::kCorrupt, "CAR header: version {} {} roots", header.version,
                has_roots ? "with" : "without");
  }
  return header;
}

Result<CarV2Header> decode_car_v2_header(std::span<const std::byte, CarV2Header::kSize> bytes,
                                         std::uint64_t position) {
  ByteReader reader(bytes);
  reader.take(16);  // Characteristics: what an index would hold.
  const CarV2Header header{.data_offset = reader.read<std::uint64_t>(),
                           .data_size = reader.read<std::uint64_t>()};
  if (header.data_offset < position || header.data_size == 0 ||
      !checked_add(header.data_offset, header.data_size)) {
    return fail(ErrorCode::kCorrupt,
                "CAR of version 2: data of {} bytes at {}, the header ends at {}", header.data_size,
                header.data_offset, position);
  }
  return header;
}

}  // namespace packstore::dag
