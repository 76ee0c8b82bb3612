// The examples of docs/format.md are what the encoders make and the decoders read, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/hex.h"
#include "format/format_file.h"
#include "format/pack_header.h"
#include "format/pack_record.h"
#include "format/pin_entry.h"
#include "hash/xxh3.h"

namespace packstore::format {
namespace {

const Uuid kStore = parse_uuid("00112233-4455-4677-8899-aabbccddeeff").value();

// The bytes of a file of hexadecimal digits; lines that begin with '#' are comments.
Bytes example(const std::string& name) {
  std::ifstream file(std::string(PACKSTORE_TESTDATA_DIR) + "/format/" + name);
  std::string digits;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    for (const char c : line) {
      if (c != ' ') digits.push_back(c);
    }
  }
  Bytes bytes(digits.size() / 2);
  EXPECT_TRUE(from_hex(digits, bytes)) << name;
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes;
}

template <std::size_t kSize>
std::span<const std::byte, kSize> front(const Bytes& bytes) {
  return ByteView(bytes).first<kSize>();
}

template <typename Array>
Bytes copy(const Array& array) {
  return {array.begin(), array.end()};
}

PackRecord hello() {
  const ByteView content = as_bytes("hello");
  return {.kind = PackRecord::Kind::kSingle,
          .size = content.size(),
          .stored_size = content.size(),
          .id = ObjectId::of(content),
          .stored_xxh3 = hash::xxh3(content)};
}

void expect_example(const std::string& name, const PackRecord& record, std::uint64_t offset) {
  const RecordPlace place{kStore, 7, offset};
  const Bytes bytes = example(name);
  EXPECT_EQ(copy(encode(record, place)), bytes);
  EXPECT_EQ(decode_pack_record(front<PackRecord::kHeaderSize>(bytes), place).value(), record);
}

TEST(PackHeader, IsTheExample) {
  const PackHeader header{.store = kStore, .pack = 7, .created_at = 1'700'000'000'000'000};
  const Bytes bytes = example("pack_header.hex");
  EXPECT_EQ(copy(encode(header)), bytes);
  EXPECT_EQ(decode_pack_header(front<PackHeader::kSize>(bytes)).value(), header);
}

TEST(PackHeader, RefusesEveryFlippedBit) {
  const Bytes good = example("pack_header.hex");
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    const auto header = decode_pack_header(front<PackHeader::kSize>(bad));
    ASSERT_FALSE(header.has_value()) << "bit " << bit;
    EXPECT_EQ(header.error().code, ErrorCode::kCorrupt) << "bit " << bit;
  }
}

TEST(PackHeader, NamesAVersionThatItDoesNotKnow) {
  Bytes newer = example("pack_header.hex");
  newer[8] = std::byte{2};
  const std::uint64_t checksum = hash::xxh3(ByteView(newer).first(56));
  for (std::size_t i = 0; i < 8; ++i) newer[56 + i] = static_cast<std::byte>(checksum >> 8 * i);
  const auto header = decode_pack_header(front<PackHeader::kSize>(newer));
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, ErrorCode::kUnsupported);
}

TEST(PackRecord, IsTheExampleOfASinglePut) {
  expect_example("pack_record_object.hex", hello(), 64);
}

TEST(PackRecord, IsTheExampleOfACompressedObject) {
  PackRecord record = hello();
  record.kind = PackRecord::Kind::kObject;
  record.codec = Codec::kZlib;
  record.size = 1000;
  record.stored_size = 17;
  record.stored_xxh3 = 0x0123456789abcdef;
  expect_example("pack_record_compressed.hex", record, 133);
}

TEST(PackRecord, IsTheExampleOfACommit) {
  expect_example("pack_record_commit.hex", {.kind = PackRecord::Kind::kCommit, .group_start = 133},
                 214);
}

TEST(PackRecord, RefusesEveryFlippedBit) {
  const Bytes good = example("pack_record_object.hex");
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(
        decode_pack_record(front<PackRecord::kHeaderSize>(bad), {kStore, 7, 64}).has_value())
        << "bit " << bit;
  }
}

TEST(PackRecord, IsValidAtItsPlaceOnly) {
  const Bytes bytes = example("pack_record_object.hex");
  const auto header = front<PackRecord::kHeaderSize>(bytes);
  Uuid other_store = kStore;
  other_store.bytes[0] ^= std::byte{1};
  EXPECT_TRUE(decode_pack_record(header, {kStore, 7, 64}).has_value());
  EXPECT_FALSE(decode_pack_record(header, {kStore, 7, 65}).has_value());
  EXPECT_FALSE(decode_pack_record(header, {kStore, 8, 64}).has_value());
  EXPECT_FALSE(decode_pack_record(header, {other_store, 7, 64}).has_value());
}

// A header whose checksum is right may still claim what cannot be.
TEST(PackRecord, RefusesClaimsBeyondItsLimits) {
  const RecordPlace place{kStore, 7, 64};
  PackRecord huge = hello();
  huge.size = huge.stored_size = PackRecord::kBytesMax + 1;
  PackRecord uneven = hello();
  uneven.size = 6;
  PackRecord endless = hello();
  endless.codec = Codec::kZstd;
  endless.size = std::uint64_t{1} << 63;
  PackRecord unknown = hello();
  unknown.codec = static_cast<Codec>(3);
  PackRecord strange = hello();
  strange.kind = static_cast<PackRecord::Kind>(3);
  for (const PackRecord& record : {huge, uneven, endless, unknown, strange}) {
    const auto bytes = encode(record, place);
    const auto decoded = decode_pack_record(bytes, place);
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(decoded.error().message, testing::HasSubstr("pack 7 at 64"));
  }
}

TEST(FormatFile, IsTheExample) {
  const Bytes bytes = example("format_file.hex");
  EXPECT_EQ(encode(FormatFile{kStore}), as_text(bytes));
  EXPECT_EQ(decode_format_file(as_text(bytes)).value().store, kStore);
}

TEST(FormatFile, IgnoresLinesThatItDoesNotKnow) {
  const std::string text = encode(FormatFile{kStore}) + "later additions\n";
  EXPECT_TRUE(decode_format_file(text + "counts references\n").value().counts_references);
  EXPECT_EQ(decode_format_file(text).value().store, kStore);
  EXPECT_FALSE(decode_format_file(text).value().counts_references);
}

TEST(FormatFile, SaysWhetherTheStoreCountsReferences) {
  const std::string text = encode(FormatFile{.store = kStore, .counts_references = true});
  EXPECT_EQ(text, encode(FormatFile{kStore}) + "counts references\n");
  EXPECT_TRUE(decode_format_file(text).value().counts_references);
  EXPECT_TRUE(decode_format_file(text + "\nlater").value().counts_references);
  EXPECT_FALSE(decode_format_file(encode(FormatFile{kStore})).value().counts_references);
}

TEST(FormatFile, TellsANewerVersionFromDamage) {
  EXPECT_EQ(decode_format_file("packstore 2\n").error().code, ErrorCode::kUnsupported);
  for (const char* damaged :
       {"", "packstore", "packstore 1", "packstore 1\n", "packstore 0\nuuid x\n", "packstore -1\n",
        "packstore 01\nuuid 00112233-4455-4677-8899-aabbccddeeff\n", "packstore 99999999999\n",
        "packstore 1x\n", "packstore 1\nuuid\n", "elsewise 1\n",
        "packstore 1\nuuid 00112233-4455-4677-8899-AABBCCDDEEFF\n",
        "packstore 1\nuuid 00112233-4455-4677-8899-aabbccddeeff"}) {
    const auto format = decode_format_file(damaged);
    ASSERT_FALSE(format.has_value()) << damaged;
    EXPECT_EQ(format.error().code, ErrorCode::kCorrupt) << damaged;
  }
}

TEST(Uuid, IsRandomAndOfVersion4) {
  const Uuid a = make_uuid().value();
  EXPECT_NE(a, make_uuid().value());
  EXPECT_THAT(
      to_text(a),
      testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(parse_uuid(to_text(a)).value(), a);
}

TEST(PinEntryFormat, IsTheExample) {
  const Link hello{.id = ObjectId::of(as_bytes("hello")), .kind = NodeKind::kDagCbor};
  const Bytes bytes = example("pin_entry.hex");
  EXPECT_EQ(copy(encode(hello)), bytes);
  EXPECT_EQ(decode_pin_entry(front<kPinEntrySize>(bytes)).value(), hello);
}

TEST(PinEntryFormat, KnowsThreeKinds) {
  Bytes bytes = example("pin_entry.hex");
  for (const int kind : {0, 0x54, 0x72, 0xff}) {
    bytes[32] = static_cast<std::byte>(kind);
    EXPECT_EQ(decode_pin_entry(front<kPinEntrySize>(bytes)).error().code, ErrorCode::kUnsupported);
  }
  for (const int kind : {0x55, 0x70, 0x71}) {
    bytes[32] = static_cast<std::byte>(kind);
    EXPECT_TRUE(decode_pin_entry(front<kPinEntrySize>(bytes)));
  }
}

}  // namespace
}  // namespace packstore::format
