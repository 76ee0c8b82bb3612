// What all implementations of File share.
#include "io/file.h"

#include <algorithm>
#include <array>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/mistake.h"
#include "io/posix_file.h"

namespace packstore::io {
namespace {

// Large enough that the cost of a call does not show, small enough for any caller's memory.
constexpr std::uint64_t kCopyBufferBytes = std::uint64_t{1} << 20;

Error ends_too_early(const File& from, std::uint64_t offset, std::uint64_t length,
                     std::uint64_t end) {
  return fail(ErrorCode::kCorrupt, "{}: a copy wants {} bytes at {}, the file ends at {}",
              from.path(), length, offset, end);
}

// Where copy_range() takes bytes from and puts them.
struct CopyRange {
  std::uint64_t from_offset = 0;
  std::uint64_t to_offset = 0;
  std::uint64_t length = 0;
};

Status copy_by_hand(const File& from, File& to, CopyRange rest) {
  std::vector<std::byte> buffer(std::min(rest.length, kCopyBufferBytes));
  while (rest.length > 0) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(rest.length, buffer.size()));
    const std::span<std::byte> part(buffer.data(), wanted);
    ASSIGN_OR_RETURN(const std::size_t count, from.read_at(rest.from_offset, part));
    if (count < wanted) {
      return ends_too_early(from, rest.from_offset, wanted, rest.from_offset + count);
    }
    RETURN_IF_ERROR(to.write_at(rest.to_offset, part));
    rest.from_offset += count;
    rest.to_offset += count;
    rest.length -= count;
  }
  return {};
}

}  // namespace

Status File::write_at(std::uint64_t offset, std::span<const ByteView> pieces) {
  RETURN_IF_ERROR(first_failure());
  return remember(do_write_at(offset, pieces));
}

Status File::sync() {
  RETURN_IF_ERROR(first_failure());
  if (makes(Mistake::kRetryFailedSync) && !do_sync()) return do_sync();
  return remember(do_sync());
}

Status File::truncate(std::uint64_t size) { return remember(do_truncate(size)); }

Status File::first_failure() {
  const std::lock_guard guard(failure_mutex_);
  if (failure_) return *failure_;
  return {};
}

Status File::remember(Status status) {
  if (status.has_value()) return status;
  const std::lock_guard guard(failure_mutex_);
  if (!failure_) failure_ = status.error();
  return status;
}

Status copy_range(const File& from, std::uint64_t from_offset, File& to, std::uint64_t to_offset,
                  std::uint64_t length) {
  ASSIGN_OR_RETURN(const FileInfo source, from.info());
  if (!fits(from_offset, length, source.size)) {
    return ends_too_early(from, from_offset, length, source.size);
  }
  // Writing nothing asks whether an earlier write to the file failed: the kernel would not know.
  RETURN_IF_ERROR(to.write_at(to_offset, ByteView()));
  const std::uint64_t done = copy_in_kernel(from, from_offset, to, to_offset, length);
  return copy_by_hand(
      from, to,
      {.from_offset = from_offset + done, .to_offset = to_offset + done, .length = length - done});
}

Result<std::vector<std::string>> list_names(const Directory& directory, EntryKind kind) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(directory.list([&](const Entry& entry) -> Status {
    if (entry.kind == kind) names.push_back(entry.name);
    return {};
  }));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::optional<std::unique_ptr<File>>> Directory::find_file_below(std::string_view directory,
                                                                        std::string_view name,
                                                                        OpenMode mode) const {
  ASSIGN_OR_RETURN(const auto found, find_directory(directory));
  if (!found) return std::optional<std::unique_ptr<File>>();
  return (*found)->find_file(name, mode);
}

}  // namespace packstore::io
