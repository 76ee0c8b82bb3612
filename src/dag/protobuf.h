// The wire of Protocol Buffers, as far as DAG-PB and UnixFS use it: fields of numbers, of 4 fixed
// bytes and of byte strings (https://protobuf.dev/programming-guides/encoding/).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::dag {

enum class PbWire : std::uint8_t { kNumber = 0, kBytes = 2, kFixed32 = 5 };

struct PbField {
  std::uint64_t number = 0;
  PbWire wire = PbWire::kNumber;
  std::uint64_t value = 0;  // kNumber, kFixed32.
  ByteView bytes = {};      // kBytes: a loan.
};

// Reads field by field, front to back. Errors: kCorrupt, with offset, claim and limit; numbers
// that are not in their shortest form are refused.
class PbReader {
 public:
  // `what` names the message in errors. Both outlive the reader.
  PbReader(ByteView bytes, std::string_view what) : rest_(bytes), all_(bytes), what_(what) {}

  bool at_end() const { return rest_.empty(); }
  Result<PbField> next();

  // An error about the field that was read last.
  Error broken(std::string_view claim) const;

 private:
  ByteView rest_;
  ByteView all_;
  std::string_view what_;
  std::size_t field_offset_ = 0;
};

void append_number_field(Bytes& out, std::uint64_t number, std::uint64_t value);
void append_bytes_field(Bytes& out, std::uint64_t number, ByteView value);
void append_fixed32_field(Bytes& out, std::uint64_t number, std::uint32_t value);
// The key and length of a byte string that the caller appends.
void append_bytes_head(Bytes& out, std::uint64_t number, std::size_t size);

// What append_bytes_field() appends at most, beside the value.
inline constexpr std::size_t kPbHeadSizeMax = 11;

}  // namespace packstore::dag
