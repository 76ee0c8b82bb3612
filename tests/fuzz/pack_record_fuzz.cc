// The header of a record: any 64 bytes, and any claims under a right checksum.
#include "base/check.h"
#include "format/pack_record.h"
#include "fuzz/fuzz_input.h"

namespace packstore::testing {
namespace {

using format::PackRecord;

void expect_within_limits(const PackRecord& record) {
  PACKSTORE_CHECK(record.kind <= PackRecord::Kind::kCommit);
  PACKSTORE_CHECK(record.codec <= Codec::kZstd);
  PACKSTORE_CHECK(record.size <= PackRecord::kBytesMax);
  PACKSTORE_CHECK(record.stored_size <= PackRecord::kBytesMax);
}

void decode_claims(FuzzInput input) {
  const format::RecordPlace place = {.pack = input.take<std::uint64_t>(),
                                     .offset = input.take<std::uint64_t>()};
  PackRecord record = {.kind = static_cast<PackRecord::Kind>(input.take<std::uint8_t>()),
                       .codec = static_cast<Codec>(input.take<std::uint8_t>())};
  record.stored_xxh3 = input.take<std::uint64_t>();
  (record.is_object() ? record.size : record.group_start) = input.take<std::uint64_t>();
  record.stored_size = input.take<std::uint64_t>();
  for (std::byte& byte : record.id.bytes) byte = std::byte{input.take<std::uint8_t>()};
  const auto decoded = format::decode_pack_record(format::encode(record, place), place);
  if (!decoded) return;
  PACKSTORE_CHECK(*decoded == record);
  expect_within_limits(*decoded);
}

void decode_anything(ByteView bytes) {
  if (bytes.size() < PackRecord::kHeaderSize) return;
  const auto record = format::decode_pack_record(bytes.first<PackRecord::kHeaderSize>(), {});
  if (record) expect_within_limits(*record);
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const packstore::testing::FuzzInput input(data, size);
  packstore::testing::decode_anything(input.rest());
  packstore::testing::decode_claims(input);
  return 0;
}
