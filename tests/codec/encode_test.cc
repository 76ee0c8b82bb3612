#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "codec/codec.h"
#include "codec/contents.h"

namespace packstore::codec {
namespace {

const Compression kEveryCodec[] = {Compression::zlib(1), Compression::zlib(6), Compression::zstd(1),
                                   Compression::zstd(19)};

TEST(Encode, KeepsVerbatimWhatWouldNotShrink) {
  Bytes stored = to_bytes("left over");
  for (const std::size_t size : {0U, 1U, 8U, 100U, 5000U, 70'000U, 300'000U}) {
    const Bytes content = random_bytes(size, 1);
    for (const Compression& wish : kEveryCodec) {
      EXPECT_EQ(encode(content, wish, stored).value(), Codec::kNone);
      EXPECT_TRUE(stored.empty());
    }
  }
}

TEST(Encode, KeepsVerbatimWhenAskedTo) {
  Bytes stored = to_bytes("left over");
  EXPECT_EQ(encode(Bytes(1000), Compression::none(), stored).value(), Codec::kNone);
  EXPECT_TRUE(stored.empty());
}

// The result must be smaller than ratio_max * size: at the ratio that was reached it is refused,
// just above it is taken. The margin inside the compressors must not show.
TEST(Encode, TakesExactlyTheResultsBelowTheRatio) {
  for (const Compression& wish : kEveryCodec) {
    for (const std::size_t size : {100U, 4096U, 100'000U}) {
      SCOPED_TRACE(testing::Message() << to_string(wish.codec) << wish.level << " of " << size);
      const Bytes content = text_bytes(size, 2);
      Bytes stored;
      ASSERT_EQ(encode(content, wish, stored).value(), wish.codec);
      const double reached = static_cast<double>(stored.size());

      Compression strict = wish;
      strict.ratio_max = reached / static_cast<double>(size);
      Bytes again;
      EXPECT_EQ(encode(content, strict, again).value(), Codec::kNone);
      strict.ratio_max = (reached + 0.5) / static_cast<double>(size);
      EXPECT_EQ(encode(content, strict, again).value(), wish.codec);
      EXPECT_EQ(again.size(), stored.size());
    }
  }
}

TEST(Encode, LeavesOnlyTheResultInAReusedBuffer) {
  const Bytes large = text_bytes(200'000, 3);
  const Bytes small = text_bytes(500, 4);
  Bytes fresh;
  ASSERT_TRUE(encode(small, Compression::zlib(6), fresh));
  Bytes reused;
  ASSERT_TRUE(encode(large, Compression::zlib(6), reused));
  const std::size_t capacity = reused.capacity();
  ASSERT_TRUE(encode(small, Compression::zlib(6), reused));
  EXPECT_EQ(reused, fresh);
  EXPECT_EQ(reused.capacity(), capacity);
}

TEST(Encode, SamplesBeforeItTries) {
  Bytes stored;
  const Compression wish = Compression::automatic();
  EXPECT_EQ(encode(text_bytes(1'000'000, 5), wish, stored).value(), Codec::kZlib);
  EXPECT_EQ(encode(random_bytes(1'000'000, 6), wish, stored).value(), Codec::kNone);
  EXPECT_EQ(encode(text_bytes(2000, 7), wish, stored).value(), Codec::kZlib);

  // Random blocks that come twice would compress to a half, but no sample can know. That the
  // attempt is skipped shows that samples decide.
  Bytes twice;
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    const Bytes block = random_bytes(10'000, seed);
    for (int i = 0; i < 2; ++i) twice.insert(twice.end(), block.begin(), block.end());
  }
  Compression thorough = Compression::zlib(6);
  EXPECT_EQ(encode(twice, thorough, stored).value(), Codec::kZlib);
  thorough.sample_first = true;
  EXPECT_EQ(encode(twice, thorough, stored).value(), Codec::kNone);
}

// A random block that comes twice shows that it was not tried.
TEST(Encode, DoesNotTryWhatIsSpreadLikeNoise) {
  Bytes twice = random_bytes(8192, 11);
  twice.resize(16'384);
  std::copy_n(twice.begin(), 8192, twice.begin() + 8192);
  Bytes stored;
  Compression wish = Compression::zlib(6);
  EXPECT_EQ(encode(twice, wish, stored).value(), Codec::kZlib);
  wish.sample_first = true;
  EXPECT_EQ(encode(twice, wish, stored).value(), Codec::kNone);
}

TEST(Encode, TriesWhatIsNoiseInPart) {
  Bytes stored;
  const Compression wish = Compression::automatic(1.0);
  Bytes every_eighth = random_bytes(16'384, 12);
  for (std::size_t i = 7; i < every_eighth.size(); i += 8) every_eighth[i] = std::byte{0x3f};
  EXPECT_EQ(encode(every_eighth, wish, stored).value(), Codec::kZlib);
  Bytes short_period = random_bytes(16'384, 13);
  for (std::size_t i = 512; i < short_period.size(); ++i) short_period[i] = short_period[i - 512];
  EXPECT_EQ(encode(short_period, wish, stored).value(), Codec::kZlib);
}

TEST(Samples, PromiseWhatTheRatioAsksFor) {
  for (const std::size_t size : {1000U, 4096U, 4097U, 100'000U, 3'000'000U, 20'000'000U}) {
    SCOPED_TRACE(size);
    EXPECT_TRUE(samples_promise(text_bytes(size, 8), 0.9));
    EXPECT_TRUE(samples_promise(Bytes(size), 0.1));
    EXPECT_FALSE(samples_promise(text_bytes(size, 8), 0.05));
    EXPECT_FALSE(samples_promise(random_bytes(size, 9), 1.0));
  }
  EXPECT_FALSE(samples_promise({}, 1.0));
  EXPECT_FALSE(samples_promise(to_bytes("x"), 1.0));
}

// One end of the content alone must not decide.
TEST(Samples, ComeFromTheWholeContent) {
  Bytes half = random_bytes(2'000'000, 10);
  std::fill(half.begin() + 1'000'000, half.end(), std::byte{0});
  EXPECT_TRUE(samples_promise(half, 0.6));
  EXPECT_FALSE(samples_promise(half, 0.4));
}

}  // namespace
}  // namespace packstore::codec
