// Every codec and level, on every kind of content: what the whole-buffer calls write, the streams
// read, and the other way round, and public libraries read both.
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "codec/codec.h"
#include "codec/contents.h"

namespace packstore::codec {
namespace {

// Hands out a few bytes at a time, however much is asked for.
class DrippingSource final : public ByteSource {
 public:
  DrippingSource(ByteView rest, std::size_t piece) : rest_(rest), piece_(piece) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = std::min({piece_, into.size(), rest_.size()});
    std::copy_n(rest_.begin(), count, into.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  ByteView rest_;
  std::size_t piece_;
};

Bytes encode_stream(ByteView content, const Compression& wish, std::size_t piece) {
  Bytes stored;
  const Encoder::Sink append = [&](ByteView bytes) -> Status {
    stored.insert(stored.end(), bytes.begin(), bytes.end());
    return {};
  };
  const std::unique_ptr<Encoder> encoder = make_encoder(wish).value();
  while (!content.empty()) {
    const ByteView front = content.first(std::min(piece, content.size()));
    encoder->write(front, append).value();
    content = content.subspan(front.size());
  }
  encoder->finish(append).value();
  return stored;
}

Bytes decode_stream(Codec codec, ByteSource& stored, std::uint64_t size, std::size_t piece) {
  const std::unique_ptr<ByteSource> decoder = make_decoder(codec, stored, size).value();
  Bytes content;
  Bytes buffer(piece);
  for (;;) {
    const std::size_t count = decoder->read(buffer).value();
    if (count == 0) return content;
    content.insert(content.end(), buffer.data(), buffer.data() + count);
  }
}

Bytes decode_with_public_library(Codec codec, ByteView stored, std::size_t size) {
  Bytes content(size + 1);
  std::size_t produced = 0;
  if (codec == Codec::kZlib) {
    uLongf room = content.size();
    EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(content.data()), &room,
                         reinterpret_cast<const Bytef*>(stored.data()), stored.size()),
              Z_OK);
    produced = room;
  } else {
    produced = ZSTD_decompress(content.data(), content.size(), stored.data(), stored.size());
    EXPECT_FALSE(ZSTD_isError(produced));
  }
  content.resize(std::min(produced, content.size()));
  return content;
}

void expect_readable_by_all(Codec codec, ByteView stored, const Bytes& content) {
  Bytes decoded(content.size());
  const Status status = decode(codec, stored, decoded);
  ASSERT_TRUE(status) << status.error().message;
  ASSERT_TRUE(decoded == content);

  ViewSource source(stored);
  ASSERT_TRUE(decode_stream(codec, source, content.size(), 50'000) == content);
  ASSERT_TRUE(decode_with_public_library(codec, stored, content.size()) == content);
}

void expect_round_trips(const Content& content, const Compression& wish) {
  SCOPED_TRACE(testing::Message() << content.name << ", " << to_string(wish.codec) << ':'
                                  << wish.level);
  Bytes stored;
  const Codec codec = encode(content.bytes, wish, stored).value();
  if (codec == Codec::kNone) {
    EXPECT_TRUE(stored.empty());
  } else {
    EXPECT_EQ(codec, wish.codec);
    EXPECT_LT(stored.size(), content.bytes.size());
    expect_readable_by_all(codec, stored, content.bytes);
  }
  const Bytes streamed = encode_stream(content.bytes, wish, 30'000);
  expect_readable_by_all(wish.codec, streamed, content.bytes);
}

TEST(RoundTrip, HoldsForEveryCodecLevelAndKindOfContent) {
  for (const Content& content : small_contents()) {
    for (int level = 1; level <= 9; ++level) expect_round_trips(content, Compression::zlib(level));
    for (int level = 1; level <= 19; ++level) expect_round_trips(content, Compression::zstd(level));
  }
}

TEST(RoundTrip, HoldsForContentLargerThanEveryBuffer) {
  const Content content{"large", mixed_bytes(kLargeBytes, 3)};
  for (const int level : {1, 2, 6, 9}) expect_round_trips(content, Compression::zlib(level));
  for (const int level : {1, 3, 9}) expect_round_trips(content, Compression::zstd(level));
}

TEST(RoundTrip, HoldsWhateverThePiecesAre) {
  const Bytes content = mixed_bytes(60'000, 4);
  for (const Compression& wish :
       {Compression::zlib(1), Compression::zlib(6), Compression::zstd(3)}) {
    for (const std::size_t piece : {1U, 3U, 1000U, 100'000U}) {
      SCOPED_TRACE(testing::Message() << to_string(wish.codec) << " in pieces of " << piece);
      const Bytes stored = encode_stream(content, wish, piece);
      DrippingSource source(stored, piece);
      EXPECT_TRUE(decode_stream(wish.codec, source, content.size(), piece) == content);
    }
  }
}

TEST(RoundTrip, PassesVerbatimBytesThrough) {
  const Bytes content = random_bytes(5000, 5);
  Bytes decoded(content.size());
  ASSERT_TRUE(decode(Codec::kNone, content, decoded));
  EXPECT_EQ(decoded, content);
  DrippingSource source(content, 7);
  EXPECT_EQ(decode_stream(Codec::kNone, source, content.size(), 64), content);
}

// A frame that says how much it will become can be decoded into memory of the right size.
TEST(RoundTrip, WholeZstdFramesDeclareTheirContentSizeAndHaveNoChecksum) {
  const Bytes content = text_bytes(20'000, 6);
  Bytes stored;
  ASSERT_EQ(encode(content, Compression::zstd(), stored).value(), Codec::kZstd);
  EXPECT_EQ(ZSTD_getFrameContentSize(stored.data(), stored.size()), content.size());
  EXPECT_EQ(stored[4] & std::byte{0x04}, std::byte{0}) << "RFC 8878, 3.1.1.1.1.5";
}

}  // namespace
}  // namespace packstore::codec
