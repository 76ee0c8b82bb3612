// The header of a pack: any 64 bytes, and one that a single byte was changed of.
#include "base/check.h"
#include "format/pack_header.h"
#include "fuzz/fuzz_input.h"

namespace packstore::testing {
namespace {

using format::PackHeader;

void decode_anything(ByteView bytes) {
  if (bytes.size() < PackHeader::kSize) return;
  const auto header = format::decode_pack_header(bytes.first<PackHeader::kSize>());
  if (!header) return;
  PACKSTORE_CHECK(format::decode_pack_header(format::encode(*header)).value() == *header);
}

void decode_changed(FuzzInput input) {
  PackHeader header;
  for (std::byte& byte : header.store.bytes) byte = std::byte{input.take<std::uint8_t>()};
  header.pack = input.take<std::uint64_t>();
  header.created_at = input.take<std::uint64_t>();
  auto bytes = format::encode(header);
  PACKSTORE_CHECK(format::decode_pack_header(bytes).value() == header);
  const std::byte change{input.take<std::uint8_t>()};
  bytes[input.take_below(bytes.size())] ^= change;
  PACKSTORE_CHECK(format::decode_pack_header(bytes).has_value() == (change == std::byte{0}));
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const packstore::testing::FuzzInput input(data, size);
  packstore::testing::decode_anything(input.rest());
  packstore::testing::decode_changed(input);
  return 0;
}
