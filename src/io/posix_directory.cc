// How names become entries, without ever leaving the directory:
// 1. A name is copied into an EntryName, which is one component or refused.
// 2. Every call is made on the held descriptor of the directory and does not follow a symbolic link
//    in the last, and only, component; so neither a name nor a moved directory leads elsewhere.
// 3. Opening does not block, or a planted FIFO could hang the caller; what was opened is looked at
//    afterwards, and refused when it is another kind of thing.
// 4. An absent entry is found by one system call; nothing is formatted or allocated for it, because
//    lookups of objects that are not there take this way.
#include "io/posix_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "io/posix_counter.h"
#include "io/posix_file.h"

namespace packstore::io {
namespace {

constexpr int kOpenFlags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
constexpr int kDirectoryFlags = kOpenFlags | O_RDONLY | O_DIRECTORY;

using FoundDirectory = std::optional<std::unique_ptr<Directory>>;
using FoundFile = std::optional<std::unique_ptr<File>>;

// One path component as system calls want it, or nothing where the text is not one.
class EntryName {
 public:
  explicit EntryName(std::string_view text)
      : valid_(!text.empty() && text.size() <= NAME_MAX && text != "." && text != ".." &&
               text.find('/') == text.npos && text.find('\0') == text.npos) {
    if (valid_) *std::copy(text.begin(), text.end(), characters_.begin()) = '\0';
  }

  bool valid() const { return valid_; }
  const char* c_str() const { return characters_.data(); }

 private:
  bool valid_;
  std::array<char, NAME_MAX + 1> characters_;
};

Error refuse_name(std::string_view directory) {
  return fail(ErrorCode::kInvalidArgument,
              "{}: an entry's name must be one path component of at most {} bytes", directory,
              NAME_MAX);
}

const PosixDirectory* as_posix(const Directory& directory) {
  return dynamic_cast<const PosixDirectory*>(&directory);
}

Error refuse_foreign(const Directory& to) {
  return fail(ErrorCode::kInvalidArgument, "{}: not a directory of the operating system",
              to.path());
}

// A second name was refused because this file system, or this pair of them, has none.
bool means_no_links(int error_number) {
  return error_number == EPERM || error_number == EXDEV || error_number == EMLINK ||
         error_number == EOPNOTSUPP || error_number == ENOSYS;
}

struct DirectoryStreamCloser {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using DirectoryStream = std::unique_ptr<DIR, DirectoryStreamCloser>;

EntryKind kind_of_mode(mode_t mode) {
  if (S_ISREG(mode)) return EntryKind::kFile;
  if (S_ISDIR(mode)) return EntryKind::kDirectory;
  return EntryKind::kOther;
}

// The kind of `entry`; nullopt where it was removed since it was listed.
Result<std::optional<EntryKind>> kind_of(int directory_fd, const dirent& entry,
                                         std::string_view path) {
  if (entry.d_type != DT_UNKNOWN)
    return std::optional(kind_of_mode(static_cast<mode_t>(DTTOIF(entry.d_type))));
  struct stat status;
  if (::fstatat(directory_fd, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return std::optional(kind_of_mode(status.st_mode));
  }
  if (errno == ENOENT) return std::optional<EntryKind>();
  return system_error(errno, "stat an entry", path);
}

// What the umask of this process takes away: asking umask() would change it for a moment, for every
// thread. nullopt: the system does not say (Linux before 4.7).
std::optional<mode_t> read_umask() {
  const OwnedFd fd(
      retry_interrupted([&] { return ::open("/proc/self/status", O_RDONLY | O_CLOEXEC); }));
  std::array<char, 4096> text;  // The line is the second one.
  const ssize_t count =
      fd.valid() ? retry_interrupted([&] { return ::read(fd.get(), text.data(), text.size()); })
                 : 0;
  if (count <= 0) return std::nullopt;
  const std::string_view status(text.data(), static_cast<std::size_t>(count));
  constexpr std::string_view kLabel = "\nUmask:\t";
  const std::size_t label = status.find(kLabel);
  if (label == status.npos) return std::nullopt;
  const std::string_view digits = status.substr(label + kLabel.size());
  mode_t mask = 0;
  const auto read = std::from_chars(digits.begin(), digits.end(), mask, 8);
  return read.ec == std::errc() ? std::optional(mask) : std::nullopt;
}

constexpr mode_t kModeOfEverybody = S_IRWXU | S_IRWXG | S_IRWXO;

}  // namespace

mode_t directory_mode(Privacy privacy) { return privacy == Privacy::kOwnerOnly ? 0700 : 0777; }
mode_t file_mode(Privacy privacy) { return privacy == Privacy::kOwnerOnly ? 0600 : 0666; }

Result<std::optional<std::unique_ptr<Directory>>> PosixDirectory::find_directory(
    std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  OwnedFd fd(
      retry_interrupted([&] { return ::openat(fd_.get(), entry.c_str(), kDirectoryFlags); }));
  if (!fd.valid()) {
    if (errno == ENOENT) return FoundDirectory();
    return entry_error(errno, "open as a directory", name);
  }
  return FoundDirectory(
      std::make_unique<PosixDirectory>(std::move(fd), child_path(name), privacy_));
}

Result<std::optional<std::unique_ptr<File>>> PosixDirectory::find_file(std::string_view name,
                                                                       OpenMode mode) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  const int flags = kOpenFlags | (mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
  OwnedFd fd(retry_interrupted([&] { return ::openat(fd_.get(), entry.c_str(), flags); }));
  if (!fd.valid()) {
    if (errno == ENOENT) return FoundFile();
    return entry_error(errno, "open", name);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, PosixFile::adopt(std::move(fd), child_path(name)));
  return FoundFile(std::move(file));
}

Result<std::optional<std::unique_ptr<File>>> PosixDirectory::find_file_below(
    std::string_view directory, std::string_view name, OpenMode mode) const {
  const EntryName outer(directory);
  const EntryName inner(name);
  if (!outer.valid() || !inner.valid()) return refuse_name(path_);
  std::array<char, 2 * (NAME_MAX + 1)> path;
  const auto slash = std::copy(directory.begin(), directory.end(), path.begin());
  *slash = '/';
  *std::copy(name.begin(), name.end(), slash + 1) = '\0';

  struct open_how how = {};
  how.flags = kOpenFlags | (mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
  // No link in either component, which a plain openat() promises for the last one only.
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  OwnedFd fd(retry_interrupted([&] {
    return static_cast<int>(::syscall(SYS_openat2, fd_.get(), path.data(), &how, sizeof how));
  }));
  if (fd.valid()) {
    ASSIGN_OR_RETURN(auto file, PosixFile::adopt(std::move(fd), child_path(path.data())));
    return FoundFile(std::move(file));
  }
  if (errno == ENOENT) return FoundFile();
  // Kernels before 5.6, and some sandboxes, have no openat2; and the two steps name what is wrong.
  return Directory::find_file_below(directory, name, mode);
}

Result<std::unique_ptr<Directory>> PosixDirectory::open_directory(std::string_view name) const {
  ASSIGN_OR_RETURN(FoundDirectory found, find_directory(name));
  if (!found) return entry_error(ENOENT, "open as a directory", name);
  return std::move(*found);
}

Result<std::unique_ptr<File>> PosixDirectory::open_file(std::string_view name,
                                                        OpenMode mode) const {
  ASSIGN_OR_RETURN(FoundFile found, find_file(name, mode));
  if (!found) return entry_error(ENOENT, "open", name);
  return std::move(*found);
}

Status PosixDirectory::create_directory(std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  if (::mkdirat(fd_.get(), entry.c_str(), directory_mode(privacy_)) != 0) {
    return entry_error(errno, "create a directory", name);
  }
  return {};
}

Result<std::unique_ptr<File>> PosixDirectory::create_file(std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  OwnedFd fd(retry_interrupted([&] {
    return ::openat(fd_.get(), entry.c_str(), kOpenFlags | O_RDWR | O_CREAT | O_EXCL,
                    file_mode(privacy_));
  }));
  if (!fd.valid()) return entry_error(errno, "create a file", name);
  return PosixFile::adopt(std::move(fd), child_path(name));
}

Status PosixDirectory::rename(std::string_view name, const Directory& to,
                              std::string_view to_name) const {
  const EntryName entry(name);
  const EntryName to_entry(to_name);
  const PosixDirectory* target = as_posix(to);
  if (!entry.valid()) return refuse_name(path_);
  if (!to_entry.valid()) return refuse_name(to.path());
  if (target == nullptr) return refuse_foreign(to);
  if (::renameat(fd_.get(), entry.c_str(), target->fd_.get(), to_entry.c_str()) != 0) {
    const int error_number = errno;
    return entry_error(error_number, fmt::format("rename to {}", target->child_path(to_name)),
                       name);
  }
  return {};
}

Status PosixDirectory::link(std::string_view name, const Directory& to,
                            std::string_view to_name) const {
  const EntryName entry(name);
  const EntryName to_entry(to_name);
  const PosixDirectory* target = as_posix(to);
  if (!entry.valid()) return refuse_name(path_);
  if (!to_entry.valid()) return refuse_name(to.path());
  if (target == nullptr) return refuse_foreign(to);
  if (::linkat(fd_.get(), entry.c_str(), target->fd_.get(), to_entry.c_str(), 0) == 0) return {};
  const int error_number = errno;
  Error error =
      entry_error(error_number, fmt::format("link to {}", target->child_path(to_name)), name);
  if (means_no_links(error_number)) error.code = ErrorCode::kUnsupported;
  return error;
}

Status PosixDirectory::remove_file(std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  if (::unlinkat(fd_.get(), entry.c_str(), 0) != 0) {
    return entry_error(errno, "remove", name);
  }
  return {};
}

Status PosixDirectory::remove_directory(std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  if (::unlinkat(fd_.get(), entry.c_str(), AT_REMOVEDIR) != 0) {
    return entry_error(errno, "remove the directory", name);
  }
  return {};
}

Result<std::optional<FileInfo>> PosixDirectory::stat_file(std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  struct stat status;
  if (::fstatat(fd_.get(), entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<FileInfo>();
    return entry_error(errno, "stat", name);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kCorrupt, "{}: not a regular file (mode {:o})", child_path(name),
                status.st_mode);
  }
  return std::optional(info_of(status));
}

Status PosixDirectory::list(const std::function<Status(const Entry&)>& visit) const {
  // An open file of its own: the position of a listing belongs to the open file, and duplicates of
  // the held descriptor would share it between threads.
  OwnedFd fd(retry_interrupted([&] { return ::openat(fd_.get(), ".", kDirectoryFlags); }));
  if (!fd.valid()) return system_error(errno, "list", path_);
  const DirectoryStream stream(::fdopendir(fd.get()));
  if (!stream) return system_error(errno, "list", path_);
  fd.release();  // The stream closes it.
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return system_error(errno, "list", path_);
    if (entry == nullptr) return {};
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    ASSIGN_OR_RETURN(const auto kind, kind_of(fd_.get(), *entry, path_));
    if (kind) RETURN_IF_ERROR(visit({.name = std::string(name), .kind = *kind}));
  }
}

Status PosixDirectory::adapt_mode_if_empty() const {
  const auto mask = privacy_ == Privacy::kOwnerOnly ? std::optional<mode_t>(0) : read_umask();
  struct stat status;
  if (::fstat(fd_.get(), &status) != 0) return system_error(errno, "stat", path_);
  const mode_t wanted = directory_mode(privacy_) & ~mask.value_or(0);
  if (!mask || (status.st_mode & kModeOfEverybody) == wanted) return {};
  bool is_empty = true;
  RETURN_IF_ERROR(list([&](const Entry&) -> Status {
    is_empty = false;
    return {};
  }));
  if (!is_empty) return {};
  // Others than these bits, to set the group of entries perhaps, are none of our business.
  const mode_t others = status.st_mode & (S_ISUID | S_ISGID | S_ISVTX);
  if (::fchmod(fd_.get(), others | wanted) == 0) return {};
  return system_error(errno, "set the mode of a directory", path_);
}

Status PosixDirectory::sync() const {
  if (retry_interrupted([&] { return ::fsync(fd_.get()); }) != 0) {
    return system_error(errno, "sync", path_);
  }
  return {};
}

Result<bool> PosixDirectory::try_lock() {
  if (retry_interrupted([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return system_error(errno, "lock", path_);
}

Result<std::uint64_t> PosixDirectory::free_bytes() const {
  struct statvfs status;
  if (retry_interrupted([&] { return ::fstatvfs(fd_.get(), &status); }) != 0) {
    return system_error(errno, "ask for the free space", path_);
  }
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

Result<std::unique_ptr<SharedCounter>> PosixDirectory::open_counter(std::string_view name) const {
  const EntryName entry(name);
  if (!entry.valid()) return refuse_name(path_);
  OwnedFd fd(retry_interrupted([&] {
    return ::openat(fd_.get(), entry.c_str(), kOpenFlags | O_RDWR | O_CREAT, file_mode(privacy_));
  }));
  if (!fd.valid()) return entry_error(errno, "open the counter", name);
  return PosixCounter::map(std::move(fd), child_path(name));
}

Error PosixDirectory::entry_error(int error_number, std::string_view operation,
                                  std::string_view name) const {
  return system_error(error_number, operation, child_path(name));
}

std::string PosixDirectory::child_path(std::string_view name) const {
  const bool is_root = path_.ends_with('/');
  return fmt::format("{}{}{}", path_, is_root ? "" : "/", name);
}

}  // namespace packstore::io
