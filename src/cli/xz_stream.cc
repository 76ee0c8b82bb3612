#include "xz_stream.h"

#include <fmt/format.h>
#include <lzma.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace packstore::cli {

namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::string_view kXzMagic{
    "\xfd"
    "7zXZ\0",
    6};

struct DecoderEnd {
  void operator()(lzma_stream* stream) const { lzma_end(stream); }
};

}  // namespace

bool looks_like_xz(ByteView content) { return as_text(content).starts_with(kXzMagic); }

Result<Bytes> decompress_xz(ByteView packed, const XzLimits& limits) {
  lzma_stream stream = LZMA_STREAM_INIT;
  const std::unique_ptr<lzma_stream, DecoderEnd> ends(&stream);
  lzma_ret state = lzma_stream_decoder(&stream, limits.decoder_bytes_max, LZMA_CONCATENATED);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();

  Bytes content;
  Bytes block(kBlockBytes);
  while (state == LZMA_OK) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(block.data());
    stream.avail_out = block.size();
    state = lzma_code(&stream, LZMA_FINISH);
    const std::size_t made = block.size() - stream.avail_out;
    if (made > limits.content_bytes_max - content.size()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("xz stream: more than {} bytes", limits.content_bytes_max)};
    }
    content.insert(content.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(made));
  }
  if (state == LZMA_STREAM_END) return content;
  return Error{ErrorCode::kCorrupt,
               fmt::format("not a whole xz stream (liblzma says {}) after {} bytes",
                           static_cast<int>(state), content.size())};
}

}  // namespace packstore::cli
