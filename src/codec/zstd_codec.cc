// Reading a zstd frame:
//
// 1. Before the library sees it, the header must be that of a frame with content, and its window
//    within the limit. The library checks the window only on some of its ways.
// 2. Whole buffers: the frame must end where the stored bytes end, because the library would go on
//    with the next frame; then it is decoded straight into the content, whose size is the bound.
// 3. Streams: one step is one call of the library; stream.cc watches both sizes.
#include "codec/zstd_codec.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/check.h"
#include "base/error.h"

namespace packstore::codec {
namespace {

// Frames may ask for at most this much memory to be decoded; levels up to 19 ask for 8 MiB.
constexpr int kWindowLogMax = 27;
constexpr std::uint64_t kWindowBytesMax = std::uint64_t{1} << kWindowLogMax;

// RFC 8878, 3.1.1.
constexpr std::array kFrameMagic = {std::byte{0x28}, std::byte{0xB5}, std::byte{0x2F},
                                    std::byte{0xFD}};

struct FreeCompressor {
  void operator()(ZSTD_CCtx* it) const { ZSTD_freeCCtx(it); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* it) const { ZSTD_freeDCtx(it); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeCompressor>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, FreeDecompressor>;

Compressor make_compressor() {
  Compressor made(ZSTD_createCCtx());
  PACKSTORE_CHECK(made != nullptr);
  // Records carry a checksum of their own.
  PACKSTORE_CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(made.get(), ZSTD_c_checksumFlag, 0)));
  return made;
}

Decompressor make_decompressor() {
  Decompressor made(ZSTD_createDCtx());
  PACKSTORE_CHECK(made != nullptr);
  PACKSTORE_CHECK(
      !ZSTD_isError(ZSTD_DCtx_setParameter(made.get(), ZSTD_d_windowLogMax, kWindowLogMax)));
  return made;
}

void set_level(ZSTD_CCtx* context, int level) {
  PACKSTORE_CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)));
}

// The number in the first `size` bytes.
std::uint64_t little_endian(ByteView bytes, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

// The window that a frame asks for (RFC 8878, 3.1.1.1), or nullopt where no frame header stands.
std::optional<std::uint64_t> window_bytes(ByteView stored) {
  if (stored.size() < kFrameMagic.size() + 1) return std::nullopt;
  if (!std::equal(kFrameMagic.begin(), kFrameMagic.end(), stored.begin())) return std::nullopt;
  const auto descriptor = std::to_integer<unsigned>(stored[4]);
  const ByteView rest = stored.subspan(5);

  const bool single_segment = (descriptor & 0x20U) != 0;
  if (!single_segment) {
    if (rest.empty()) return std::nullopt;
    const auto window = std::to_integer<unsigned>(rest[0]);
    const std::uint64_t base = std::uint64_t{1} << (10 + (window >> 3U));
    return base + base / 8 * (window & 7U);
  }
  // The content is the window, so its size says it.
  constexpr std::array<std::size_t, 4> kDictionaryIdBytes = {0, 1, 2, 4};
  constexpr std::array<std::size_t, 4> kContentSizeBytes = {1, 2, 4, 8};
  const std::size_t skipped = kDictionaryIdBytes[descriptor & 3U];
  const std::size_t size_bytes = kContentSizeBytes[descriptor >> 6U];
  if (rest.size() < skipped + size_bytes) return std::nullopt;
  const std::uint64_t size = little_endian(rest.subspan(skipped), size_bytes);
  return size_bytes == 2 ? size + 256 : size;
}

// A skippable frame has no content, and a huge window would let a small record take much memory.
Status check_frame_header(ByteView stored) {
  const std::optional<std::uint64_t> window = window_bytes(stored);
  if (!window) return fail(ErrorCode::kCorrupt, "zstd frame: no frame header");
  if (*window > kWindowBytesMax) {
    return fail(ErrorCode::kCorrupt, "zstd frame: asks for a window of {} bytes, limit {}", *window,
                kWindowBytesMax);
  }
  return {};
}

class ZstdEncodeStep final : public Step {
 public:
  explicit ZstdEncodeStep(int level) { set_level(context_.get(), level); }

  Result<Progress> run(ByteView input, Input more, std::span<std::byte> output) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const bool last = more == Input::kLast;
    const std::size_t answer =
        ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(answer)) {
      return fail(ErrorCode::kIo, "zstd compressor: {}", ZSTD_getErrorName(answer));
    }
    return Progress{in.pos, out.pos, last && answer == 0};
  }

 private:
  Compressor context_ = make_compressor();
};

class ZstdDecodeStep final : public Step {
 public:
  Result<Progress> run(ByteView input, Input /*more*/, std::span<std::byte> output) override {
    if (!header_checked_) RETURN_IF_ERROR(check_frame_header(input));
    header_checked_ = true;
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t answer = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(answer)) {
      return fail(ErrorCode::kCorrupt, "zstd frame: {}", ZSTD_getErrorName(answer));
    }
    return Progress{in.pos, out.pos, answer == 0};
  }

 private:
  Decompressor context_ = make_decompressor();
  bool header_checked_ = false;
};

}  // namespace

std::size_t zstd_encode(ByteView content, int level, std::span<std::byte> into) {
  thread_local const Compressor context = make_compressor();
  set_level(context.get(), level);
  const std::size_t size =
      ZSTD_compress2(context.get(), into.data(), into.size(), content.data(), content.size());
  return ZSTD_isError(size) ? 0 : size;
}

Status zstd_decode(ByteView stored, std::span<std::byte> content) {
  RETURN_IF_ERROR(check_frame_header(stored));
  // The library would go on with a second frame; a record is one.
  const std::size_t frame_size = ZSTD_findFrameCompressedSize(stored.data(), stored.size());
  if (ZSTD_isError(frame_size)) {
    return fail(ErrorCode::kCorrupt, "zstd frame of {} bytes: {}", stored.size(),
                ZSTD_getErrorName(frame_size));
  }
  if (frame_size != stored.size()) {
    return fail(ErrorCode::kCorrupt, "zstd frame: ends after {} of {} stored bytes", frame_size,
                stored.size());
  }

  thread_local const Decompressor context = make_decompressor();
  const std::size_t produced = ZSTD_decompressDCtx(context.get(), content.data(), content.size(),
                                                   stored.data(), stored.size());
  if (ZSTD_isError(produced)) {
    return fail(ErrorCode::kCorrupt, "zstd frame for {} bytes of content: {}", content.size(),
                ZSTD_getErrorName(produced));
  }
  if (produced != content.size()) {
    return fail(ErrorCode::kCorrupt, "zstd frame: {} bytes, {} expected", produced, content.size());
  }
  return {};
}

std::unique_ptr<Step> make_zstd_encode_step(int level) {
  return std::make_unique<ZstdEncodeStep>(level);
}

std::unique_ptr<Step> make_zstd_decode_step() { return std::make_unique<ZstdDecodeStep>(); }

}  // namespace packstore::codec
