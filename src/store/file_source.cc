#include "store/file_source.h"

#include <algorithm>

#include "base/error.h"

namespace packstore::store {

Result<std::size_t> FileSource::read(std::span<std::byte> into) {
  if (stop_.stop_requested()) {
    return fail(ErrorCode::kCancelled, "{}: stopped {} bytes before the end of the object",
                file_.path(), left_);
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  ASSIGN_OR_RETURN(const std::size_t count, file_.read_at(offset_, into.first(wanted)));
  if (count < wanted) {
    return fail(ErrorCode::kCorrupt, "{}: ends at {}, {} bytes before the object does",
                file_.path(), offset_ + count, left_ - count);
  }
  offset_ += count;
  left_ -= count;
  return count;
}

}  // namespace packstore::store
