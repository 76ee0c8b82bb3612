#include "dag/protobuf.h"

#include <array>
#include <optional>

#include "base/endian.h"
#include "base/error.h"
#include "dag/varint.h"

namespace packstore::dag {
namespace {

void append_key(Bytes& out, std::uint64_t number, PbWire wire) {
  append_varint(out, number << 3 | static_cast<std::uint64_t>(wire));
}

}  // namespace

Error PbReader::broken(std::string_view claim) const {
  return fail(ErrorCode::kCorrupt, "{} at byte {}: {}", what_, field_offset_, claim);
}

Result<PbField> PbReader::next() {
  field_offset_ = all_.size() - rest_.size();
  const std::optional<std::uint64_t> key = take_varint(rest_, kProtobufVarintSizeMax);
  if (!key) return broken("the key of a field is no number in shortest form");
  PbField field{.number = *key >> 3, .wire = static_cast<PbWire>(*key & 7)};
  switch (field.wire) {
    case PbWire::kNumber:
    case PbWire::kBytes: {
      const std::optional<std::uint64_t> value = take_varint(rest_, kProtobufVarintSizeMax);
      if (!value) return broken("a value or length is no number in shortest form");
      field.value = *value;
      break;
    }
    case PbWire::kFixed32:
      if (rest_.size() < 4) return broken("a number of 4 bytes is cut off");
      field.value = load_le<std::uint32_t>(rest_.first<4>());
      rest_ = rest_.subspan(4);
      break;
    default:
      return broken("a wire type that is not used here");
  }
  if (field.wire != PbWire::kBytes) return field;
  if (field.value > rest_.size()) {
    return fail(ErrorCode::kCorrupt, "{} at byte {}: a field claims {} bytes, {} are left", what_,
                field_offset_, field.value, rest_.size());
  }
  field.bytes = rest_.first(static_cast<std::size_t>(field.value));
  rest_ = rest_.subspan(field.bytes.size());
  return field;
}

void append_number_field(Bytes& out, std::uint64_t number, std::uint64_t value) {
  append_key(out, number, PbWire::kNumber);
  append_varint(out, value);
}

void append_bytes_head(Bytes& out, std::uint64_t number, std::size_t size) {
  append_key(out, number, PbWire::kBytes);
  append_varint(out, size);
}

void append_bytes_field(Bytes& out, std::uint64_t number, ByteView value) {
  append_bytes_head(out, number, value.size());
  out.insert(out.end(), value.begin(), value.end());
}

void append_fixed32_field(Bytes& out, std::uint64_t number, std::uint32_t value) {
  append_key(out, number, PbWire::kFixed32);
  std::array<std::byte, 4> bytes{};
  store_le<std::uint32_t>(bytes, value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace packstore::dag
