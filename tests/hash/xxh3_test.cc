#include "hash/xxh3.h"

#include <gtest/gtest.h>

// The reference: the plain C code of the header, without vector instructions. The library under
// test picks code for the processor at run time, and must give the same numbers.
#define XXH_INLINE_ALL
#define XXH_VECTOR 0
#include <xxhash.h>

#include <algorithm>
#include <random>
#include <utility>

namespace packstore::hash {
namespace {

std::uint64_t reference(ByteView bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

class Xxh3Test : public testing::Test {
 protected:
  static constexpr unsigned kSeed = 77;
  std::mt19937 random_{kSeed};
  Bytes pool_ = [this] {
    Bytes pool(200'000);
    for (std::byte& byte : pool) byte = static_cast<std::byte>(random_());
    return pool;
  }();
};

// On disk; a change of any of them is a change of the format.
TEST_F(Xxh3Test, GivesThePublishedValues) {
  EXPECT_EQ(xxh3({}), 0x2D06800538D394C2U);
  EXPECT_EQ(xxh3(as_bytes("a")), 0xE6C632B61E964E1FU);
  EXPECT_EQ(xxh3(as_bytes("abc")), 0x78AF5F94892F3950U);
}

TEST_F(Xxh3Test, GivesTheValuesOfThePlainCodeForEveryLength) {
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    for (std::size_t length = 0; length < 2100; ++length) {
      const ByteView bytes = ByteView(pool_).subspan(length % 64, length);
      ASSERT_EQ(xxh3(bytes, seed), reference(bytes, seed)) << length << " bytes, seed " << seed;
    }
    EXPECT_EQ(xxh3(pool_, seed), reference(pool_, seed));
  }
}

TEST_F(Xxh3Test, StreamDependsOnTheBytesAndNotOnThePieces) {
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  for (const std::size_t length : {0U, 1U, 240U, 241U, 256U, 1024U, 5000U, 200'000U}) {
    Xxh3 stream;
    ByteView rest = ByteView(pool_).first(length);
    while (!rest.empty()) {
      const std::size_t piece = std::min<std::size_t>(rest.size(), random_() % 700);
      stream.update(rest.first(piece));
      rest = rest.subspan(piece);
    }
    EXPECT_EQ(stream.digest(), xxh3(ByteView(pool_).first(length))) << length << " bytes";
  }
}

TEST_F(Xxh3Test, StreamGoesOnAfterDigest) {
  Xxh3 stream;
  stream.update(as_bytes("ab"));
  EXPECT_EQ(stream.digest(), xxh3(as_bytes("ab")));
  Xxh3 moved = std::move(stream);
  moved.update({});
  moved.update(as_bytes("c"));
  EXPECT_EQ(moved.digest(), xxh3(as_bytes("abc")));
}

}  // namespace
}  // namespace packstore::hash
