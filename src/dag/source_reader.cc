#include "dag/source_reader.h"

#include <algorithm>

#include "base/error.h"
#include "store/put.h"

namespace packstore::dag {

// Makes bytes ready unless the stream is at its end.
Status SourceReader::fill() {
  if (!ready_.empty()) return {};
  ASSIGN_OR_RETURN(const std::size_t count, store::fill(source_, buffer_));
  ready_ = ByteView(buffer_).first(count);
  return {};
}

Result<std::optional<std::byte>> SourceReader::read_byte() {
  std::byte byte{};
  ASSIGN_OR_RETURN(const std::size_t count, read({&byte, 1}));
  if (count == 0) return std::optional<std::byte>();
  return std::optional(byte);
}

Result<std::size_t> SourceReader::read(std::span<std::byte> into) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  std::size_t done = 0;
  while (done < wanted) {
    RETURN_IF_ERROR(fill());
    if (ready_.empty()) break;
    const ByteView part = ready_.first(std::min(ready_.size(), wanted - done));
    std::ranges::copy(part, into.begin() + static_cast<std::ptrdiff_t>(done));
    ready_ = ready_.subspan(part.size());
    done += part.size();
  }
  offset_ += done;
  left_ -= done;
  return done;
}

Result<std::uint64_t> SourceReader::skip(std::uint64_t count) {
  Bytes ignored(static_cast<std::size_t>(std::min<std::uint64_t>(count, buffer_.size())));
  std::uint64_t done = 0;
  while (done < count) {
    const auto part =
        static_cast<std::size_t>(std::min<std::uint64_t>(count - done, ignored.size()));
    ASSIGN_OR_RETURN(const std::size_t skipped, read(std::span(ignored).first(part)));
    if (skipped == 0) break;
    done += skipped;
  }
  return done;
}

}  // namespace packstore::dag
