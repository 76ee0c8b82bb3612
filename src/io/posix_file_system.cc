#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "io/file.h"
#include "io/posix_call.h"
#include "io/posix_directory.h"

namespace packstore::io {
namespace {

constexpr mode_t kModeOfOthers = S_IRWXG | S_IRWXO;

struct MallocFree {
  void operator()(char* text) const { ::free(text); }
};

// A path as system calls want it: text behind a zero byte would be ignored silently.
Status check_path(const std::string& path) {
  if (!path.empty() && path.find('\0') == path.npos) return {};
  return fail(ErrorCode::kInvalidArgument, "\"{}\": not a path", path.c_str());
}

// A path is the caller's. Where it ends in a file, leads through one or in a circle of links, it is
// wrong, and nothing is damaged.
Error path_error(int error_number, std::string_view operation, std::string_view path) {
  Error error = system_error(error_number, operation, path);
  if (error_number == ENOTDIR || error_number == ELOOP) error.code = ErrorCode::kInvalidArgument;
  return error;
}

// An open directory with its absolute path.
struct OpenedDirectory {
  OwnedFd fd;
  std::string path;
  Privacy privacy = Privacy::kAsUmaskSays;  // What its own mode says.
};

Result<OpenedDirectory> open_path(const std::string& path) {
  // SQLite opens its database below the result and follows no symbolic link on the way.
  const std::unique_ptr<char, MallocFree> canonical(::realpath(path.c_str(), nullptr));
  if (!canonical) return path_error(errno, "open as a directory", path);
  OpenedDirectory opened{.fd = OwnedFd(), .path = canonical.get()};
  opened.fd = OwnedFd(retry_interrupted(
      [&] { return ::open(canonical.get(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!opened.fd.valid()) return path_error(errno, "open as a directory", opened.path);
  struct stat status;
  if (::fstat(opened.fd.get(), &status) != 0) return system_error(errno, "stat", opened.path);
  if ((status.st_mode & kModeOfOthers) == 0) opened.privacy = Privacy::kOwnerOnly;
  return opened;
}

// The directory that holds the last component of `path`.
std::string parent_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Status sync_path(const std::string& path) {
  const OwnedFd fd(
      retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid() || retry_interrupted([&] { return ::fsync(fd.get()); }) != 0) {
    return system_error(errno, "sync", path);
  }
  return {};
}

// Makes `path` and what is missing above it. Each new entry is durable before the next one below it
// is made, so that a crash leaves a shorter path, never a hole.
Status make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return sync_path(parent_of(path));
  if (errno == EEXIST) {
    // Whoever made it may have died, or failed, before its name was durable.
    const std::string parent = parent_of(path);
    return ::access(parent.c_str(), R_OK) == 0 ? sync_path(parent) : Status();
  }
  if (errno != ENOENT || parent_of(path) == path) {
    return path_error(errno, "create a directory", path);
  }
  RETURN_IF_ERROR(make_directories(parent_of(path), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return path_error(errno, "create a directory", path);
  }
  return sync_path(parent_of(path));
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<Directory>> open_directory(const std::string& path) override {
    RETURN_IF_ERROR(check_path(path));
    ASSIGN_OR_RETURN(OpenedDirectory opened, open_path(path));
    return std::unique_ptr<Directory>(std::make_unique<PosixDirectory>(
        std::move(opened.fd), std::move(opened.path), opened.privacy));
  }

  Result<std::unique_ptr<Directory>> create_directory(const std::string& path,
                                                      bool owner_only) override {
    RETURN_IF_ERROR(check_path(path));
    const Privacy privacy = owner_only ? Privacy::kOwnerOnly : Privacy::kAsUmaskSays;
    const bool was_there = ::access(path.c_str(), F_OK) == 0;
    RETURN_IF_ERROR(make_directories(path, directory_mode(privacy)));
    ASSIGN_OR_RETURN(OpenedDirectory opened, open_path(path));
    auto directory =
        std::make_unique<PosixDirectory>(std::move(opened.fd), std::move(opened.path), privacy);
    if (was_there) RETURN_IF_ERROR(directory->adapt_mode_if_empty());
    return std::unique_ptr<Directory>(std::move(directory));
  }

  const char* sqlite_vfs() const override { return nullptr; }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace packstore::io
