// Links and sizes of blocks, whatever their kind.
#include "packstore/dag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dag/dag_cbor.h"
#include "dag/dag_pb.h"
#include "dag/file_node.h"
#include "dag/fixtures.h"
#include "dag/unixfs.h"
#include "inline_cids.h"

namespace packstore::dag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Cid raw_cid(std::string_view content) {
  return Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes(content)));
}

TEST(ChildrenOf, FindsLinksInEveryKindOfBlock) {
  const Cid a = raw_cid("a");
  const Cid b = Cid::parse("bafkqabiaaebagba").value();
  EXPECT_THAT(children_of(NodeKind::kRaw, as_bytes("anything")).value(), IsEmpty());
  const Bytes pb = encode_pb({.links = {{.cid = a}, {.cid = b}, {.cid = a}}});
  EXPECT_THAT(children_of(NodeKind::kDagPb, pb).value(), ElementsAre(a, b, a));
  const CborValue deep{CborMap{{"x", {CborList{{a}, {CborMap{{"y", {b}}}}}}}, {"z", {a}}}};
  EXPECT_THAT(children_of(NodeKind::kDagCbor, encode_cbor(deep).value()).value(),
              ElementsAre(a, b, a));
}

TEST(ChildrenOf, NamesTheBlockThatIsNoNode) {
  const Cid cid = Cid::of(NodeKind::kDagCbor, ObjectId::of(as_bytes("?")));
  const Error error = children_of(cid, as_bytes("?")).error();
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr(cid.to_text()));
  const Cid foreign = Cid::parse("z8mWaJ1dZ9fH5EetPuRsj8jj26pXsgpsr").value();
  EXPECT_EQ(children_of(foreign, {}).error().code, ErrorCode::kUnsupported);
}

TEST(ChildrenOf, FindsAsManyLinksAsTheFixtureSays) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  const auto folder = shared_testdata() / "codec-fixtures/dag-cbor";
  for (const auto& [name, count] :
       {std::pair("cid-arrayof", 16U), std::pair("cid-mapof", 16U), std::pair("null", 0U)}) {
    for (const auto& path : files_below(folder / name, ".dag-cbor")) {
      EXPECT_EQ(children_of(NodeKind::kDagCbor, read_bytes(path)).value().size(), count) << path;
    }
  }
}

TEST(ObjectLinks, AreThoseThatAStoreMayHold) {
  const Cid leaf = raw_cid("leaf");
  const Cid inner = Cid::of(NodeKind::kDagCbor, ObjectId::of(as_bytes("inner")));
  const Cid within = Cid::parse("bafkqabiaaebagba").value();
  const Bytes block = encode_cbor({CborList{{leaf}, {within}, {inner}}}).value();
  EXPECT_THAT(object_links(NodeKind::kDagCbor, block).value(),
              ElementsAre(Link{ObjectId::of(as_bytes("leaf")), NodeKind::kRaw},
                          Link{ObjectId::of(as_bytes("inner")), NodeKind::kDagCbor}));
  EXPECT_EQ(object_links(NodeKind::kDagCbor, as_bytes("?")).error().code, ErrorCode::kCorrupt);
}

Bytes links_to(const Cid& a, const Cid& b) { return encode_cbor({CborList{{a}, {b}}}).value(); }

TEST(ObjectLinks, AreFollowedThroughNodesThatStandInACid) {
  const Cid deep = raw_cid("deep");
  const Cid leaf = raw_cid("leaf");
  const Cid inner =
      cid_within(NodeKind::kDagPb, encode_pb({.links = {{.cid = deep}, {.cid = deep}}}));
  Cid cid = cid_within(NodeKind::kDagCbor, encode_cbor({CborList{{leaf}}}).value());
  for (int i = 0; i < 3; ++i) {
    cid = cid_within(NodeKind::kDagCbor, encode_cbor({CborList{{cid}}}).value());
  }
  EXPECT_THAT(
      object_links(NodeKind::kDagCbor, links_to(cid, inner)).value(),
      ElementsAre(Link{*leaf.object_id(), NodeKind::kRaw}, Link{*deep.object_id(), NodeKind::kRaw},
                  Link{*deep.object_id(), NodeKind::kRaw}));
}

// Nobody knows then what is behind it.
TEST(ObjectLinks, RefuseContentInACidThatIsNoNode) {
  const Cid leaf = raw_cid("leaf");
  const auto broken =
      object_links(NodeKind::kDagCbor, links_to(leaf, cid_within(NodeKind::kDagPb, as_bytes("?"))));
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, ErrorCode::kCorrupt);
  const Cid foreign = Cid::decode(as_bytes(std::string_view("\x01\x72\x00\x00", 4))).value();
  EXPECT_EQ(object_links(NodeKind::kDagCbor, links_to(leaf, foreign)).error().code,
            ErrorCode::kUnsupported);
}

TEST(LinksOf, SayTheNameOfAnEntryAndTheSizeOfAPiece) {
  const Bytes data = encode_unixfs({.type = UnixFsType::kDirectory});
  const Bytes directory = encode_pb(
      {.links = {{.cid = raw_cid("a"), .name = "first", .encoded_size = 9}}, .data = data});
  const Cid name = Cid::of(NodeKind::kDagPb, ObjectId::of(directory));
  const std::vector<DagLink> entries = links_of(name, directory).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].name, "first");
  EXPECT_EQ(entries[0].size, std::nullopt);

  const std::vector<FileNodeChild> children = {{.cid = raw_cid("abc"), .size = 3}};
  for (const auto& [kind, block] :
       {std::pair(NodeKind::kDagPb, encode_unixfs_file(children).value()),
        std::pair(NodeKind::kDagCbor, encode_native_file(children).value())}) {
    const auto pieces = links_of(Cid::of(kind, ObjectId::of(block)), block).value();
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(pieces[0].cid, raw_cid("abc"));
    EXPECT_EQ(pieces[0].size, 3U);
  }
}

TEST(SizeOf, ComesFromTheRootAlone) {
  const auto size = [](NodeKind kind, ByteView block) {
    return size_of(Cid::of(kind, ObjectId::of(block)), block);
  };
  const std::vector<FileNodeChild> children = {{.cid = raw_cid("x"), .size = 1ULL << 40},
                                               {.cid = raw_cid("y"), .size = 5}};
  EXPECT_EQ(size(NodeKind::kRaw, as_bytes("abc")).value(), 3U);
  EXPECT_EQ(size(NodeKind::kDagPb, encode_unixfs_leaf(as_bytes("abc"))).value(), 3U);
  EXPECT_EQ(size(NodeKind::kDagPb, encode_unixfs_file(children).value()).value(), (1ULL << 40) + 5);
  EXPECT_EQ(size(NodeKind::kDagCbor, encode_native_file(children).value()).value(),
            (1ULL << 40) + 5);
  const Bytes target = encode_unixfs({.type = UnixFsType::kSymlink, .data = as_bytes("a/b")});
  const Bytes symlink = encode_pb({.data = target});
  EXPECT_EQ(size(NodeKind::kDagPb, symlink).value(), 3U);
  const Bytes no_file = encode_unixfs({.type = UnixFsType::kDirectory});
  const Bytes directory = encode_pb({.data = no_file});
  EXPECT_EQ(size(NodeKind::kDagPb, directory).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace packstore::dag
