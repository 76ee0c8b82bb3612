// Every file and directory is wrapped: 1. announce the step, 2. return the hook's error if it has
// one, 3. let the wrapped one do it. Wrapped directories unwrap each other where a call names two.
#include "watched_file_system.h"

#include <optional>
#include <span>
#include <utility>

#include "base/error.h"

namespace packstore::store {
namespace {

using FilePointer = std::unique_ptr<io::File>;
using DirectoryPointer = std::unique_ptr<io::Directory>;

class WatchedFile final : public io::File {
 public:
  WatchedFile(FilePointer file, Watch& watch) : file_(std::move(file)), watch_(watch) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    RETURN_IF_ERROR(watch_.look("read", path()));
    return file_->read_at(offset, into);
  }
  Result<std::size_t> read_at(std::uint64_t offset,
                              std::span<const std::span<std::byte>> into) const override {
    RETURN_IF_ERROR(watch_.look("read", path()));
    return file_->read_at(offset, into);
  }
  void start_writeback(std::uint64_t offset, std::uint64_t length) override {
    file_->start_writeback(offset, length);
  }
  Result<io::FileInfo> info() const override { return file_->info(); }
  Result<bool> try_lock(io::LockKind kind) override { return file_->try_lock(kind); }
  void unlock() override { file_->unlock(); }
  const std::string& path() const override { return file_->path(); }

 private:
  Status do_write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    RETURN_IF_ERROR(watch_.change("write", path()));
    return file_->write_at(offset, pieces);
  }
  Status do_sync() override {
    RETURN_IF_ERROR(watch_.change("sync", path()));
    return file_->sync();
  }
  Status do_truncate(std::uint64_t size) override {
    RETURN_IF_ERROR(watch_.change("truncate", path()));
    return file_->truncate(size);
  }

  FilePointer file_;
  Watch& watch_;
};

class WatchedDirectory final : public io::Directory {
 public:
  WatchedDirectory(DirectoryPointer directory, Watch& watch)
      : directory_(std::move(directory)), watch_(watch) {}

  Result<DirectoryPointer> open_directory(std::string_view name) const override {
    return wrap(directory_->open_directory(name));
  }
  Result<FilePointer> open_file(std::string_view name, io::OpenMode mode) const override {
    RETURN_IF_ERROR(watch_.look("open", path_of(name)));
    return wrap(directory_->open_file(name, mode));
  }
  Result<std::optional<DirectoryPointer>> find_directory(std::string_view name) const override {
    ASSIGN_OR_RETURN(auto found, directory_->find_directory(name));
    if (!found) return std::optional<DirectoryPointer>();
    ASSIGN_OR_RETURN(auto wrapped, wrap(std::move(*found)));
    return std::optional<DirectoryPointer>(std::move(wrapped));
  }
  Result<std::optional<FilePointer>> find_file(std::string_view name,
                                               io::OpenMode mode) const override {
    RETURN_IF_ERROR(watch_.look("open", path_of(name)));
    ASSIGN_OR_RETURN(auto found, directory_->find_file(name, mode));
    if (!found) return std::optional<FilePointer>();
    ASSIGN_OR_RETURN(auto wrapped, wrap(std::move(*found)));
    return std::optional<FilePointer>(std::move(wrapped));
  }
  Status create_directory(std::string_view name) const override {
    RETURN_IF_ERROR(watch_.change("mkdir", path_of(name)));
    return directory_->create_directory(name);
  }
  Result<FilePointer> create_file(std::string_view name) const override {
    RETURN_IF_ERROR(watch_.change("create", path_of(name)));
    return wrap(directory_->create_file(name));
  }
  Status rename(std::string_view name, const io::Directory& to,
                std::string_view to_name) const override {
    const auto& target = dynamic_cast<const WatchedDirectory&>(to);
    RETURN_IF_ERROR(watch_.change("rename", path_of(name), target.path_of(to_name)));
    return directory_->rename(name, *target.directory_, to_name);
  }
  Status link(std::string_view name, const io::Directory& to,
              std::string_view to_name) const override {
    const auto& target = dynamic_cast<const WatchedDirectory&>(to);
    RETURN_IF_ERROR(watch_.change("link", path_of(name), target.path_of(to_name)));
    return directory_->link(name, *target.directory_, to_name);
  }
  Status remove_file(std::string_view name) const override {
    RETURN_IF_ERROR(watch_.change("remove", path_of(name)));
    return directory_->remove_file(name);
  }
  Status remove_directory(std::string_view name) const override {
    RETURN_IF_ERROR(watch_.change("rmdir", path_of(name)));
    return directory_->remove_directory(name);
  }
  Result<std::optional<io::FileInfo>> stat_file(std::string_view name) const override {
    return directory_->stat_file(name);
  }
  Result<std::uint64_t> free_bytes() const override { return directory_->free_bytes(); }
  Status list(const std::function<Status(const io::Entry&)>& visit) const override {
    return directory_->list(visit);
  }
  Status sync() const override {
    RETURN_IF_ERROR(watch_.change("sync", path() + "/"));
    return directory_->sync();
  }
  Result<bool> try_lock() override { return directory_->try_lock(); }
  Result<std::unique_ptr<io::SharedCounter>> open_counter(std::string_view name) const override {
    return directory_->open_counter(name);
  }
  const std::string& path() const override { return directory_->path(); }

 private:
  std::string path_of(std::string_view name) const { return fmt::format("{}/{}", path(), name); }

  Result<FilePointer> wrap(Result<FilePointer> file) const {
    if (!file) return file;
    return FilePointer(std::make_unique<WatchedFile>(std::move(*file), watch_));
  }
  Result<DirectoryPointer> wrap(Result<DirectoryPointer> directory) const {
    if (!directory) return directory;
    return DirectoryPointer(std::make_unique<WatchedDirectory>(std::move(*directory), watch_));
  }

  DirectoryPointer directory_;
  Watch& watch_;
};

Result<DirectoryPointer> watched(Result<DirectoryPointer> directory, Watch& watch) {
  if (!directory) return directory;
  return DirectoryPointer(std::make_unique<WatchedDirectory>(std::move(*directory), watch));
}

}  // namespace

std::vector<std::string> Watch::take_log() {
  const std::lock_guard guard(mutex_);
  return std::exchange(log_, {});
}

void Watch::once_before(std::string_view step, std::function<void()> act) {
  const auto acted = std::make_shared<bool>(false);
  before = [=, begin = std::string(step)](const std::string& now) -> Status {
    if (*acted || !now.starts_with(begin)) return {};
    *acted = true;
    act();
    return {};
  };
}

void Watch::fail_at(std::string_view step, ErrorCode code) {
  before = [=, begin = std::string(step)](const std::string& now) -> Status {
    if (!now.starts_with(begin)) return {};
    return fail(code, "no {}: the test said so", now);
  };
}

Status Watch::change(std::string_view verb, const std::string& path, const std::string& to) {
  std::string step = fmt::format("{} {}", verb, shorten(path));
  if (!to.empty()) step += " " + shorten(to);
  if (before) RETURN_IF_ERROR(before(step));
  const std::lock_guard guard(mutex_);
  // Who holds a lock is written down for messages only.
  if (step.find("locks/") != std::string::npos) return {};
  log_.push_back(std::move(step));
  return {};
}

Status Watch::look(std::string_view verb, const std::string& path) {
  if (!before) return {};
  return before(fmt::format("{} {}", verb, shorten(path)));
}

std::string Watch::shorten(const std::string& path) const {
  if (!path.starts_with(root_)) return path;
  const std::string below = path.size() > root_.size() ? path.substr(root_.size() + 1) : "";
  constexpr std::string_view kSandbox = "sandbox/";
  const bool named_by_chance = below.size() > kSandbox.size() && below.starts_with(kSandbox);
  return named_by_chance ? "sandbox/*" : below;
}

Result<DirectoryPointer> WatchedFileSystem::open_directory(const std::string& path) {
  return watched(io::posix_file_system().open_directory(path), watch_);
}

Result<DirectoryPointer> WatchedFileSystem::create_directory(const std::string& path,
                                                             bool owner_only) {
  return watched(io::posix_file_system().create_directory(path, owner_only), watch_);
}

}  // namespace packstore::store
