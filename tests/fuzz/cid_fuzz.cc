// CIDs as bytes and as text: whatever is accepted is written back as it was.
#include "packstore/cid.h"

#include <algorithm>

#include "base/check.h"
#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView bytes = testing::FuzzInput(data, size).rest();
  if (const auto cid = Cid::decode(bytes)) {
    PACKSTORE_CHECK(std::ranges::equal(cid->encode(), bytes));
    PACKSTORE_CHECK(Cid::parse(cid->to_text()).value() == *cid);
  }
  ByteView rest = bytes;
  const auto front = Cid::decode_front(rest);
  PACKSTORE_CHECK(rest.size() <= bytes.size());
  PACKSTORE_CHECK(front.has_value() == (rest.size() < bytes.size()));
  if (const auto cid = Cid::parse(as_text(bytes))) {
    PACKSTORE_CHECK(Cid::decode(cid->encode()).value() == *cid);
  }
  return 0;
}
