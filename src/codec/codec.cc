#include "codec/codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "codec/zlib_codec.h"
#include "codec/zstd_codec.h"

namespace packstore::codec {
namespace {

// Of shorter content it does not show whether its bytes are spread evenly.
constexpr std::size_t kSpreadBytes = 4096;

// Shorter content is not sampled: starting the compressor for the samples would cost a good part
// of the full attempt.
constexpr std::size_t kSampledBytesMin = 128 * 1024;

// One byte in 64 is looked at, in pieces of 1 KiB: long enough for matches to show, short enough to
// come from many places. On 1 MiB of random bytes that is about 4 % of a full attempt, most of it
// for starting the compressor.
constexpr std::size_t kSampleShare = 64;
constexpr std::size_t kPieceBytes = 1024;
constexpr std::size_t kPiecesMin = 4;
constexpr std::size_t kPiecesMax = 64;

// The compressors give up some bytes before a buffer is really full. What they get more than may
// be used keeps a result that just fits from being missed.
constexpr std::size_t kSlackBytes = 64;

// The largest stored size that is still worth it: below ratio_max * size, hence below the size.
std::size_t worthwhile_bytes_max(std::size_t content_size, double ratio_max) {
  const double limit = std::ceil(ratio_max * static_cast<double>(content_size));
  if (limit < 1.0) return 0;
  return std::min(static_cast<std::size_t>(limit), content_size) - 1;
}

std::size_t encode_into(ByteView content, const Compression& wish, std::span<std::byte> into) {
  PACKSTORE_CHECK(wish.codec == Codec::kZlib || wish.codec == Codec::kZstd);
  return wish.codec == Codec::kZlib ? zlib_encode(content, wish.level, into)
                                    : zstd_encode(content, wish.level, into);
}

// Gathers `pieces` pieces of the content, its first and its last among them, into one buffer.
ByteView take_samples(ByteView content, std::size_t pieces) {
  thread_local Bytes samples;
  samples.resize(pieces * kPieceBytes);
  const std::size_t stride = (content.size() - kPieceBytes) / (pieces - 1);
  for (std::size_t i = 0; i < pieces; ++i) {
    std::memcpy(&samples[i * kPieceBytes], &content[i * stride], kPieceBytes);
  }
  return samples;
}

// True when all values of a byte are as frequent as in noise, by Pearson's chi-squared test. Then
// no code for single bytes saves anything, and only repetitions could; in noise there are none.
// Costs a thousandth of an attempt to compress.
bool is_spread_evenly(ByteView content) {
  if (content.size() < kSpreadBytes) return false;
  constexpr std::size_t kValues = 256;
  // Of noise the sum below has the mean 255 and the deviation 22.6; text has tens of thousands, and
  // what could be coded in 0.3 % less than 8 bits a byte has this much.
  constexpr std::uint64_t kChiSquaredMax = 390;
  constexpr std::uint64_t kExpected = kSpreadBytes / kValues;

  // Two tables, because equal neighbours would wait for each other.
  std::array<std::array<std::uint32_t, kValues>, 2> counts = {};
  const ByteView samples = take_samples(content, kSpreadBytes / kPieceBytes);
  for (std::size_t i = 0; i < samples.size(); i += 2) {
    ++counts[0][std::to_integer<std::size_t>(samples[i])];
    ++counts[1][std::to_integer<std::size_t>(samples[i + 1])];
  }
  std::uint64_t squares = 0;
  for (std::size_t value = 0; value < kValues; ++value) {
    const std::uint64_t count = counts[0][value] + counts[1][value];
    squares += count * count;
  }
  // The sum of (count - expected)^2 / expected.
  return squares / kExpected - kSpreadBytes <= kChiSquaredMax;
}

bool deflates_below(ByteView content, double ratio_max) {
  const std::size_t stored_max = worthwhile_bytes_max(content.size(), ratio_max);
  thread_local Bytes scratch;
  scratch.resize(stored_max + kSlackBytes);
  const std::size_t stored_size = zlib_encode(content, 1, scratch);
  return stored_size != 0 && stored_size <= stored_max;
}

bool worth_trying(ByteView content, const Compression& wish) {
  if (wish.codec == Codec::kNone || content.empty()) return false;
  if (!wish.sample_first) return true;
  if (is_spread_evenly(content)) return false;
  if (content.size() < kSampledBytesMin) return true;
  return samples_promise(content, wish.ratio_max);
}

}  // namespace

Result<Codec> encode(ByteView content, const Compression& wish, Bytes& out) {
  if (!worth_trying(content, wish)) {
    out.clear();
    return Codec::kNone;
  }
  const std::size_t stored_max = worthwhile_bytes_max(content.size(), wish.ratio_max);
  // Growing only: what is already there need not be set to zero again.
  if (out.size() < stored_max + kSlackBytes) out.resize(stored_max + kSlackBytes);
  const std::size_t stored_size = encode_into(content, wish, out);
  if (stored_size == 0 || stored_size > stored_max) {
    out.clear();
    return Codec::kNone;
  }
  out.resize(stored_size);
  return wish.codec;
}

Status decode(Codec codec, ByteView stored, std::span<std::byte> content) {
  switch (codec) {
    case Codec::kNone:
      if (stored.size() != content.size()) {
        return fail(ErrorCode::kCorrupt, "verbatim bytes: {} stored, {} expected", stored.size(),
                    content.size());
      }
      if (!content.empty()) std::memcpy(content.data(), stored.data(), content.size());
      return {};
    case Codec::kZlib:
      return zlib_decode(stored, content);
    case Codec::kZstd:
      return zstd_decode(stored, content);
  }
  return fail(ErrorCode::kUnsupported, "codec number {} is not known",
              static_cast<unsigned>(codec));
}

bool samples_promise(ByteView content, double ratio_max) {
  if (content.empty()) return false;
  const std::size_t pieces =
      std::clamp(content.size() / kSampleShare / kPieceBytes, kPiecesMin, kPiecesMax);
  if (content.size() <= pieces * kPieceBytes) return deflates_below(content, ratio_max);

  // In one buffer, so that the compressor is started once.
  return deflates_below(take_samples(content, pieces), ratio_max);
}

}  // namespace packstore::codec
