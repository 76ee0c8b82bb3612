// 1. Fields are read in any order, each into the member of its number; what is there twice, or is
//    of another wire type, is refused.
// 2. Then what was read must make sense together: which fields a type has, and their limits.
#include "dag/unixfs.h"

#include <bit>
#include <limits>

#include "base/error.h"
#include "dag/protobuf.h"
#include "dag/varint.h"

namespace packstore::dag {
namespace {

// Fields of the data.
constexpr std::uint64_t kType = 1;
constexpr std::uint64_t kData = 2;
constexpr std::uint64_t kFileSize = 3;
constexpr std::uint64_t kBlockSizes = 4;
constexpr std::uint64_t kHashType = 5;
constexpr std::uint64_t kFanout = 6;
constexpr std::uint64_t kMode = 7;
constexpr std::uint64_t kModifiedAt = 8;
// Fields of a time.
constexpr std::uint64_t kSeconds = 1;
constexpr std::uint64_t kNanoseconds = 2;

constexpr std::uint32_t kNanosecondsMax = 999'999'999;

bool is_known(std::uint64_t type) {
  return type <= static_cast<std::uint64_t>(UnixFsType::kHamtShard);
}

template <typename T>
Status set_once(const PbReader& reader, std::optional<T>& into, T value) {
  if (into) return reader.broken("a field again");
  into = value;
  return {};
}

Result<UnixFsTime> decode_time(ByteView bytes) {
  std::optional<std::int64_t> seconds;
  std::optional<std::uint32_t> nanoseconds;
  PbReader reader(bytes, "UnixFS time");
  while (!reader.at_end()) {
    ASSIGN_OR_RETURN(const PbField field, reader.next());
    if (field.number == kSeconds && field.wire == PbWire::kNumber) {
      RETURN_IF_ERROR(set_once(reader, seconds, static_cast<std::int64_t>(field.value)));
    } else if (field.number == kNanoseconds && field.wire == PbWire::kFixed32) {
      RETURN_IF_ERROR(set_once(reader, nanoseconds, static_cast<std::uint32_t>(field.value)));
    } else {
      return reader.broken("a field that times do not have");
    }
  }
  if (!seconds) return reader.broken("no seconds");
  const std::uint32_t rest = nanoseconds.value_or(0);
  if (rest > kNanosecondsMax) return reader.broken("nanoseconds above 999999999");
  return UnixFsTime{.seconds = *seconds, .nanoseconds = rest};
}

Status take_block_sizes(const PbReader& reader, const PbField& field, UnixFsData& data) {
  if (field.wire == PbWire::kNumber) {
    data.block_sizes.push_back(field.value);
    return {};
  }
  for (ByteView packed = field.bytes; !packed.empty();) {
    const auto size = take_varint(packed, kProtobufVarintSizeMax);
    if (!size) return reader.broken("a block size is no number in shortest form");
    data.block_sizes.push_back(*size);
  }
  return {};
}

PbWire wire_of(const PbField& field) {
  switch (field.number) {
    case kData:
    case kModifiedAt:
      return PbWire::kBytes;
    case kBlockSizes:
      return field.wire == PbWire::kBytes ? PbWire::kBytes : PbWire::kNumber;
    default:
      return PbWire::kNumber;
  }
}

Status take_field(const PbReader& reader, const PbField& field, std::optional<UnixFsType>& type,
                  UnixFsData& data) {
  if (field.number < kType || field.number > kModifiedAt) {
    return fail(ErrorCode::kUnsupported, "UnixFS: field {}, known are 1 to 8", field.number);
  }
  if (field.wire != wire_of(field)) return reader.broken("a field of another wire type");
  switch (field.number) {
    case kType:
      if (!is_known(field.value)) {
        return fail(ErrorCode::kUnsupported, "UnixFS: type {}, known are 0 to 5", field.value);
      }
      return set_once(reader, type, static_cast<UnixFsType>(field.value));
    case kData:
      return set_once(reader, data.data, field.bytes);
    case kFileSize:
      return set_once(reader, data.file_size, field.value);
    case kBlockSizes:
      return take_block_sizes(reader, field, data);
    case kHashType:
      return set_once(reader, data.hash_type, field.value);
    case kFanout:
      return set_once(reader, data.fanout, field.value);
    case kMode:
      if (field.value > std::numeric_limits<std::uint32_t>::max()) {
        return reader.broken("a mode of more than 32 bits");
      }
      return set_once(reader, data.mode, static_cast<std::uint32_t>(field.value));
    default: {
      ASSIGN_OR_RETURN(const UnixFsTime time, decode_time(field.bytes));
      return set_once(reader, data.modified_at, time);
    }
  }
}

Error senseless(std::string_view claim) { return fail(ErrorCode::kCorrupt, "UnixFS: {}", claim); }

Status check_sense(const UnixFsData& data) {
  const bool is_file = data.type == UnixFsType::kFile || data.type == UnixFsType::kRaw;
  if (!is_file && !data.block_sizes.empty()) return senseless("block sizes, but no file");
  const bool is_shard = data.type == UnixFsType::kHamtShard;
  if (!is_shard) {
    if (data.hash_type || data.fanout) return senseless("hash type or fan-out, but no shard");
    return {};
  }
  const std::uint64_t fanout = data.fanout.value_or(0);
  if (fanout < 8 || fanout > UnixFsData::kFanoutMax || !std::has_single_bit(fanout)) {
    return fail(ErrorCode::kCorrupt,
                "UnixFS: a fan-out of {}, which is no power of two from 8 to {}", fanout,
                UnixFsData::kFanoutMax);
  }
  return {};
}

Bytes encode_time(const UnixFsTime& time) {
  Bytes bytes;
  append_number_field(bytes, kSeconds, static_cast<std::uint64_t>(time.seconds));
  if (time.nanoseconds != 0) append_fixed32_field(bytes, kNanoseconds, time.nanoseconds);
  return bytes;
}

void append_if(Bytes& out, std::uint64_t number, const std::optional<std::uint64_t>& value) {
  if (value) append_number_field(out, number, *value);
}

}  // namespace

Result<UnixFsData> decode_unixfs(ByteView bytes) {
  UnixFsData data;
  std::optional<UnixFsType> type;
  PbReader reader(bytes, "UnixFS");
  while (!reader.at_end()) {
    ASSIGN_OR_RETURN(const PbField field, reader.next());
    RETURN_IF_ERROR(take_field(reader, field, type, data));
  }
  if (!type) return senseless("no type");
  data.type = *type;
  RETURN_IF_ERROR(check_sense(data));
  return data;
}

Bytes encode_unixfs(const UnixFsData& data) {
  Bytes bytes;
  append_number_field(bytes, kType, static_cast<std::uint64_t>(data.type));
  if (data.data) append_bytes_field(bytes, kData, *data.data);
  append_if(bytes, kFileSize, data.file_size);
  for (const std::uint64_t size : data.block_sizes) append_number_field(bytes, kBlockSizes, size);
  append_if(bytes, kHashType, data.hash_type);
  append_if(bytes, kFanout, data.fanout);
  append_if(bytes, kMode, data.mode);
  if (data.modified_at) append_bytes_field(bytes, kModifiedAt, encode_time(*data.modified_at));
  return bytes;
}

}  // namespace packstore::dag
