#include "fuzz/codec_stream.h"

#include <algorithm>

#include "base/check.h"
#include "codec/codec.h"

namespace packstore::testing {
namespace {

// Streams of a few bytes can claim, and be, very much.
constexpr std::size_t kContentBytesMax = 1 << 18;

// Gives its bytes in pieces of at most `piece`.
class PieceSource final : public ByteSource {
 public:
  PieceSource(ByteView rest, std::size_t piece) : rest_(rest), piece_(piece) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t size = std::min({into.size(), piece_, rest_.size()});
    std::copy_n(rest_.begin(), size, into.begin());
    rest_ = rest_.subspan(size);
    return size;
  }

 private:
  ByteView rest_;
  std::size_t piece_;
};

// What the streaming decoder gives for `stored`; nullopt when it refuses.
std::optional<Bytes> stream(Codec codec, ByteView stored, std::uint64_t content_size,
                            std::size_t piece) {
  PieceSource source(stored, piece);
  const auto decoder = codec::make_decoder(codec, source, content_size).value();
  Bytes content;
  Bytes buffer(piece);
  while (content.size() <= kContentBytesMax) {
    const Result<std::size_t> count = decoder->read(buffer);
    if (!count) return std::nullopt;
    if (*count == 0) return content;
    PACKSTORE_CHECK(*count <= buffer.size() && content.size() + *count <= content_size);
    content.insert(content.end(), buffer.begin(),
                   buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  return std::nullopt;
}

void decode_both_ways(Codec codec, ByteView stored, std::size_t content_size, std::size_t piece) {
  Bytes content(content_size);
  const Status whole = codec::decode(codec, stored, content);
  const std::optional<Bytes> streamed = stream(codec, stored, content_size, piece);
  PACKSTORE_CHECK(whole.has_value() == streamed.has_value());
  if (streamed) PACKSTORE_CHECK(*streamed == content);
}

void round_trip(const Compression& wish, ByteView content, std::size_t piece) {
  Bytes stored;
  const Codec codec = codec::encode(content, wish, stored).value();
  if (codec == Codec::kNone) return;
  PACKSTORE_CHECK(stored.size() < content.size());
  PACKSTORE_CHECK(
      std::ranges::equal(stream(codec, stored, content.size(), piece).value(), content));
  decode_both_ways(codec, stored, content.size(), piece);
}

}  // namespace

void fuzz_codec_stream(Codec codec, FuzzInput input) {
  const int level = 1 + static_cast<int>(input.take_below(9));
  const std::size_t piece = 1 + input.take_below(5000);
  const std::size_t content_size = input.take_below(kContentBytesMax);
  decode_both_ways(codec, input.rest(), content_size, piece);
  // A promise that no memory could keep.
  static_cast<void>(stream(codec, input.rest(), std::uint64_t{1} << 47, piece));
  round_trip({.codec = codec, .level = level}, input.rest(), piece);
}

}  // namespace packstore::testing
