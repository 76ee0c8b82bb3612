// File nodes: three forms read as one, sizes that must add up, and the bytes of published nodes.
#include "dag/file_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "dag/dag_cbor.h"
#include "dag/dag_pb.h"
#include "dag/unixfs.h"

namespace packstore::dag {
namespace {

using ::testing::HasSubstr;

Cid raw_cid(std::string_view content) {
  return Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes(content)));
}

Cid name_of(NodeKind kind, ByteView block) { return Cid::of(kind, ObjectId::of(block)); }

std::vector<FileNodeChild> two_children() {
  return {{.cid = raw_cid("abc"), .size = 3, .encoded_size = 3},
          {.cid = raw_cid("defg"), .size = 4, .encoded_size = 4}};
}

void expect_two_children(const FileNode& node) {
  EXPECT_EQ(node.size, 7U);
  EXPECT_TRUE(node.content.empty());
  ASSERT_EQ(node.children.size(), 2U);
  EXPECT_EQ(node.children[0].cid, raw_cid("abc"));
  EXPECT_EQ(node.children[0].size, 3U);
  EXPECT_EQ(node.children[1].cid, raw_cid("defg"));
  EXPECT_EQ(node.children[1].size, 4U);
}

TEST(FileNode, OfARawBlockIsItsContent) {
  const FileNode node = decode_file_node(raw_cid("abc"), as_bytes("abc")).value();
  EXPECT_EQ(node.size, 3U);
  EXPECT_EQ(as_text(node.content), "abc");
  EXPECT_TRUE(node.children.empty());
}

TEST(FileNode, OfThisLibraryIsReadAsWritten) {
  const Bytes block = encode_native_file(two_children()).value();
  expect_two_children(decode_file_node(name_of(NodeKind::kDagCbor, block), block).value());
  const std::string link = "82d82a58250001551220";
  EXPECT_EQ(to_hex(block), "a364747970656466696c6565627974657307656c696e6b7382" + link +
                               ObjectId::of(as_bytes("abc")).to_hex() + "03" + link +
                               ObjectId::of(as_bytes("defg")).to_hex() + "04");
}

TEST(FileNode, OfUnixFsIsReadAsWritten) {
  const Bytes block = encode_unixfs_file(two_children()).value();
  const FileNode node = decode_file_node(name_of(NodeKind::kDagPb, block), block).value();
  expect_two_children(node);
  EXPECT_EQ(node.children[1].encoded_size, 4U);
}

// The form of the node over 1 MiB + 1 byte, over leaves of other names.
TEST(FileNode, OfUnixFsHasTheBytesThatImportersWrite) {
  const Cid cid = raw_cid("x");
  const std::string hex_of_cid = to_hex(cid.encode());
  const std::vector<FileNodeChild> children = {
      {.cid = cid, .size = 1 << 20, .encoded_size = 1 << 20},
      {.cid = cid, .size = 1, .encoded_size = 1}};
  EXPECT_EQ(to_hex(encode_unixfs_file(children).value()), "122c0a24" + hex_of_cid + "120018808040" +
                                                              "122a0a24" + hex_of_cid + "12001801" +
                                                              "0a0c0802188180402080804020" + "01");
}

TEST(FileNode, OfOldProfilesHasItsContentInside) {
  const Bytes block = encode_unixfs_leaf(as_bytes("hello world"));
  EXPECT_EQ(Cid::version_0_of(ObjectId::of(block)).to_text(),
            "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD");
  const FileNode node = decode_file_node(name_of(NodeKind::kDagPb, block), block).value();
  EXPECT_EQ(as_text(node.content), "hello world");
  EXPECT_EQ(node.size, 11U);
  // What every IPFS program calls the empty file of that profile.
  EXPECT_EQ(Cid::version_0_of(ObjectId::of(encode_unixfs_leaf({}))).to_text(),
            "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
}

TEST(FileNode, MayHaveContentInFrontOfItsChildren) {
  const Bytes data = encode_unixfs(
      {.type = UnixFsType::kFile, .data = as_bytes("xy"), .file_size = 5, .block_sizes = {3}});
  const Bytes block = encode_pb({.links = {{.cid = raw_cid("abc"), .name = ""}}, .data = data});
  const FileNode node = decode_file_node(name_of(NodeKind::kDagPb, block), block).value();
  EXPECT_EQ(as_text(node.content), "xy");
  EXPECT_EQ(node.size, 5U);
  EXPECT_EQ(node.children.size(), 1U);
}

struct BadUnixFs {
  const char* reason;
  UnixFsData data;
  std::vector<PbLink> links;
  ErrorCode code = ErrorCode::kCorrupt;
};

TEST(FileNode, OfUnixFsMustAddUp) {
  const PbLink link{.cid = raw_cid("abc"), .name = ""};
  const PbLink named{.cid = raw_cid("abc"), .name = "n"};
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  for (const BadUnixFs& bad : std::vector<BadUnixFs>{
           {"1 links, but 0 block sizes", {.file_size = 3}, {link}},
           {"0 links, but 1 block sizes", {.file_size = 3, .block_sizes = {3}}, {}},
           {"claims 4 bytes, its parts have 3", {.file_size = 4, .block_sizes = {3}}, {link}},
           {"claims 2", {.file_size = 2, .block_sizes = {kHuge, 3}}, {link, link}},
           {"claims 1 bytes", {.data = as_bytes("xy"), .file_size = 1}, {}},
           {"no file size", {.block_sizes = {3}}, {link}},
           {"has a name", {.file_size = 3, .block_sizes = {3}}, {named}},
           {"no file", {.type = UnixFsType::kDirectory}, {}, ErrorCode::kUnsupported},
           {"no file", {.type = UnixFsType::kSymlink}, {}, ErrorCode::kUnsupported},
       }) {
    SCOPED_TRACE(bad.reason);
    const Bytes data = encode_unixfs(bad.data);
    const Bytes block = encode_pb({.links = bad.links, .data = data});
    const Result<FileNode> node = decode_file_node(name_of(NodeKind::kDagPb, block), block);
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().code, bad.code);
    EXPECT_THAT(node.error().message, HasSubstr(bad.reason));
  }
}

Result<FileNode> decode_native(const CborValue& value) {
  const Bytes block = encode_cbor(value).value();
  const Result<FileNode> node = decode_file_node(name_of(NodeKind::kDagCbor, block), block);
  if (!node) return node.error();
  return FileNode{.size = node->size};
}

TEST(FileNode, OfThisLibraryMustAddUp) {
  const CborValue link{CborList{{raw_cid("abc")}, {CborInteger{3}}}};
  const auto node = [&](CborValue type, CborValue bytes, CborValue links) {
    return CborValue{CborMap{{"type", type}, {"bytes", bytes}, {"links", links}}};
  };
  const CborValue file{std::string("file")};
  const CborValue links{CborList{link}};
  EXPECT_EQ(decode_native(node(file, {CborInteger{3}}, links)).value().size, 3U);
  for (const CborValue& bad : {
           node(file, {CborInteger{4}}, links),
           node(file, {CborInteger{3, true}}, links),
           node(file, {1.5}, links),
           node(file, {CborInteger{3}}, link),
           node(file, {CborInteger{3}}, {CborNull()}),
           node(file, {CborInteger{3}}, {CborList{{CborList{{raw_cid("abc")}}}}}),
           node(file, {CborInteger{3}}, {CborList{{CborInteger{3}}}}),
       }) {
    EXPECT_EQ(decode_native(bad).error().code, ErrorCode::kCorrupt);
  }
  for (const CborValue& other :
       {node({std::string("tree")}, {CborInteger{3}}, links), node({true}, {CborInteger{3}}, links),
        CborValue{CborMap{{"type", file}}}, links}) {
    EXPECT_FALSE(decode_native(other));
  }
  EXPECT_EQ(decode_native(node({std::string("tree")}, {true}, links)).error().code,
            ErrorCode::kUnsupported);
}

TEST(FileNode, OfACodecThatIsNotReadIsUnsupported) {
  const Cid cid = Cid::parse("z8mWaJ1dZ9fH5EetPuRsj8jj26pXsgpsr").value();
  EXPECT_EQ(decode_file_node(cid, {}).error().code, ErrorCode::kUnsupported);
}

TEST(FileNode, RefusesSizesBeyond64Bits) {
  const std::vector<FileNodeChild> children = {{.cid = raw_cid("a"), .size = ~std::uint64_t{0}},
                                               {.cid = raw_cid("b"), .size = 1}};
  EXPECT_EQ(encode_native_file(children).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(encode_unixfs_file(children).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace packstore::dag
