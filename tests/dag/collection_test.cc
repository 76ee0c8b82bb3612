// A collection follows the links of real nodes.
#include <gmock/gmock.h>

#include "dag/dag_cbor.h"
#include "dag/dag_pb.h"
#include "file_sources.h"
#include "inline_cids.h"
#include "packstore/dag.h"
#include "packstore/directory.h"
#include "packstore/store.h"
#include "support/store_scratch.h"

namespace packstore::dag {
namespace {

using testing::FailsWith;
using testing::Succeeds;

class DagCollection : public ::testing::Test {
 protected:
  Cid put(NodeKind kind, ByteView block) { return Cid::of(kind, store_.put(block).value()); }
  Cid put_text(std::string_view text) { return put(NodeKind::kRaw, as_bytes(text)); }
  Cid put_cbor(const CborValue& value) {
    return put(NodeKind::kDagCbor, encode_cbor(value).value());
  }
  void set_ref(const Cid& to) {
    const auto from = store_.refs().find("head").value();
    ASSERT_THAT(
        store_.refs().move("head", {.from = from, .to = to.object_id(), .kind = *to.kind()}),
        Succeeds());
  }
  Result<CollectReport> collect() {
    return store_.lock_maintenance().value().collect({.children_of = object_links});
  }
  bool has(const Cid& cid) { return store_.contains(*cid.object_id()).value(); }

  testing::ScratchDirectory scratch_;
  Store store_ = Store::create(scratch_ / "store").value();
};

TEST_F(DagCollection, FollowsDagCborAndDagPb) {
  const Cid leaf = put_text("leaf");
  const Cid other = put_text("other");
  const Cid within = Cid::parse("bafkqabiaaebagba").value();  // Needs no object.
  const Cid pb = put(NodeKind::kDagPb, encode_pb({.links = {{.cid = leaf}, {.cid = leaf}}}));
  const Cid inner = put_cbor({CborList{{other}, {within}}});
  const Cid root = put_cbor({CborMap{{"a", {pb}}, {"b", {CborList{{inner}}}}}});
  const Cid garbage = put_cbor({CborList{{leaf}}});
  set_ref(root);
  EXPECT_EQ(collect().value().removed, 1);
  EXPECT_FALSE(has(garbage));
  for (const Cid& cid : {leaf, other, pb, inner, root}) EXPECT_TRUE(has(cid));

  set_ref(inner);
  EXPECT_EQ(collect().value().removed, 3);
  EXPECT_TRUE(has(other));
}

// A node in the CID that links to it is no object, and what it links to is one.
TEST_F(DagCollection, FollowsNodesThatStandInACid) {
  const Cid leaf = put_text("leaf");
  const Cid within = cid_within(NodeKind::kDagCbor, encode_cbor({CborList{{leaf}}}).value());
  set_ref(put_cbor({CborList{{within}}}));
  put_text("garbage");
  EXPECT_EQ(collect().value().removed, 1);
  EXPECT_TRUE(has(leaf));
}

TEST_F(DagCollection, CountsWhatANodeThatStandsInACidReferences) {
  store_ = Store::create(scratch_ / "counting", {.reference_counts = ReferenceCounts::kExact,
                                                 .open = {.children_of = object_links}})
               .value();
  const Cid leaf = put_text("leaf");
  const Cid within = cid_within(NodeKind::kDagCbor, encode_cbor({CborList{{leaf}}}).value());
  set_ref(put_cbor({CborList{{within}}}));
  EXPECT_EQ(store_.refs().count({*leaf.object_id(), NodeKind::kRaw}).value(), 1);
  EXPECT_EQ(collect().value().removed, 0);
  ASSERT_THAT(store_.refs().dereference("head"), Succeeds());
  EXPECT_FALSE(has(leaf));
}

// Every shard of a directory, and every file behind it, the chunks of large ones included.
TEST_F(DagCollection, FollowsDirectoriesOfShards) {
  StoreBlocks blocks(store_);
  std::vector<DirectoryEntry> entries;
  for (int i = 0; i < 100; ++i) {
    const Bytes content = testing::noise(i == 7 ? 5'000 : 50, static_cast<std::uint64_t>(i));
    const FileRoot file =
        testing::write_bytes(blocks, content, {.profile = testing::narrow_profile()});
    entries.push_back({std::to_string(i), file.cid, file.encoded_size});
  }
  const DirectoryRoot inner = write_directory(blocks, entries, {.shard_above = 0}).value();
  const DirectoryEntry below{"below", inner.cid, inner.encoded_size};
  const Cid root = write_directory(blocks, {&below, 1}).value().cid;
  ASSERT_THAT(blocks.commit(), Succeeds());
  ASSERT_GT(inner.nodes, 10U);
  const std::uint64_t objects =
      check_dag(blocks, root).value().leaves + check_dag(blocks, root).value().nodes;

  put_text("garbage");
  set_ref(root);
  EXPECT_EQ(collect().value().removed, 1U);
  EXPECT_TRUE(check_dag(blocks, root).value().is_whole());
  EXPECT_EQ(list_directory(blocks, inner.cid).value().size(), entries.size());

  set_ref(put_text("another root"));
  EXPECT_EQ(collect().value().removed, objects);
}

// The same bytes, once data and once a node.
TEST_F(DagCollection, FollowsNoLinksOfWhatTheCidCallsRaw) {
  const Cid leaf = put_text("leaf");
  const Cid as_node = put_cbor({CborList{{leaf}}});
  const Cid as_data = Cid::of(NodeKind::kRaw, *as_node.object_id());
  set_ref(put_cbor({CborList{{as_data}}}));
  EXPECT_EQ(collect().value().removed, 1);
  EXPECT_FALSE(has(leaf));
  EXPECT_TRUE(has(as_node));
}

TEST_F(DagCollection, RefusesBytesThatAreNoStrictNode) {
  const Cid garbage = put_text("garbage");
  const Cid broken = put(NodeKind::kDagCbor, as_bytes("?"));
  set_ref(put_cbor({CborList{{broken}}}));
  EXPECT_THAT(collect(), FailsWith(ErrorCode::kCorrupt));
  EXPECT_TRUE(has(garbage));
}

}  // namespace
}  // namespace packstore::dag
