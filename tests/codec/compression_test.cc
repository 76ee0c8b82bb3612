#include "packstore/compression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace packstore {
namespace {

Compression parsed(std::string_view text) {
  const Result<Compression> result = Compression::parse(text);
  EXPECT_TRUE(result.has_value()) << text;
  return result.value_or(Compression{});
}

TEST(Compression, ParsesEveryDocumentedForm) {
  EXPECT_EQ(parsed("none").codec, Codec::kNone);
  EXPECT_EQ(parsed("zlib").codec, Codec::kZlib);
  EXPECT_EQ(parsed("zlib").level, 1);
  EXPECT_EQ(parsed("zlib:9").level, 9);
  EXPECT_EQ(parsed("zstd").codec, Codec::kZstd);
  EXPECT_EQ(parsed("zstd").level, 3);
  EXPECT_EQ(parsed("zstd:19").level, 19);
  EXPECT_EQ(parsed("zstd:19").ratio_max, 1.0);
  EXPECT_EQ(parsed("auto").codec, Codec::kZlib);
  EXPECT_TRUE(parsed("auto").sample_first);
  EXPECT_EQ(parsed("auto").ratio_max, 0.9);
  EXPECT_EQ(parsed("auto:0.5").ratio_max, 0.5);
  EXPECT_EQ(parsed("auto:1").ratio_max, 1.0);
}

TEST(Compression, RefusesEveryOtherText) {
  for (const std::string_view text :
       {"",          "None",     "gzip",     "none:",     "none:1", "zlib:",    "zlib:0",
        "zlib:10",   "zlib:-1",  "zlib:+1",  "zlib:1 ",   " zlib",  "zlib:1:1", "zlib:99999999999",
        "zstd:0",    "zstd:20",  "zstd:x",   "zstdx",     "auto:",  "auto:0",   "auto:1.01",
        "auto:-0.5", "auto:nan", "auto:inf", "auto:0.5x", ":1"}) {
    const Result<Compression> result = Compression::parse(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(Compression, ChecksCodecLevelAndRatio) {
  EXPECT_TRUE(Compression::none().check());
  EXPECT_TRUE(Compression::zlib(9).check());
  EXPECT_TRUE(Compression::zstd(19).check());
  EXPECT_TRUE(Compression::automatic(0.01).check());
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  for (const Compression& wish :
       {Compression::zlib(0), Compression::zlib(10), Compression::zstd(0), Compression::zstd(20),
        Compression::automatic(0.0), Compression::automatic(1.5),
        Compression::automatic(not_a_number), Compression{.codec = static_cast<Codec>(3)}}) {
    EXPECT_FALSE(wish.check()) << to_string(wish.codec) << ':' << wish.level;
  }
}

TEST(Compression, NamesItsCodecs) {
  EXPECT_EQ(to_string(Codec::kNone), "none");
  EXPECT_EQ(to_string(Codec::kZlib), "zlib");
  EXPECT_EQ(to_string(Codec::kZstd), "zstd");
}

}  // namespace
}  // namespace packstore
