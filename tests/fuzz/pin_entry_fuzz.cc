// An entry of a pin file: any 36 bytes.
#include <algorithm>

#include "base/check.h"
#include "format/pin_entry.h"
#include "fuzz/fuzz_input.h"

namespace packstore::testing {
namespace {

void decode_anything(ByteView bytes) {
  if (bytes.size() < format::kPinEntrySize) return;
  const auto entry = bytes.first<format::kPinEntrySize>();
  const Result<Link> link = format::decode_pin_entry(entry);
  if (!link) return;
  const auto again = format::encode(*link);
  PACKSTORE_CHECK(std::equal(again.begin(), again.end(), entry.begin()));
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  packstore::testing::decode_anything(packstore::testing::FuzzInput(data, size).rest());
  return 0;
}
