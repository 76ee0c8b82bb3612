// DAG-PB, and the UnixFS data in its nodes.
#include "dag/dag_pb.h"

#include "base/check.h"
#include "dag/unixfs.h"
#include "fuzz/fuzz_input.h"

namespace packstore::testing {
namespace {

void read_unixfs(ByteView bytes) {
  const auto data = dag::decode_unixfs(bytes);
  if (!data) return;
  const Bytes again = dag::encode_unixfs(*data);
  PACKSTORE_CHECK(dag::encode_unixfs(dag::decode_unixfs(again).value()) == again);
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView bytes = testing::FuzzInput(data, size).rest();
  testing::read_unixfs(bytes);
  const auto node = dag::decode_pb(bytes);
  if (!node) return 0;
  const Bytes again = dag::encode_pb(*node);
  PACKSTORE_CHECK(again.size() == bytes.size());
  if (node->data) testing::read_unixfs(*node->data);
  return 0;
}
