#include "found_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "exit_status.h"
#include "files.h"
#include "interrupt.h"
#include "text.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

class Finder {
 public:
  explicit Finder(const fs::path& store) : store_(store) {}

  // Calls itself once a directory on the way down, and a path has 4,096 bytes at most.
  Result<FoundFile> find(const fs::path& path, const fs::file_status& status) const {
    if (interrupted()) return fail(ErrorCode::kCancelled, "{}: interrupted", path.string());
    FoundFile found{.path = path};
    switch (status.type()) {
      case fs::file_type::directory:
        return find_below(std::move(found));
      case fs::file_type::symlink:
        found.type = FoundFile::Type::kSymlink;
        return found;
      case fs::file_type::regular:
        return with_size(std::move(found));
      default:
        return fail(ErrorCode::kInvalidArgument,
                    "{}: neither a file nor a directory nor a symbolic link", path.string());
    }
  }

 private:
  Result<FoundFile> find_below(FoundFile directory) const {
    directory.type = FoundFile::Type::kDirectory;
    if (const Status other = refuse_store(directory.path, store_); !other) return other.error();
    std::error_code error;
    fs::directory_iterator entry(directory.path, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const fs::file_status status = entry->symlink_status(error);
      if (error) return system_error(entry->path().string(), "look at it", error.value());
      Result<FoundFile> found = find(entry->path(), status);
      if (!found) return found;
      directory.size += found->size;
      directory.entries.push_back(std::move(*found));
    }
    if (error) return system_error(directory.path.string(), "list it", error.value());
    std::ranges::sort(directory.entries, {}, &FoundFile::path);
    return directory;
  }

  static Result<FoundFile> with_size(FoundFile file) {
    if (const Result<FileSource> source = FileSource::open(file.path.string()); !source) {
      return source.error();
    }
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file.path, error);
    if (error) return system_error(file.path.string(), "look at it", error.value());
    file.size = size;
    return file;
  }

  const fs::path& store_;
};

}  // namespace

Status refuse_store(const fs::path& directory, const fs::path& store) {
  std::error_code ignored;
  if (!fs::equivalent(directory, store, ignored)) return {};
  return fail(ErrorCode::kInvalidArgument, "{}: is the store, which cannot hold itself",
              directory.string());
}

Result<FoundFile> find_files(const std::string& name, const fs::path& store) {
  std::error_code ignored;
  const fs::file_status status = fs::status(name, ignored);
  if (fs::is_directory(status) || fs::is_regular_file(status)) {
    return Finder(store).find(name, status);
  }
  // A pipe, a device, or what is not there: whoever names it means it. It is not opened to look at
  // it: a pipe that is closed again has lost its writer, and what was written.
  errno = 0;
  if (access(name.c_str(), R_OK) != 0) return system_error(name, "open", errno);
  return FoundFile{.path = name};
}

}  // namespace packstore::cli
