#include "copy_object.h"

#include <algorithm>

#include "exit_status.h"

namespace packstore::cli {

namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

using Sink = std::function<Status(ByteView)>;

Status copy_stream(ObjectReader& reader, const Sink& sink) {
  Bytes buffer(kCopyBytes);
  for (;;) {
    const Result<std::size_t> count = reader.read(buffer);
    if (!count) return count.error();
    if (*count == 0) return {};
    if (const Status taken = sink(ByteView(buffer).first(*count)); !taken) return taken.error();
  }
}

Status copy_range(ObjectReader& reader, const ObjectRange& range, const Sink& sink) {
  std::uint64_t offset = range.offset.value_or(0);
  if (offset > reader.size()) {
    return fail(ErrorCode::kInvalidArgument, "--offset {}: the object has {} bytes", offset,
                reader.size());
  }
  std::uint64_t rest = std::min(range.length.value_or(UINT64_MAX), reader.size() - offset);
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(rest, kCopyBytes)));
  while (rest > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(rest, buffer.size()));
    const Result<std::size_t> count = reader.read_at(offset, std::span(buffer).first(wanted));
    if (!count) return count.error();
    if (*count == 0) break;
    if (const Status taken = sink(ByteView(buffer).first(*count)); !taken) return taken.error();
    offset += *count;
    rest -= *count;
  }
  return {};
}

}  // namespace

Status copy_object(ObjectReader& reader, const ObjectRange& range, const Sink& sink) {
  return range.is_given() ? copy_range(reader, range, sink) : copy_stream(reader, sink);
}

}  // namespace packstore::cli
