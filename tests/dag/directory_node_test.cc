// Nodes of directories: the bytes of published ones, and what is refused of nodes that were made by
// hand, alone and below each other.
#include "dag/directory_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "dag/dag_pb.h"
#include "dag/unixfs.h"
#include "support/store_scratch.h"
#include "watched_blocks.h"

namespace packstore::dag {
namespace {

using testing::FailsWith;
using testing::Succeeds;
using testing::WatchedBlocks;

Cid raw_cid(std::string_view content) {
  return Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes(content)));
}

Cid node_cid(ByteView block) { return Cid::of(NodeKind::kDagPb, ObjectId::of(block)); }

Result<DirectoryNode> decode(ByteView block) {
  return decode_directory_node(node_cid(block), block);
}

Bytes node_of(const UnixFsData& data, const std::vector<std::string>& names) {
  const Bytes encoded = encode_unixfs(data);
  PbNode node{.data = encoded};
  for (const std::string& name : names) node.links.push_back({.cid = raw_cid("x"), .name = name});
  return encode_pb(node);
}

Bytes directory_of(const std::vector<std::string>& names) {
  return node_of({.type = UnixFsType::kDirectory}, names);
}

Bytes shard_of(const std::vector<std::string>& names, std::initializer_list<int> bits,
               std::uint64_t hash_type = 0x22, std::uint64_t fanout = 256) {
  Bytes field;
  for (const int byte : bits) field.push_back(static_cast<std::byte>(byte));
  return node_of(
      {.type = UnixFsType::kHamtShard, .data = field, .hash_type = hash_type, .fanout = fanout},
      names);
}

TEST(DirectoryNode, HasTheBytesOfPublishedOnes) {
  EXPECT_EQ(to_hex(encode_directory({})), "0a020801");
  // Buckets 0 and 9, one of them with a shard below.
  const std::vector<DirectoryLink> links = {
      {.bucket = 0, .name = "a", .cid = raw_cid("x"), .encoded_size = 1},
      {.bucket = 9, .name = "", .cid = raw_cid("x"), .encoded_size = 2}};
  const std::string cid = to_hex(raw_cid("x").encode());
  EXPECT_EQ(to_hex(encode_shard(256, links)), "122d0a24" + cid + "120330306118" + "01" +
                                                  "122c0a24" + cid + "120230391802" +
                                                  "0a0b08051202020128223080" + "02");
}

TEST(DirectoryNode, ComesBackAsItWasEncoded) {
  for (const std::uint32_t fanout : {8U, 16U, 256U, 1024U}) {
    std::vector<DirectoryLink> links;
    for (std::uint32_t bucket = 3; bucket < fanout; bucket += 3) {
      links.push_back({.bucket = bucket,
                       .name = bucket % 2 == 0 ? "" : "same",
                       .cid = raw_cid("x"),
                       .encoded_size = bucket});
    }
    const Bytes block = encode_shard(fanout, links);
    const DirectoryNode node = decode(block).value();
    EXPECT_EQ(node.fanout, fanout);
    ASSERT_EQ(node.links.size(), links.size());
    for (std::size_t i = 0; i < links.size(); ++i) {
      EXPECT_EQ(node.links[i].bucket, links[i].bucket);
      EXPECT_EQ(node.links[i].name, links[i].name);
      EXPECT_EQ(node.links[i].is_shard(), links[i].is_shard());
      EXPECT_EQ(node.links[i].encoded_size, links[i].encoded_size);
    }
  }
}

TEST(DirectoryNode, RefusesNamesThatAreNoneOrThereTwice) {
  EXPECT_THAT(decode(directory_of({"a", "b"})), Succeeds());
  for (const auto& names : {std::vector<std::string>{""},
                            {"."},
                            {".."},
                            {"a/b"},
                            {std::string("a\0", 2)},
                            {std::string(1025, 'n')},
                            {"a", "b", "a"}}) {
    EXPECT_THAT(decode(directory_of(names)), FailsWith(ErrorCode::kCorrupt));
  }
}

// As other programs may have written it.
TEST(DirectoryNode, MayHaveNamesInAnyOrder) {
  const Bytes data = encode_unixfs({.type = UnixFsType::kDirectory});
  Bytes block;
  for (const char* name : {"b", "a"}) {
    const Bytes link = encode_pb({.links = {{.cid = raw_cid("x"), .name = name}}});
    block.insert(block.end(), link.begin(), link.end());
  }
  const Bytes rest = encode_pb({.data = data});
  block.insert(block.end(), rest.begin(), rest.end());
  EXPECT_EQ(decode(block).value().links.size(), 2U);
}

TEST(DirectoryNode, RefusesShardsThatContradictThemselves) {
  EXPECT_THAT(decode(shard_of({"00a", "09"}, {2, 1})), Succeeds());
  EXPECT_THAT(decode(shard_of({"00a", "09"}, {0, 0, 2, 1})), Succeeds());
  EXPECT_THAT(decode(shard_of({}, {})), Succeeds());
  struct Bad {
    const char* what;
    Bytes block;
  };
  for (const Bad& bad :
       {Bad{"a bit too few", shard_of({"00a", "09"}, {1})},
        Bad{"a bit too many", shard_of({"00a", "09"}, {2, 3})},
        Bad{"no bucket", shard_of({"0"}, {1})}, Bad{"small letters", shard_of({"0ab"}, {4, 0})},
        Bad{"a bucket twice", shard_of({"00a", "00b"}, {1})},
        Bad{"a bucket behind the last", shard_of({"8a"}, {1, 0}, 0x22, 8)},
        Bad{"a name that is none", shard_of({"00.."}, {1})}}) {
    EXPECT_THAT(decode(bad.block), FailsWith(ErrorCode::kCorrupt)) << bad.what;
  }
  EXPECT_THAT(decode(shard_of({"00a"}, {1}, 0x12)), FailsWith(ErrorCode::kUnsupported));
}

TEST(DirectoryNode, IsUnsupportedWhereItIsAnotherNode) {
  for (const Bytes& block : {node_of({.type = UnixFsType::kFile}, {}), encode_pb({}),
                             node_of({.type = UnixFsType::kSymlink}, {})}) {
    EXPECT_THAT(decode(block), FailsWith(ErrorCode::kUnsupported));
  }
  EXPECT_THAT(decode_directory_node(raw_cid("x"), as_bytes("x")),
              FailsWith(ErrorCode::kUnsupported));
}

// Shards of 8 buckets that were made by hand, in a store.
class HostileShards : public ::testing::Test {
 protected:
  Cid put(std::uint32_t fanout, std::span<const DirectoryLink> links) {
    return blocks_.put(NodeKind::kDagPb, encode_shard(fanout, links)).value();
  }
  // One level up: `below` in each of `count` buckets.
  Cid put_over(const Cid& below, std::uint32_t count) {
    std::vector<DirectoryLink> links;
    for (std::uint32_t i = 0; i < count; ++i) links.push_back({.bucket = i, .cid = below});
    return put(8, links);
  }
  static DirectoryLink entry(std::string_view name, unsigned level) {
    return {.bucket = ShardPath(8).bucket(hash_of_name(name), level),
            .name = name,
            .cid = raw_cid("x")};
  }
  Result<std::vector<DirectoryEntry>> list(const Cid& root) {
    return list_directory(blocks_, root);
  }

  WatchedBlocks blocks_;
};

TEST_F(HostileShards, AreCorruptWhereAnEntryIsNotWhereItsHashLeads) {
  DirectoryLink moved = entry("a", 0);
  EXPECT_THAT(list(put(8, {&moved, 1})), Succeeds());
  moved.bucket = (moved.bucket + 1) % 8;
  const Cid root = put(8, {&moved, 1});
  EXPECT_THAT(list(root), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(find_entry(blocks_, root, "a").value(), std::nullopt);
}

// 8^20 ways lead to one entry. What is read stays in proportion to the blocks that there are.
TEST_F(HostileShards, CostNoMoreThanTheyHave) {
  const DirectoryLink only = entry("a", 20);
  Cid root = put(8, {&only, 1});
  for (int level = 0; level < 20; ++level) root = put_over(root, 8);
  blocks_.take_reads();
  EXPECT_THAT(list(root), FailsWith(ErrorCode::kCorrupt));
  EXPECT_LE(blocks_.take_reads().size(), 21U);
}

TEST_F(HostileShards, AreCorruptWhereTheyAreEmptyBelowAShard) {
  Cid root = put(8, {});
  EXPECT_THAT(list(root), Succeeds());
  for (int level = 0; level < 20; ++level) root = put_over(root, 8);
  blocks_.take_reads();
  EXPECT_THAT(list(root), FailsWith(ErrorCode::kCorrupt));
  EXPECT_LE(blocks_.take_reads().size(), 21U);
}

TEST_F(HostileShards, AreCorruptWhereTheyAreDeeperThanHashes) {
  const DirectoryLink last = entry("a", 20);
  Cid root = put(8, {&last, 1});
  for (unsigned level = 21; level > 0; --level) {
    const DirectoryLink link{.bucket = entry("a", level - 1).bucket, .cid = root};
    root = put(8, {&link, 1});
  }
  EXPECT_THAT(list(root), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(find_entry(blocks_, root, "a"), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(HostileShards, AreCorruptWhereWhatIsBelowIsOfAnotherKind) {
  const DirectoryLink wide{.bucket = 200, .name = "a", .cid = raw_cid("x")};
  const Cid other_fanout = put_over(put(256, {&wide, 1}), 1);
  EXPECT_THAT(list(other_fanout), FailsWith(ErrorCode::kCorrupt));
  const Cid plain = blocks_.put(NodeKind::kDagPb, directory_of({"a"})).value();
  EXPECT_THAT(list(put_over(plain, 1)), FailsWith(ErrorCode::kCorrupt));
  EXPECT_FALSE(list(put_over(raw_cid("file"), 1)));
}

}  // namespace
}  // namespace packstore::dag
