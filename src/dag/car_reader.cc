// 1. The header: a length, and DAG-CBOR. That of version 2 says where a file of version 1 lies in
//    this one and how long it is; its header follows there. What lies behind, an index, is not
//    read.
// 2. A section: a length, and as many bytes, a CID and the block. No length is believed beyond its
//    limit.
// 3. The end is where a length would begin. Anywhere else, and before the end that version 2
//    promises, the file was cut.
#include "dag/car_reader.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "dag/car_format.h"
#include "dag/varint.h"
#include "packstore/car.h"

namespace packstore::dag {
namespace {

constexpr std::uint64_t kSectionBytesMax = Cid::kSizeMax + kCarBlockBytesMax;

Error cut_in_header(std::uint64_t offset) {
  return fail(ErrorCode::kCorrupt, "CAR at byte {}: the file ends within its header", offset);
}

}  // namespace

Result<CarReader> CarReader::open(ByteSource& source) {
  CarReader car(source);
  ASSIGN_OR_RETURN(Bytes bytes, car.read_header());
  ASSIGN_OR_RETURN(CarHeader header, decode_car_header(bytes));
  if (header.version == 2) {
    car.version_ = 2;
    RETURN_IF_ERROR(car.enter_version_2());
    ASSIGN_OR_RETURN(bytes, car.read_header());
    ASSIGN_OR_RETURN(header, decode_car_header(bytes));
    if (header.version != 1) {
      return fail(ErrorCode::kCorrupt, "CAR of version 2: holds one of version {}, not 1",
                  header.version);
    }
  }
  car.roots_ = std::move(header.roots);
  return car;
}

Result<CarReader::Length> CarReader::read_length() {
  std::array<std::byte, kMultiformatVarintSizeMax> bytes{};
  std::size_t size = 0;
  const std::uint64_t offset = reader_.offset();
  do {
    ASSIGN_OR_RETURN(const std::optional<std::byte> byte, reader_.read_byte());
    if (!byte) return Length{.is_cut = size > 0};
    bytes[size++] = *byte;
  } while (bytes[size - 1] >= std::byte{0x80} && size < bytes.size());
  ByteView rest = ByteView(bytes).first(size);
  const std::optional<std::uint64_t> value = take_varint(rest, kMultiformatVarintSizeMax);
  if (value) return Length{.value = value};
  return fail(ErrorCode::kCorrupt, "CAR at byte {}: a length that is no number in shortest form",
              offset);
}

Result<Bytes> CarReader::read_header() {
  const std::uint64_t offset = reader_.offset();
  ASSIGN_OR_RETURN(const Length length, read_length());
  if (!length.value) return cut_in_header(offset);
  if (*length.value == 0 || *length.value > kCarHeaderBytesMax) {
    return fail(ErrorCode::kCorrupt, "CAR at byte {}: a header claims {} bytes, limits 1 and {}",
                offset, *length.value, kCarHeaderBytesMax);
  }
  Bytes bytes(static_cast<std::size_t>(*length.value));
  ASSIGN_OR_RETURN(const std::size_t count, reader_.read(bytes));
  if (count < bytes.size()) return cut_in_header(reader_.offset());
  return bytes;
}

Status CarReader::enter_version_2() {
  std::array<std::byte, CarV2Header::kSize> bytes{};
  ASSIGN_OR_RETURN(const std::size_t count, reader_.read(bytes));
  if (count < bytes.size()) return cut_in_header(reader_.offset());
  ASSIGN_OR_RETURN(const CarV2Header header, decode_car_v2_header(bytes, reader_.offset()));
  const std::uint64_t padding = header.data_offset - reader_.offset();
  ASSIGN_OR_RETURN(const std::uint64_t skipped, reader_.skip(padding));
  if (skipped < padding) return cut_in_header(reader_.offset());
  reader_.end_after(header.data_size);
  return {};
}

std::optional<CarBlock> CarReader::break_off(std::uint64_t offset) {
  cut_off_at_ = offset;
  return std::nullopt;
}

Result<std::optional<CarBlock>> CarReader::next() {
  const std::uint64_t offset = reader_.offset();
  ASSIGN_OR_RETURN(const Length length, read_length());
  if (!length.value) {
    const bool is_early = version_ == 2 && reader_.left() > 0;
    if (length.is_cut || is_early) return break_off(offset);
    return std::optional<CarBlock>();
  }
  if (*length.value == 0 || *length.value > kSectionBytesMax) {
    return fail(ErrorCode::kCorrupt, "CAR at byte {}: a block claims {} bytes, limits 1 and {}",
                offset, *length.value, kSectionBytesMax);
  }
  Bytes section(static_cast<std::size_t>(*length.value));
  ASSIGN_OR_RETURN(const std::size_t count, reader_.read(section));
  if (count < section.size()) return break_off(offset);

  ByteView rest = section;
  Result<Cid> cid = Cid::decode_front(rest);
  if (!cid) {
    return fail(cid.error().code, "CAR at byte {}: {}", offset, cid.error().message);
  }
  if (rest.size() > kCarBlockBytesMax) {
    return fail(ErrorCode::kCorrupt, "CAR at byte {}: a block has {} bytes, limit {}", offset,
                rest.size(), kCarBlockBytesMax);
  }
  CarBlock block{.cid = *std::move(cid), .offset = offset};
  block.cid_size = section.size() - rest.size();
  block.section = std::move(section);
  return std::optional(std::move(block));
}

}  // namespace packstore::dag
