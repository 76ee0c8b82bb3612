#include "trace_file.h"

#include <fmt/format.h>

#include <utility>

#include "files.h"
#include "text.h"
#include "xz_stream.h"

namespace packstore::cli {

namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

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

}  // namespace

Result<Bytes> read_trace_file(const std::string& name) {
  Result<Bytes> content = read_all(name);
  if (!content || !looks_like_xz(*content)) return content;
  Result<Bytes> unpacked = decompress_xz(*content, {.content_bytes_max = kTraceBytesMax});
  if (unpacked) return unpacked;
  Error error = std::move(unpacked).error();
  if (error.code == ErrorCode::kInvalidArgument) return too_large(name);
  error.message = fmt::format("trace {}: {}", quote(name), error.message);
  return error;
}

}  // namespace packstore::cli
