// DAG-PB and UnixFS: the codec fixtures both ways, published nodes byte by byte, and what is
// refused.
#include "dag/dag_pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "base/hex.h"
#include "dag/fixtures.h"
#include "dag/unixfs.h"

namespace packstore::dag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A CID that carries no content: the shortest there is.
const std::string kHash = "0a0401550000";

Bytes unhex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

TEST(DagPb, GivesBackEveryFixture) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  const auto files = files_below(shared_testdata() / "codec-fixtures/dag-pb", ".dag-pb");
  EXPECT_GE(files.size(), 17U);
  for (const auto& path : files) {
    SCOPED_TRACE(path);
    const Bytes bytes = read_bytes(path);
    const Result<PbNode> node = decode_pb(bytes);
    ASSERT_TRUE(node) << node.error().message;
    EXPECT_EQ(to_hex(encode_pb(*node)), to_hex(bytes));
  }
}

TEST(DagPb, RefusesTheNegativeFixtures) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  const std::regex hex("\"hex\": \"([0-9a-f]+)\"");
  int seen = 0;
  for (const auto& path :
       files_below(shared_testdata() / "codec-fixtures/negative/dag-pb/decode", ".json")) {
    const Bytes json = read_bytes(path);
    const std::string text(as_text(json));
    for (std::sregex_iterator each(text.begin(), text.end(), hex), end; each != end; ++each) {
      EXPECT_FALSE(decode_pb(unhex((*each)[1].str()))) << *each->begin();
      ++seen;
    }
  }
  EXPECT_GE(seen, 9);
}

TEST(DagPb, RefusesWhatNoWriterWrites) {
  for (const auto& [hex, reason] : {
           std::pair("0a001206" + kHash, "behind the data"),
           std::pair(std::string("0a000a00"), "behind the data"),
           std::pair(std::string("0801"), "nodes do not have"),
           std::pair(std::string("1a00"), "nodes do not have"),
           std::pair(std::string("0d00000000"), "nodes do not have"),
           std::pair(std::string("0b"), "wire type"),
           std::pair(std::string("0c"), "wire type"),
           std::pair(std::string("0900"), "wire type"),
           std::pair(std::string("0a01"), "are left"),
           std::pair(std::string("0a8000"), "shortest form"),
           std::pair(std::string("8a0000"), "shortest form"),
           std::pair(std::string("0affffffffffffffffff01"), "are left"),
           std::pair("120c" + kHash + kHash, "out of order"),
           std::pair("120a" + kHash + "18011200", "out of order"),
           std::pair("120a" + kHash + "12001200", "out of order"),
           std::pair("1208" + kHash + "2200", "links do not have"),
           std::pair("1208" + kHash + "1001", "links do not have"),
           std::pair(std::string("12060a0401550001"), "CID"),
           std::pair(std::string("12040a020155"), "CID"),
       }) {
    SCOPED_TRACE(hex);
    const Result<PbNode> node = decode_pb(unhex(hex));
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(node.error().message, HasSubstr(reason));
  }
}

TEST(DagPb, WritesLinksInTheOrderOfTheirNames) {
  const Cid cid = Cid::decode(unhex("01550000")).value();
  const PbNode node{.links = {{.cid = cid, .name = "b", .encoded_size = 1},
                              {.cid = cid, .name = "a", .encoded_size = 2},
                              {.cid = cid, .name = "b", .encoded_size = 3},
                              {.cid = cid}}};
  const Bytes bytes = encode_pb(node);
  std::vector<std::optional<std::uint64_t>> sizes;
  const PbNode decoded = decode_pb(bytes).value();
  for (const PbLink& link : decoded.links) sizes.push_back(link.encoded_size);
  EXPECT_THAT(sizes, ElementsAre(std::nullopt, 2, 1, 3));
  EXPECT_EQ(encode_pb(decoded), bytes);
}

TEST(UnixFs, GivesBackWhatKuboWrites) {
  for (const std::string_view hex : {
           "0801",                      // A directory.
           "08021800",                  // An empty file.
           "0802120268691802",          // A leaf.
           "080218818040208080402001",  // A node of 1 MiB + 1.
           "08041203626172",            // A symbolic link.
           "08051201012822308002",      // A shard.
       }) {
    SCOPED_TRACE(hex);
    const Bytes bytes = unhex(hex);
    const Result<UnixFsData> data = decode_unixfs(bytes);
    ASSERT_TRUE(data) << data.error().message;
    EXPECT_EQ(to_hex(encode_unixfs(*data)), hex);
  }
}

TEST(UnixFs, KeepsModeAndTime) {
  const UnixFsData data{.type = UnixFsType::kDirectory,
                        .mode = 040755,
                        .modified_at = UnixFsTime{.seconds = -1, .nanoseconds = 999'999'999}};
  const Bytes bytes = encode_unixfs(data);
  EXPECT_EQ(to_hex(bytes), "080138ed8301421008ffffffffffffffffff0115ffc99a3b");
  const UnixFsData decoded = decode_unixfs(bytes).value();
  EXPECT_EQ(decoded.mode, data.mode);
  EXPECT_EQ(decoded.modified_at, data.modified_at);
}

TEST(UnixFs, TakesFieldsInAnyOrderAndPackedSizes) {
  const Bytes bytes = unhex("22028001180720060802");
  const UnixFsData data = decode_unixfs(bytes).value();
  EXPECT_EQ(data.type, UnixFsType::kFile);
  EXPECT_EQ(data.file_size, 7U);
  EXPECT_THAT(data.block_sizes, ElementsAre(128, 6));
}

TEST(UnixFs, RefusesWhatMakesNoSense) {
  for (const auto& [hex, reason] : {
           std::pair("", "no type"),
           std::pair("1800", "no type"),
           std::pair("08020802", "again"),
           std::pair("080218001800", "again"),
           std::pair("080212001200", "again"),
           std::pair("080228223808", "fan-out"),
           std::pair("08012001", "block sizes"),
           std::pair("0805", "fan-out"),
           std::pair("08053007", "fan-out"),
           std::pair("08053004", "fan-out"),
           std::pair("0805308010", "fan-out"),
           std::pair("0805300c", "fan-out"),
           std::pair("0802388080808010", "32 bits"),
           std::pair("0a0102", "wire type"),
           std::pair("08024a00", "field 9"),
           std::pair("0806", "type 6"),
           std::pair("08024200", "no seconds"),
           std::pair("0802420708011500ca9a3b", "nanoseconds"),
           std::pair("0802420408011001", "times do not have"),
           std::pair("0802220180", "shortest form"),
       }) {
    SCOPED_TRACE(hex);
    const Bytes bytes = unhex(hex);
    const Result<UnixFsData> data = decode_unixfs(bytes);
    ASSERT_FALSE(data);
    EXPECT_THAT(data.error().message, HasSubstr(reason));
  }
}

}  // namespace
}  // namespace packstore::dag
