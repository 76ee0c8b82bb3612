// Nodes of files in both codecs: sizes add up to what the node says, without overflow.
#include "dag/file_node.h"

#include "base/check.h"
#include "dag/file_tree.h"
#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView block = testing::FuzzInput(data, size).rest();
  for (const NodeKind kind : {NodeKind::kRaw, NodeKind::kDagPb, NodeKind::kDagCbor}) {
    static_cast<void>(dag::decode_file_tree_node(Cid::of(kind, ObjectId()), block));
    const auto node = dag::decode_file_node(Cid::of(kind, ObjectId()), block);
    if (!node) continue;
    std::uint64_t rest = node->size;
    PACKSTORE_CHECK(node->content.size() <= rest);
    rest -= node->content.size();
    for (const dag::FileNodeChild& child : node->children) {
      PACKSTORE_CHECK(child.size <= rest);
      rest -= child.size;
    }
    PACKSTORE_CHECK(rest == 0);
  }
  return 0;
}
