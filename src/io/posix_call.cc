#include "io/posix_call.h"

#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "base/error.h"

namespace packstore::io {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::kConflict;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kNoSpace;
    // Something stands there, but it is a symbolic link, a socket or the other of file and
    // directory.
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

FileInfo info_of(const struct stat& status) {
  return {.size = static_cast<std::uint64_t>(status.st_size),
          .links = static_cast<std::uint64_t>(status.st_nlink),
          .device = static_cast<std::uint64_t>(status.st_dev),
          .inode = static_cast<std::uint64_t>(status.st_ino)};
}

OwnedFd::~OwnedFd() {
  // Not repeated after EINTR: Linux has closed it then, and the number may already be another file.
  if (valid()) ::close(fd_);
}

Error system_error(int error_number, std::string_view operation, std::string_view path) {
  return fail(code_of(error_number), "{}: cannot {}: {}", path, operation,
              std::generic_category().message(error_number));
}

}  // namespace packstore::io
