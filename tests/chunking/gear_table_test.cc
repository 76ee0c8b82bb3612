#include "chunking/gear_table.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <set>

#include "packstore/bytes.h"

namespace packstore::chunking {
namespace {

std::uint64_t first_word_of_md5(ByteView bytes) {
  std::array<unsigned char, 16> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_md5(), nullptr) != 1) {
    return 0;
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word = word << 8U | digest[i];
  return word;
}

TEST(GearTable, IsTheMd5OfSixtyFourCopiesOfEachByte) {
  if (first_word_of_md5({}) == 0) GTEST_SKIP() << "this OpenSSL refuses MD5";
  for (std::size_t i = 0; i < 256; ++i) {
    const Bytes copies(64, static_cast<std::byte>(i));
    EXPECT_EQ(md5_gear_table()[i], first_word_of_md5(copies)) << "byte " << i;
  }
}

ChunkerSecret secret_of(unsigned value) {
  ChunkerSecret secret{};
  secret.back() = static_cast<std::byte>(value);
  return secret;
}

TEST(KeyedGearTable, DependsOnTheSecretAlone) {
  EXPECT_EQ(keyed_gear_table(secret_of(1)), keyed_gear_table(secret_of(1)));
  const GearTable one = keyed_gear_table(secret_of(1));
  const GearTable two = keyed_gear_table(secret_of(2));
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NE(one[i], two[i]) << "byte " << i;
}

// Recorded: a change would move every cut of every keyed store.
TEST(KeyedGearTable, StaysAsItWas) {
  EXPECT_EQ(keyed_gear_table(secret_of(1))[0], 18031299485931756484U);
  EXPECT_EQ(keyed_gear_table(secret_of(1))[255], 4460964755763645531U);
}

TEST(NativeTable, GivesEveryByteAWordOfItsOwn) {
  const NibbleTables tables = native_nibble_tables(ChunkerSecret{});
  std::set<std::uint32_t> words;
  for (std::size_t i = 0; i < 256; ++i) words.insert(tables.word(i));
  EXPECT_EQ(words.size(), 256U);
}

TEST(NativeTable, StaysAsItWas) {
  const NibbleTables tables = native_nibble_tables(ChunkerSecret{});
  EXPECT_EQ(tables.low[0], 2558724766U);
  EXPECT_EQ(tables.high[15], 2090230268U);
}

}  // namespace
}  // namespace packstore::chunking
