// Nodes of directories: names are names and not there twice, buckets ascend, and a strict node
// comes back as it was. Then the node as the root of a directory whose other blocks are missing.
#include "dag/directory_node.h"

#include <set>

#include "base/check.h"
#include "fuzz/fuzz_input.h"
#include "packstore/block_store.h"

namespace packstore::testing {
namespace {

void check_links(const dag::DirectoryNode& node) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < node.links.size(); ++i) {
    const dag::DirectoryLink& link = node.links[i];
    if (node.is_shard()) {
      PACKSTORE_CHECK(link.bucket < node.fanout);
      PACKSTORE_CHECK(i == 0 || node.links[i - 1].bucket < link.bucket);
    } else {
      PACKSTORE_CHECK(names.insert(link.name).second);
      PACKSTORE_CHECK(!link.is_shard());
    }
    PACKSTORE_CHECK(link.is_shard() || dag::check_entry_name(link.name).has_value());
  }
}

void read_directory(const Cid& cid, ByteView block) {
  MemoryBlocks blocks;
  PACKSTORE_CHECK(blocks.put(NodeKind::kDagPb, block).has_value());
  const auto entries = list_directory(blocks, cid);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    PACKSTORE_CHECK(find_entry(blocks, cid, entry.name).value() == entry);
  }
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView block = testing::FuzzInput(data, size).rest();
  const Cid cid = Cid::of(NodeKind::kDagPb, ObjectId::of(block));
  const auto node = dag::decode_directory_node(cid, block);
  if (!node) return 0;
  testing::check_links(*node);
  const Bytes again = node->is_shard() ? dag::encode_shard(node->fanout, node->links)
                                       : dag::encode_directory(node->links);
  const auto decoded = dag::decode_directory_node(cid, again);
  PACKSTORE_CHECK(decoded.value().links.size() == node->links.size());
  testing::read_directory(cid, block);
  return 0;
}
