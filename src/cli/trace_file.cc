#include "trace_file.h"

#include <fmt/format.h>
#include <lzma.h>

#include <array>
#include <memory>

#include "files.h"
#include "text.h"

namespace packstore::cli {

namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;
// What the decoder may take for its dictionary; xz -9 asks for 65 MiB.
constexpr std::uint64_t kDecoderBytesMax = 256 << 20;
constexpr std::string_view kXzMagic{
    "\xfd"
    "7zXZ\0",
    6};

Error too_large(const std::string& name) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("trace {}: more than {}", quote(name), format_size(kTraceBytesMax))};
}

Result<Bytes> read_all(const std::string& name) {
  Result<FileSource> source = FileSource::open(name);
  if (!source) return std::move(source).error();
  Bytes content;
  Bytes block(kBlockBytes);
  for (;;) {
    const Result<std::size_t> got = source->read(block);
    if (!got) return got.error();
    if (*got == 0) return content;
    if (*got > kTraceBytesMax - content.size()) return too_large(name);
    content.insert(content.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(*got));
  }
}

struct DecoderEnd {
  void operator()(lzma_stream* stream) const { lzma_end(stream); }
};

Result<Bytes> decompress(ByteView packed, const std::string& name) {
  lzma_stream stream = LZMA_STREAM_INIT;
  const std::unique_ptr<lzma_stream, DecoderEnd> ends(&stream);
  lzma_ret state = lzma_stream_decoder(&stream, kDecoderBytesMax, LZMA_CONCATENATED);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();

  Bytes content;
  Bytes block(kBlockBytes);
  while (state == LZMA_OK) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(block.data());
    stream.avail_out = block.size();
    state = lzma_code(&stream, LZMA_FINISH);
    const std::size_t made = block.size() - stream.avail_out;
    if (made > kTraceBytesMax - content.size()) return too_large(name);
    content.insert(content.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(made));
  }
  if (state == LZMA_STREAM_END) return content;
  return Error{ErrorCode::kCorrupt,
               fmt::format("trace {}: not a whole xz stream (liblzma says {}) after {} bytes",
                           quote(name), static_cast<int>(state), content.size())};
}

}  // namespace

Result<Bytes> read_trace_file(const std::string& name) {
  Result<Bytes> content = read_all(name);
  if (!content || !as_text(*content).starts_with(kXzMagic)) return content;
  return decompress(*content, name);
}

}  // namespace packstore::cli
