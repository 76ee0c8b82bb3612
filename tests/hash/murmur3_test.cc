// The first halves of hashes that others have published, and the one that a published shard has.
#include "hash/murmur3.h"

#include <gtest/gtest.h>

namespace packstore::hash {
namespace {

TEST(Murmur3, EqualsPublishedHashes) {
  EXPECT_EQ(murmur3({}), 0U);
  EXPECT_EQ(murmur3(as_bytes("hello")), 0xcbd8a7b341bd9b02);
  EXPECT_EQ(murmur3(as_bytes("The quick brown fox jumps over the lazy dog")), 0xe34bbc7bbc071b6c);
  EXPECT_EQ(murmur3(as_bytes("470.txt")) >> 32, 0x006e88df);
}

}  // namespace
}  // namespace packstore::hash
