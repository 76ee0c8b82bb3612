#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "hash/sha256.h"

namespace packstore::hash {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

// Blocks, padding and the 16-bit lane length each have an edge; one length on either side of it.
const std::vector<std::size_t> kEdgeLengths = {
    0,      1,      55,     56,      57,      63,       64,     65,       119,     120,
    127,    128,    129,    4095,    4096,    16'384,   65'471, 65'472,   65'533,  65'534,
    65'535, 65'536, 65'537, 131'071, 131'072, kMiB - 1, kMiB,   kMiB + 1, 5 * kMiB};

class Sha256Many : public testing::Test {
 protected:
  // Buffers of the given lengths, at addresses without any alignment.
  std::vector<ByteView> buffers_of(const std::vector<std::size_t>& lengths) {
    std::vector<ByteView> buffers;
    for (const std::size_t length : lengths) {
      buffers.push_back(ByteView(pool_).subspan(random_() % 4096, length));
    }
    return buffers;
  }

  static std::vector<ObjectId> one_by_one(const std::vector<ByteView>& buffers) {
    std::vector<ObjectId> ids;
    for (const ByteView buffer : buffers) ids.push_back(sha256(buffer));
    return ids;
  }

  static std::vector<ObjectId> all_at_once(const std::vector<ByteView>& buffers) {
    std::vector<ObjectId> ids(buffers.size());
    sha256_many(buffers, ids);
    return ids;
  }

  void expect_same_ids(const std::vector<std::size_t>& lengths) {
    const std::vector<ByteView> buffers = buffers_of(lengths);
    EXPECT_EQ(all_at_once(buffers), one_by_one(buffers));
  }

  static constexpr unsigned kSeed = 20'240'611;
  std::mt19937 random_{kSeed};
  Bytes pool_ = [this] {
    Bytes pool(5 * kMiB + 4096);
    for (std::byte& byte : pool) byte = static_cast<std::byte>(random_());
    return pool;
  }();
};

TEST_F(Sha256Many, GivesTheIdsOfOneByOneForEqualLengths) {
  for (const std::size_t length : kEdgeLengths) {
    SCOPED_TRACE(length);
    const std::size_t count_max = length > kMiB ? 3 : length > 65'537 ? 18 : 49;
    for (std::size_t count = 0; count <= count_max; count += count < 18 ? 1 : 7) {
      SCOPED_TRACE(count);
      expect_same_ids(std::vector<std::size_t>(count, length));
    }
  }
}

TEST_F(Sha256Many, GivesTheIdsOfOneByOneForAllEdgesInOneCall) {
  expect_same_ids(kEdgeLengths);
  std::vector<std::size_t> shuffled = kEdgeLengths;
  std::shuffle(shuffled.begin(), shuffled.end(), random_);
  expect_same_ids(shuffled);
}

TEST_F(Sha256Many, GivesTheIdsOfOneByOneForRandomSets) {
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  for (int round = 0; round < 200; ++round) {
    const std::size_t count = random_() % 80;
    const std::size_t length_max = std::size_t{1} << random_() % 20;
    std::vector<std::size_t> lengths(count);
    for (std::size_t& length : lengths) length = random_() % (length_max + 1);
    expect_same_ids(lengths);
  }
}

// More buffers than the library has places for in its queue.
TEST_F(Sha256Many, TakesAnyNumberOfBuffers) {
  std::vector<std::size_t> lengths(3000);
  for (std::size_t& length : lengths) length = random_() % 300;
  expect_same_ids(lengths);
}

TEST_F(Sha256Many, TakesTheSameBufferManyTimes) {
  const std::vector<ByteView> buffers(40, ByteView(pool_).first(1000));
  EXPECT_EQ(all_at_once(buffers), one_by_one(buffers));
}

TEST_F(Sha256Many, MayBeCalledFromManyThreadsAtOnce) {
  const std::vector<ByteView> buffers = buffers_of(std::vector<std::size_t>(33, 5000));
  const std::vector<ObjectId> expected = one_by_one(buffers);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) right += all_at_once(buffers) == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8 * 20);
}

}  // namespace
}  // namespace packstore::hash
