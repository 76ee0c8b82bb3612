// CIDs: text and bytes both ways, and what is refused. Vectors are published ones: the CIDs of
// ipld/codec-fixtures, of the CID and multibase specifications and of IPIP-499.
#include "packstore/cid.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <unordered_set>

#include "base/hex.h"
#include "dag/fixtures.h"
#include "dag/multibase.h"
#include "dag/varint.h"

namespace packstore::dag {
namespace {

constexpr std::string_view kHelloWorld =
    "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
constexpr std::string_view kHelloWorldVersion0 = "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD";

Bytes unhex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

TEST(Cid, OfAnObjectIsWhatIpfsCallsIt) {
  const ObjectId id = ObjectId::of(as_bytes("hello world"));
  const Cid cid = Cid::of(NodeKind::kRaw, id);
  EXPECT_EQ(cid.to_text(), kHelloWorld);
  EXPECT_EQ(cid.version(), 1U);
  EXPECT_EQ(cid.codec(), 0x55U);
  EXPECT_EQ(cid.hash_code(), 0x12U);
  EXPECT_EQ(cid.kind(), NodeKind::kRaw);
  EXPECT_EQ(cid.object_id(), id);
  EXPECT_EQ(cid.inline_content(), std::nullopt);
  EXPECT_EQ(to_hex(cid.encode()), "01551220" + id.to_hex());
  EXPECT_EQ(Cid::of_object_text(id.to_hex()).value(), cid);
  EXPECT_FALSE(Cid::of_object_text("ab"));
}

TEST(Cid, OfVersion0IsABareHash) {
  const Cid cid = Cid::parse(kHelloWorldVersion0).value();
  EXPECT_EQ(cid.version(), 0U);
  EXPECT_EQ(cid.kind(), NodeKind::kDagPb);
  EXPECT_EQ(cid, Cid::version_0_of(*cid.object_id()));
  EXPECT_NE(cid, Cid::of(NodeKind::kDagPb, *cid.object_id()));
  EXPECT_EQ(to_hex(cid.encode()), "1220" + cid.object_id()->to_hex());
  EXPECT_EQ(Cid::decode(cid.encode()).value(), cid);
  EXPECT_EQ(cid.to_text(), kHelloWorldVersion0);
  EXPECT_EQ(cid.to_text(Multibase::kBase16), kHelloWorldVersion0);
}

// Method: all that stand in the names of the codec fixtures, whose codecs and hashes vary.
TEST(Cid, KeepsTextAndBytesOfForeignOnes) {
  for (const std::string_view text :
       {"bafkqabiaaebagba", "bagcqcera73rupyla6bauseyk75rslfys3st25spm75ykhvgusqvv2zfqtucq",
        "bagyacvradn6dsgl6sw2jwoh7s3d37hq5wsu7g22wtdwnmaaaaaaaaaaaaaaa",
        "bahaacvrabdhd3fzrwaambazyivoiustl2bo2c3rgweo2ug4rogcoz2apaqaa",
        "z8mWaJ1dZ9fH5EetPuRsj8jj26pXsgpsr", "zdj7Wd8AMwqnhJGQCbFxBVodGSBG84TM7Hs1rcJuQMwTyfEDS",
        "zdpuAtX7ZibcWdSKQwiDCkPjWwRvtcKCPku9H7LhgA4qJW4Wk",
        "f0155000500010203"
        "04"}) {
    SCOPED_TRACE(text);
    const Result<Cid> cid = Cid::parse(text);
    ASSERT_TRUE(cid) << cid.error().message;
    const Multibase base = text[0] == 'b'   ? Multibase::kBase32
                           : text[0] == 'z' ? Multibase::kBase58
                                            : Multibase::kBase16;
    EXPECT_EQ(cid->to_text(base), text);
    EXPECT_EQ(Cid::decode(cid->encode()).value(), *cid);
    EXPECT_EQ(cid->encode().size(), cid->encoded_size());
  }
}

TEST(Cid, GivesTheContentOfAnIdentityHash) {
  const Cid cid = Cid::parse("bafkqabiaaebagba").value();
  ASSERT_TRUE(cid.inline_content());
  EXPECT_EQ(to_hex(*cid.inline_content()), "0001020304");
  EXPECT_EQ(cid.object_id(), std::nullopt);
  EXPECT_EQ(cid.kind(), NodeKind::kRaw);
}

TEST(Cid, NamesTheCodecFixtures) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  int seen = 0;
  for (const auto& [ending, kind] :
       {std::pair(".dag-cbor", NodeKind::kDagCbor), std::pair(".dag-pb", NodeKind::kDagPb)}) {
    for (const auto& path : files_below(shared_testdata() / "codec-fixtures", ending)) {
      EXPECT_EQ(Cid::of(kind, ObjectId::of(read_bytes(path))).to_text(), path.stem());
      ++seen;
    }
  }
  EXPECT_GE(seen, 100);
}

TEST(Cid, RefusesOtherTexts) {
  const std::string text(kHelloWorld);
  const std::string version0(kHelloWorldVersion0);
  std::string upper = text;
  upper[10] = 'R';
  std::string bits_left = text;
  bits_left.back() = 'f';
  for (const std::string& bad : {std::string(),
                                 std::string("b"),
                                 std::string("Qm"),
                                 "B" + text.substr(1),
                                 upper,
                                 bits_left,
                                 text + "a",
                                 text.substr(0, text.size() - 1),
                                 text + "=",
                                 " " + text,
                                 text + "\n",
                                 "m" + text.substr(1),
                                 version0 + "1",
                                 version0.substr(0, 45),
                                 "z" + version0,
                                 "Qm" + std::string(44, '0'),
                                 std::string("f01551220ab"),
                                 std::string("F015500"),
                                 std::string(Cid::kTextSizeMax + 1, 'f'),
                                 std::string("b\0", 2),
                                 std::string("f015")}) {
    SCOPED_TRACE(bad);
    const Result<Cid> cid = Cid::parse(bad);
    ASSERT_FALSE(cid);
    EXPECT_EQ(cid.error().code, ErrorCode::kInvalidArgument);
  }
}

// Method: what stands in front of a digest of 32 bytes, and what behind it.
TEST(Cid, RefusesOtherBytes) {
  struct Bad {
    std::string_view before;
    std::string_view after = "";
    ErrorCode code = ErrorCode::kCorrupt;
  };
  const std::string digest(64, 'a');
  for (const Bad& bad : {
           Bad{"00551220"},                                          // Version 0 said.
           Bad{"02551220", "", ErrorCode::kUnsupported},             // Version 2.
           Bad{"8100551220"}, Bad{"01d5001220"}, Bad{"0155920020"},  // Numbers that are longer
           Bad{"015512a000"},                                        // than need be.
           Bad{"01551221"},                                          // A digest cut off.
           Bad{"01551220", "00"}, Bad{"1220", "00"}, Bad{"01551221", "0000"},  // Bytes left over.
           Bad{"01ffffffffffffffffff011220"},  // A codec above 63 bits.
       }) {
    SCOPED_TRACE(bad.before);
    const Result<Cid> cid =
        Cid::decode(unhex(std::string(bad.before) + digest + std::string(bad.after)));
    ASSERT_FALSE(cid);
    EXPECT_EQ(cid.error().code, bad.code) << cid.error().message;
  }
  for (const std::string& cut : {std::string(), std::string("01"), "1220" + digest.substr(2)}) {
    EXPECT_FALSE(Cid::decode(unhex(cut))) << cut;
  }
}

TEST(Cid, HasLimits) {
  EXPECT_TRUE(Cid::decode(unhex("0155008001" + std::string(256, '0'))));
  EXPECT_FALSE(Cid::decode(unhex("0155008101" + std::string(258, '0'))));
  EXPECT_TRUE(Cid::decode(unhex("01ffffffffffffffff7f1220" + std::string(64, 'a'))));
}

TEST(Cid, IsTakenFromTheFront) {
  const Cid first = Cid::parse(kHelloWorld).value();
  const Cid second = Cid::parse(kHelloWorldVersion0).value();
  Bytes bytes = first.encode();
  second.append_to(bytes);
  bytes.push_back(std::byte{1});
  ByteView rest = bytes;
  EXPECT_EQ(Cid::decode_front(rest).value(), first);
  EXPECT_EQ(Cid::decode_front(rest).value(), second);
  EXPECT_FALSE(Cid::decode_front(rest));
  EXPECT_EQ(rest.size(), 1U);
}

TEST(Cid, IsOrderedAsItsBytesAre) {
  std::vector<Cid> cids;
  for (const std::string_view text :
       {kHelloWorld, kHelloWorldVersion0, std::string_view("bafkqabiaaebagba"),
        std::string_view("z8mWaJ1dZ9fH5EetPuRsj8jj26pXsgpsr")}) {
    cids.push_back(Cid::parse(text).value());
  }
  for (const std::string_view content : {"a", "b", "c"}) {
    cids.push_back(Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes(content))));
    cids.push_back(Cid::of(NodeKind::kDagCbor, ObjectId::of(as_bytes(content))));
  }
  for (const Cid& a : cids) {
    for (const Cid& b : cids) {
      EXPECT_EQ(a < b, to_hex(a.encode()) < to_hex(b.encode()));
      EXPECT_EQ(a == b, to_hex(a.encode()) == to_hex(b.encode()));
    }
  }
  const std::unordered_set<Cid> hashed(cids.begin(), cids.end());
  EXPECT_EQ(hashed.size(), cids.size());
}

// Vectors of https://github.com/multiformats/multibase and of Bitcoin's base58 tests.
TEST(Multibase, EqualsThePublishedVectors) {
  EXPECT_EQ(to_base32(as_bytes("yes mani !")), "pfsxgidnmfxgsibb");
  EXPECT_EQ(to_base58(as_bytes("yes mani !")), "7paNL19xttacUY");
  EXPECT_EQ(to_base58(unhex("")), "");
  EXPECT_EQ(to_base58(unhex("00000000000000000000")), "1111111111");
  EXPECT_EQ(to_base58(unhex("00eb15231dfceb60925886b67d065299925915aeb172c06647")),
            "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L");
  EXPECT_EQ(from_base32("pfsxgidnmfxgsibb").value(), unhex(to_hex(as_bytes("yes mani !"))));
}

TEST(Multibase, GivesBackEveryLength) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size <= 160; ++size) {
    Bytes bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 3 == 0 ? 0 : random());
    EXPECT_EQ(from_base32(to_base32(bytes)), bytes);
    EXPECT_EQ(from_base58(to_base58(bytes)), bytes);
  }
  const Bytes ones(Cid::kSizeMax, std::byte{0xff});
  EXPECT_EQ(from_base58(to_base58(ones)), ones);
}

TEST(Varint, HasOneFormForEachNumber) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{16384},
        (std::uint64_t{1} << 63) - 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    Bytes bytes;
    append_varint(bytes, value);
    EXPECT_EQ(bytes.size(), varint_size(value));
    ByteView rest = bytes;
    EXPECT_EQ(take_varint(rest, kProtobufVarintSizeMax), value);
    EXPECT_TRUE(rest.empty());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ByteView cut = ByteView(bytes).first(size);
      EXPECT_EQ(take_varint(cut, kProtobufVarintSizeMax), std::nullopt);
      EXPECT_EQ(cut.size(), size);
    }
  }
  for (const std::string_view bad : {"8000", "ff00", "ffffffffffffffffff02",
                                     "ffffffffffffffffffff01", "8080808080808080808001"}) {
    const Bytes bytes = unhex(bad);
    ByteView rest = bytes;
    EXPECT_EQ(take_varint(rest, kProtobufVarintSizeMax), std::nullopt) << bad;
  }
  const Bytes ten = unhex("80808080808080808001");
  ByteView rest = ten;
  EXPECT_EQ(take_varint(rest, kMultiformatVarintSizeMax), std::nullopt);
}

}  // namespace
}  // namespace packstore::dag
