// DAG-CBOR: strict, so whatever is accepted is encoded to the same bytes.
#include "dag/dag_cbor.h"

#include <algorithm>

#include "base/check.h"
#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView bytes = testing::FuzzInput(data, size).rest();
  if (const auto value = dag::decode_cbor(bytes)) {
    PACKSTORE_CHECK(std::ranges::equal(dag::encode_cbor(*value).value(), bytes));
  }
  return 0;
}
