// Who does the work on a zlib stream:
//
// 1. Writing at level 1, whole or piece by piece: ISA-L where it is built in. It is the fastest by
//    far, and its streams are no larger than zlib's.
// 2. Writing whole buffers at other levels, and reading whole buffers: libdeflate.
// 3. Writing at other levels piece by piece, and reading piece by piece: zlib. ISA-L would read
//    twice as fast, but zlib is the reader that hostile input has been thrown at for longest.
#include "codec/zlib_codec.h"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#if defined(PACKSTORE_HAVE_ISAL)
#include "codec/igzip.h"
#endif

namespace packstore::codec {
namespace {

constexpr std::size_t kLevels = 10;

#if defined(PACKSTORE_HAVE_ISAL)
constexpr int kIgzipLevel = 1;
#endif

struct FreeCompressor {
  void operator()(libdeflate_compressor* it) const { libdeflate_free_compressor(it); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* it) const { libdeflate_free_decompressor(it); }
};

// The thread's compressor of `level`, made at its first use: it is up to a megabyte of tables, much
// dearer to make than a small object is to compress.
libdeflate_compressor* compressor(int level) {
  thread_local std::array<std::unique_ptr<libdeflate_compressor, FreeCompressor>, kLevels> made;
  PACKSTORE_CHECK(level >= 1 && level < static_cast<int>(kLevels));
  auto& slot = made[static_cast<std::size_t>(level)];
  if (slot == nullptr) slot.reset(libdeflate_alloc_compressor(level));
  PACKSTORE_CHECK(slot != nullptr);
  return slot.get();
}

libdeflate_decompressor* decompressor() {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> made(
      libdeflate_alloc_decompressor());
  PACKSTORE_CHECK(made != nullptr);
  return made.get();
}

// zlib counts what it is given in 32 bits; a step may do less than it could.
uInt bounded(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class ZlibStep : public Step {
 public:
  ZlibStep() = default;
  ZlibStep(const ZlibStep&) = delete;
  ZlibStep& operator=(const ZlibStep&) = delete;

 protected:
  void offer(ByteView input, std::span<std::byte> output) {
    // The interface of zlib is not const-correct; it does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    stream_.avail_in = bounded(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = bounded(output.size());
  }

  Progress progress(ByteView input, std::span<std::byte> output, int answer) const {
    return {.consumed = bounded(input.size()) - stream_.avail_in,
            .produced = bounded(output.size()) - stream_.avail_out,
            .ended = answer == Z_STREAM_END};
  }

  z_stream stream_{};
};

class ZlibEncodeStep final : public ZlibStep {
 public:
  explicit ZlibEncodeStep(int level) { PACKSTORE_CHECK(deflateInit(&stream_, level) == Z_OK); }
  ~ZlibEncodeStep() override { deflateEnd(&stream_); }

  Result<Progress> run(ByteView input, Input more, std::span<std::byte> output) override {
    offer(input, output);
    const bool last = more == Input::kLast && stream_.avail_in == input.size();
    const int answer = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
    PACKSTORE_CHECK(answer == Z_OK || answer == Z_BUF_ERROR || answer == Z_STREAM_END);
    return progress(input, output, answer);
  }
};

class ZlibDecodeStep final : public ZlibStep {
 public:
  ZlibDecodeStep() { PACKSTORE_CHECK(inflateInit(&stream_) == Z_OK); }
  ~ZlibDecodeStep() override { inflateEnd(&stream_); }

  Result<Progress> run(ByteView input, Input /*more*/, std::span<std::byte> output) override {
    offer(input, output);
    const int answer = inflate(&stream_, Z_NO_FLUSH);
    if (answer == Z_OK || answer == Z_BUF_ERROR || answer == Z_STREAM_END) {
      return progress(input, output, answer);
    }
    if (answer == Z_NEED_DICT) {
      return fail(ErrorCode::kCorrupt, "zlib stream: needs a dictionary, none is ever used here");
    }
    return fail(ErrorCode::kCorrupt, "zlib stream: {}",
                stream_.msg != nullptr ? stream_.msg : zError(answer));
  }
};

}  // namespace

std::size_t zlib_encode(ByteView content, int level, std::span<std::byte> into) {
#if defined(PACKSTORE_HAVE_ISAL)
  const bool fits = std::max(content.size(), into.size()) <= std::numeric_limits<uInt>::max();
  if (level == kIgzipLevel && fits) return igzip_encode(content, into);
#endif
  return libdeflate_zlib_compress(compressor(level), content.data(), content.size(), into.data(),
                                  into.size());
}

Status zlib_decode(ByteView stored, std::span<std::byte> content) {
  // The library wants an address even for nothing.
  std::byte nothing{};
  std::byte* const target = content.empty() ? &nothing : content.data();
  std::size_t consumed = 0;
  std::size_t produced = 0;
  const libdeflate_result answer = libdeflate_zlib_decompress_ex(
      decompressor(), stored.data(), stored.size(), target, content.size(), &consumed, &produced);
  if (answer == LIBDEFLATE_INSUFFICIENT_SPACE) {
    return fail(ErrorCode::kCorrupt, "zlib stream: more than the {} bytes expected",
                content.size());
  }
  if (answer != LIBDEFLATE_SUCCESS) {
    return fail(ErrorCode::kCorrupt, "zlib stream of {} bytes: damaged or cut off", stored.size());
  }
  if (produced != content.size()) {
    return fail(ErrorCode::kCorrupt, "zlib stream: {} bytes, {} expected", produced,
                content.size());
  }
  if (consumed != stored.size()) {
    return fail(ErrorCode::kCorrupt, "zlib stream: ends after {} of {} stored bytes", consumed,
                stored.size());
  }
  return {};
}

std::unique_ptr<Step> make_zlib_encode_step(int level) {
#if defined(PACKSTORE_HAVE_ISAL)
  if (level == kIgzipLevel) return make_igzip_encode_step();
#endif
  return std::make_unique<ZlibEncodeStep>(level);
}

std::unique_ptr<Step> make_zlib_decode_step() { return std::make_unique<ZlibDecodeStep>(); }

}  // namespace packstore::codec
