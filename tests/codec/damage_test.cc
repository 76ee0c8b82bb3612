// Stored bytes that are not what they should be end with kCorrupt: never with wrong content, with
// a write past the content, or with memory out of proportion.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "codec/codec.h"
#include "codec/contents.h"

namespace packstore::codec {
namespace {

const Compression kEveryStream[] = {Compression::zlib(1), Compression::zlib(6),
                                    Compression::zstd(3)};

Bytes encoded(ByteView content, const Compression& wish) {
  Bytes stored;
  EXPECT_EQ(encode(content, wish, stored).value(), wish.codec);
  return stored;
}

// Decodes in one go, and checks that the bytes behind the content stay as they were.
Status decode_whole(Codec codec, ByteView stored, std::size_t size, Bytes* content = nullptr) {
  constexpr std::byte kGuard{0xA5};
  Bytes buffer(size + 64, kGuard);
  const Status status = decode(codec, stored, std::span(buffer).first(size));
  EXPECT_TRUE(std::all_of(buffer.begin() + static_cast<std::ptrdiff_t>(size), buffer.end(),
                          [](std::byte byte) { return byte == kGuard; }));
  buffer.resize(size);
  if (content != nullptr) *content = buffer;
  return status;
}

// Reads a stream to its end; what was read before an error is in `content`.
Status decode_streamed(Codec codec, ByteView stored, std::uint64_t size, Bytes* content = nullptr) {
  ViewSource source(stored);
  const auto decoder = make_decoder(codec, source, size).value();
  Bytes buffer(1000);
  for (;;) {
    const Result<std::size_t> count = decoder->read(buffer);
    if (!count) {
      EXPECT_FALSE(decoder->read(buffer)) << "an error must last";
      return count.error();
    }
    if (*count == 0) return {};
    if (content != nullptr) content->insert(content->end(), buffer.data(), buffer.data() + *count);
  }
}

void expect_corrupt(Codec codec, ByteView stored, std::size_t size) {
  const Status whole = decode_whole(codec, stored, size);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, ErrorCode::kCorrupt) << whole.error().message;
  Bytes content;
  const Status streamed = decode_streamed(codec, stored, size, &content);
  ASSERT_FALSE(streamed);
  EXPECT_EQ(streamed.error().code, ErrorCode::kCorrupt) << streamed.error().message;
  EXPECT_TRUE(content.size() < size || size == 0) << "all was handed out before it was proven";
}

TEST(Damage, ATooSmallOrTooLargeSizeIsCorrupt) {
  const Bytes content = text_bytes(5000, 1);
  for (const Compression& wish : kEveryStream) {
    SCOPED_TRACE(to_string(wish.codec));
    const Bytes stored = encoded(content, wish);
    for (const std::size_t size : {0U, 1U, 4999U, 5001U, 6000U}) {
      SCOPED_TRACE(size);
      expect_corrupt(wish.codec, stored, size);
    }
  }
  expect_corrupt(Codec::kNone, content, 4999);
  expect_corrupt(Codec::kNone, content, 5001);
}

TEST(Damage, TrailingBytesAreCorrupt) {
  const Bytes content = text_bytes(5000, 2);
  for (const Compression& wish : kEveryStream) {
    SCOPED_TRACE(to_string(wish.codec));
    Bytes stored = encoded(content, wish);
    const Bytes copy = stored;
    stored.push_back(std::byte{0});
    expect_corrupt(wish.codec, stored, content.size());
    // A second complete stream, even one of nothing, is not part of the first.
    stored = copy;
    stored.insert(stored.end(), copy.begin(), copy.end());
    expect_corrupt(wish.codec, stored, content.size());
    expect_corrupt(wish.codec, stored, 2 * content.size());
  }
}

TEST(Damage, EveryTruncationIsCorrupt) {
  const Bytes content = text_bytes(1000, 3);
  for (const Compression& wish : kEveryStream) {
    const Bytes stored = encoded(content, wish);
    for (std::size_t size = 0; size < stored.size(); ++size) {
      SCOPED_TRACE(testing::Message() << to_string(wish.codec) << " cut at " << size);
      expect_corrupt(wish.codec, ByteView(stored).first(size), content.size());
    }
  }
}

// zlib streams carry a checksum, so no flip of a bit may pass; zstd frames carry none, so wrong
// content may come out (the record's own checksum finds that), but nothing worse.
TEST(Damage, FlippedBitsNeverGiveMoreThanTheContent) {
  constexpr unsigned kSeed = 99;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  const Bytes content = text_bytes(3000, 4);
  for (const Compression& wish : kEveryStream) {
    const Bytes stored = encoded(content, wish);
    for (int round = 0; round < 3000; ++round) {
      Bytes damaged = stored;
      for (auto flips = 1 + random() % 3; flips > 0; --flips) {
        damaged[random() % damaged.size()] ^= static_cast<std::byte>(1U << random() % 8);
      }
      Bytes decoded;
      if (decode_whole(wish.codec, damaged, content.size(), &decoded)) {
        ASSERT_TRUE(wish.codec == Codec::kZstd || decoded == content);
      }
      decoded.clear();
      if (decode_streamed(wish.codec, damaged, content.size(), &decoded)) {
        ASSERT_EQ(decoded.size(), content.size());
        ASSERT_TRUE(wish.codec == Codec::kZstd || decoded == content);
      }
    }
  }
}

TEST(Damage, RandomBytesAreCorrupt) {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    const Bytes noise = random_bytes(seed % 100, seed);
    expect_corrupt(Codec::kZlib, noise, 1000);
    expect_corrupt(Codec::kZstd, noise, 1000);
  }
}

// 64 MiB of zeros in a few KiB: decoding stops at the size that was recorded.
TEST(Damage, ABombEndsAtTheRecordedSize) {
  const Bytes zeros(64 * 1024 * 1024);
  for (const Compression& wish : kEveryStream) {
    SCOPED_TRACE(to_string(wish.codec));
    expect_corrupt(wish.codec, encoded(zeros, wish), 1000);
  }
}

// A frame header: magic, descriptor without content size, window descriptor, an empty last block.
Bytes frame_with_window(unsigned window_log) {
  Bytes frame = {std::byte{0x28}, std::byte{0xB5}, std::byte{0x2F}, std::byte{0xFD}, std::byte{0}};
  frame.push_back(static_cast<std::byte>((window_log - 10) << 3U));
  frame.insert(frame.end(), {std::byte{1}, std::byte{0}, std::byte{0}});
  return frame;
}

TEST(Damage, FramesThatAskForAHugeWindowAreRefused) {
  EXPECT_TRUE(decode_whole(Codec::kZstd, frame_with_window(27), 0));
  EXPECT_TRUE(decode_streamed(Codec::kZstd, frame_with_window(27), 0));
  expect_corrupt(Codec::kZstd, frame_with_window(28), 0);
  expect_corrupt(Codec::kZstd, frame_with_window(41), 0);

  // One segment of 2^40 bytes, which is its own window.
  Bytes single = {std::byte{0x28}, std::byte{0xB5}, std::byte{0x2F}, std::byte{0xFD},
                  std::byte{0xE0}};
  single.resize(single.size() + 8);
  single[10] = std::byte{1};
  single.insert(single.end(), {std::byte{1}, std::byte{0}, std::byte{0}});
  expect_corrupt(Codec::kZstd, single, 1000);
}

TEST(Damage, SkippableFramesAreNotContent) {
  Bytes skippable = {std::byte{0x50}, std::byte{0x2A}, std::byte{0x4D}, std::byte{0x18}};
  skippable.resize(8 + 16);
  skippable[4] = std::byte{16};
  expect_corrupt(Codec::kZstd, skippable, 0);
}

TEST(Damage, AStreamThatNeedsADictionaryIsCorrupt) {
  // RFC 1950 header with FDICT set, then a dictionary id.
  const Bytes stored = {std::byte{0x78}, std::byte{0xBB}, std::byte{1}, std::byte{2},
                        std::byte{3},    std::byte{4},    std::byte{3}, std::byte{0}};
  expect_corrupt(Codec::kZlib, stored, 10);
}

TEST(Damage, AnUnknownCodecIsUnsupported) {
  const auto codec = static_cast<Codec>(7);
  const Status status = decode_whole(codec, {}, 0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
  ViewSource source({});
  EXPECT_EQ(make_decoder(codec, source, 0).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(make_encoder(Compression::none()).error().code, ErrorCode::kInvalidArgument);
}

class FailingSource final : public ByteSource {
 public:
  Result<std::size_t> read(std::span<std::byte>) override {
    return fail(ErrorCode::kIo, "the disk is gone");
  }
};

TEST(Decoder, PassesTheErrorOfItsSourceOn) {
  for (const Codec codec : {Codec::kNone, Codec::kZlib, Codec::kZstd}) {
    FailingSource source;
    Bytes buffer(10);
    const auto decoder = make_decoder(codec, source, 10).value();
    EXPECT_EQ(decoder->read(buffer).error().code, ErrorCode::kIo);
  }
}

TEST(Encoder, StaysDeadAfterItsSinkFailed) {
  const Encoder::Sink refuse = [](ByteView) -> Status {
    return fail(ErrorCode::kNoSpace, "the disk is full");
  };
  const Encoder::Sink accept = [](ByteView) -> Status { return {}; };
  for (const Compression& wish : kEveryStream) {
    const auto encoder = make_encoder(wish).value();
    ASSERT_FALSE(encoder->write(random_bytes(500'000, 5), refuse));
    const Status written = encoder->write(to_bytes("more"), accept);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kNoSpace);
    const Status finished = encoder->finish(accept);
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::kNoSpace);
  }
}

}  // namespace
}  // namespace packstore::codec
