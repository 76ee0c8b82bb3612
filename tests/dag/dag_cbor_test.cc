// DAG-CBOR. Every positive codec fixture is read and written again to the same bytes, through the
// tree and through reader and writer; everything in tests/testdata/dag-cbor is refused for the
// reason that stands beside it.
#include "dag/dag_cbor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <regex>
#include <sstream>

#include "base/hex.h"
#include "dag/fixtures.h"

namespace packstore::dag {
namespace {

using ::testing::HasSubstr;

Bytes unhex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

// What reader and writer make of a node without a tree between them.
Result<Bytes> copy_items(ByteView bytes) {
  Bytes copy;
  CborWriter writer(copy);
  CborReader reader(bytes);
  struct Write {
    CborWriter& to;
    void operator()(CborNull) { to.null(); }
    void operator()(bool value) { to.boolean(value); }
    void operator()(const CborInteger& value) { to.integer(value); }
    void operator()(double value) { to.real(value); }
    void operator()(ByteView value) { to.bytes(value); }
    void operator()(std::string_view value) { to.text(value); }
    void operator()(const Cid& value) { to.link(value); }
    void operator()(CborListHead head) { to.list(head.count); }
    void operator()(CborMapHead head) { to.map(head.count); }
  };
  do {
    Result<CborItem> item = reader.next();
    if (!item) return item.error();
    std::visit(Write{writer}, *item);
  } while (!reader.is_done());
  const Status end = reader.finish();
  if (!end) return end.error();
  return copy;
}

void expect_same_bytes(const Bytes& bytes) {
  const Result<CborValue> value = decode_cbor(bytes);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(encode_cbor(*value).value(), bytes);
  EXPECT_EQ(copy_items(bytes).value(), bytes);
}

TEST(DagCbor, GivesBackEveryFixture) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  const auto files = files_below(shared_testdata() / "codec-fixtures/dag-cbor", ".dag-cbor");
  EXPECT_GE(files.size(), 100U);
  for (const auto& path : files) {
    SCOPED_TRACE(path);
    expect_same_bytes(read_bytes(path));
  }
}

TEST(DagCbor, RefusesTheNegativeFixtures) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  const std::regex hex("\"hex\": \"([0-9a-f]+)\"");
  int seen = 0;
  for (const auto& path :
       files_below(shared_testdata() / "codec-fixtures/negative/dag-cbor", ".json")) {
    const Bytes json = read_bytes(path);
    const std::string text(as_text(json));
    for (std::sregex_iterator each(text.begin(), text.end(), hex), end; each != end; ++each) {
      EXPECT_FALSE(decode_cbor(unhex((*each)[1].str()))) << *each->begin();
      ++seen;
    }
  }
  EXPECT_GE(seen, 1);
}

TEST(DagCbor, RefusesWhatTheRulesForbidForTheRightReason) {
  const Bytes file = read_bytes(own_testdata() / "dag-cbor/refused.txt");
  std::istringstream lines{std::string(as_text(file))};
  int seen = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    SCOPED_TRACE(line);
    const std::size_t space = line.find(' ');
    const Bytes bytes = unhex(line.substr(0, space));
    const Result<CborValue> value = decode_cbor(bytes);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(value.error().message, HasSubstr(line.substr(space + 1)));
    EXPECT_FALSE(copy_items(bytes));
    ++seen;
  }
  EXPECT_GE(seen, 100);
}

TEST(DagCbor, HasALimitOfDepth) {
  const auto nested = [](std::size_t depth, std::byte head) {
    Bytes bytes(depth - 1, head);
    bytes.push_back(std::byte{0x80});
    return bytes;
  };
  expect_same_bytes(nested(kCborDepthMax, std::byte{0x81}));
  const Result<CborValue> deeper = decode_cbor(nested(kCborDepthMax + 1, std::byte{0x81}));
  ASSERT_FALSE(deeper);
  EXPECT_THAT(deeper.error().message, HasSubstr("deeper than 128"));
  EXPECT_FALSE(decode_cbor(nested(2'000'000, std::byte{0x81})));

  CborValue value{CborList()};
  for (std::size_t i = 1; i < kCborDepthMax; ++i) value = {CborList{value}};
  EXPECT_TRUE(encode_cbor(value));
  value = {CborMap{{"a", value}}};
  EXPECT_EQ(encode_cbor(value).error().code, ErrorCode::kInvalidArgument);
}

TEST(DagCbor, CutShortIsNeverAccepted) {
  const Bytes bytes = unhex("a36161821903e8f66162d82a450001550000626161fb3ff8000000000000");
  expect_same_bytes(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_cbor(ByteView(bytes).first(size))) << size;
  }
}

TEST(DagCbor, SortsTheKeysOfATree) {
  const CborMap map = {{"bb", {CborNull()}}, {"c", {true}}, {"a", {std::string("x")}}, {"", {1.5}}};
  const Bytes bytes = encode_cbor({map}).value();
  EXPECT_EQ(to_hex(bytes), "a460fb3ff8000000000000616161786163f5626262f6");
  expect_same_bytes(bytes);
}

TEST(DagCbor, RefusesToEncodeWhatItWouldNotRead) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const CborValue& value :
       {CborValue{infinity}, CborValue{std::nan("")}, CborValue{std::string("\xff")},
        CborValue{CborList{{-infinity}}}, CborValue{CborMap{{"\xc0", {true}}}},
        CborValue{CborMap{{"a", {true}}, {"b", {true}}, {"a", {false}}}}}) {
    const Result<Bytes> bytes = encode_cbor(value);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(DagCbor, HasIntegersOf65Bits) {
  for (const auto& [hex, integer] :
       {std::pair("00", CborInteger{0, false}), std::pair("17", CborInteger{23, false}),
        std::pair("1818", CborInteger{24, false}), std::pair("20", CborInteger{0, true}),
        std::pair("1bffffffffffffffff", CborInteger{~std::uint64_t{0}, false}),
        std::pair("3bffffffffffffffff", CborInteger{~std::uint64_t{0}, true})}) {
    EXPECT_EQ(to_hex(encode_cbor({integer}).value()), hex);
    EXPECT_EQ(std::get<CborInteger>(decode_cbor(unhex(hex)).value().is), integer);
  }
}

TEST(DagCbor, ReadsItemByItemWhatIsExpected) {
  const Bytes bytes = unhex("a26161182a616282f640");
  CborReader reader(bytes);
  EXPECT_EQ(reader.next_map("the node").value(), 2U);
  EXPECT_TRUE(reader.expect_key("a"));
  EXPECT_EQ(reader.next_unsigned("a").value(), 42U);
  EXPECT_FALSE(reader.is_done());
  EXPECT_FALSE(reader.finish());
  EXPECT_THAT(reader.expect_key("c").error().message, HasSubstr("not the key \"c\""));

  CborReader other(bytes);
  const Error error = other.next_list("the node").error();
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("the node is not a list"));
  const Bytes negative = unhex("20");
  EXPECT_FALSE(CborReader(negative).next_unsigned("a size"));
}

// Method: change one byte of a valid node; what is still accepted must be its own encoding.
TEST(DagCbor, HasOneEncodingForEachValue) {
  const Bytes bytes = unhex(
      "a46161821903e8f66162d82a450001550000626161fb3ff8000000000000626162a26178f6617964c3a4c3b6");
  int accepted = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = bytes;
      changed[i] = static_cast<std::byte>(value);
      const Result<CborValue> decoded = decode_cbor(changed);
      if (!decoded) continue;
      ++accepted;
      EXPECT_EQ(encode_cbor(*decoded).value(), changed);
      EXPECT_EQ(copy_items(changed).value(), changed);
    }
  }
  EXPECT_GT(accepted, 200);
}

}  // namespace
}  // namespace packstore::dag
