// A file of the sandbox is created under a name that nobody else chooses, and locked before anybody
// can take it for a leftover: who finds it locked, or gone after locking it, tries another name.
#include "store/sandbox.h"

#include <random>
#include <utility>

#include "base/error.h"
#include "io/atomic_publish.h"

namespace packstore::store {
namespace {

constexpr int kCreateAttempts = 100;

std::uint64_t make_seed() {
  std::random_device random;
  return static_cast<std::uint64_t>(random()) << 32 | random();
}

// Removes a directory of files that the caller has locked.
Result<std::uint64_t> remove_tree(const io::Directory& parent, const std::string& name,
                                  const io::Directory& locked) {
  std::uint64_t bytes = 0;
  ASSIGN_OR_RETURN(const auto directories, io::list_names(locked, io::EntryKind::kDirectory));
  for (const std::string& child : directories) {
    ASSIGN_OR_RETURN(const auto opened, locked.open_directory(child));
    ASSIGN_OR_RETURN(const std::uint64_t child_bytes, remove_tree(locked, child, *opened));
    bytes += child_bytes;
  }
  ASSIGN_OR_RETURN(const auto files, io::list_names(locked, io::EntryKind::kFile));
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const auto info, locked.stat_file(file));
    // Other names of the file keep its space.
    if (info && info->links == 1) bytes += info->size;
    RETURN_IF_ERROR(locked.remove_file(file));
  }
  RETURN_IF_ERROR(parent.remove_directory(name));
  return bytes;
}

}  // namespace

SandboxFile::SandboxFile(const io::Directory& directory, std::string name,
                         std::unique_ptr<io::File> file)
    : directory_(&directory), name_(std::move(name)), file_(std::move(file)) {}

SandboxFile::SandboxFile(SandboxFile&& other) noexcept
    : directory_(other.directory_),
      home_(other.home_),
      name_(std::move(other.name_)),
      file_(std::move(other.file_)) {}

SandboxFile& SandboxFile::operator=(SandboxFile&& other) noexcept {
  if (this != &other) {
    discard();
    directory_ = other.directory_;
    home_ = other.home_;
    name_ = std::move(other.name_);
    file_ = std::move(other.file_);
  }
  return *this;
}

SandboxFile::~SandboxFile() { discard(); }

void SandboxFile::discard() {
  // A file that cannot be removed now is a leftover, which clean() removes.
  if (file_ && home_.is_here()) static_cast<void>(directory_->remove_file(name_).has_value());
  file_.reset();
}

Status SandboxFile::publish(const io::Directory& to, std::string_view to_name) {
  RETURN_IF_ERROR(home_.check(file_->path()));
  RETURN_IF_ERROR(io::publish(*file_, *directory_, name_, to, to_name));
  file_.reset();
  return {};
}

Sandbox::Sandbox(std::unique_ptr<io::Directory> directory)
    : directory_(std::move(directory)), seed_(make_seed()) {}

std::string Sandbox::make_name(std::string_view kind) {
  return fmt::format("{}-{:016x}-{}", kind, seed_, counter_.fetch_add(1));
}

Result<SandboxFile> Sandbox::create(std::string_view kind) {
  for (int attempt = 0; attempt < kCreateAttempts; ++attempt) {
    std::string name = make_name(kind);
    Result<std::unique_ptr<io::File>> file = directory_->create_file(name);
    if (!file) {
      // A forked process counts on from the same seed: take the next name.
      if (file.error().code == ErrorCode::kConflict) continue;
      return std::move(file).error();
    }
    SandboxFile created(*directory_, std::move(name), std::move(*file));
    ASSIGN_OR_RETURN(const bool locked, created.file().try_lock(io::LockKind::kExclusive));
    if (!locked) continue;
    // A cleaner may have taken the file for a leftover between creation and lock.
    ASSIGN_OR_RETURN(const io::FileInfo info, created.file().info());
    if (info.links != 0) return created;
  }
  return fail(ErrorCode::kBusy, "{}: no name free for a new file after {} attempts",
              directory_->path(), kCreateAttempts);
}

Result<std::vector<std::string>> Sandbox::find_leftovers() const {
  std::vector<std::string> leftovers;
  ASSIGN_OR_RETURN(const auto files, io::list_names(*directory_, io::EntryKind::kFile));
  for (const std::string& name : files) {
    ASSIGN_OR_RETURN(const auto file, directory_->find_file(name, io::OpenMode::kRead));
    if (!file) continue;
    ASSIGN_OR_RETURN(const bool locked, (*file)->try_lock(io::LockKind::kExclusive));
    if (locked) leftovers.push_back(name);
  }
  ASSIGN_OR_RETURN(const auto directories, io::list_names(*directory_, io::EntryKind::kDirectory));
  for (const std::string& name : directories) {
    ASSIGN_OR_RETURN(const auto directory, directory_->find_directory(name));
    if (!directory) continue;
    ASSIGN_OR_RETURN(const bool locked, (*directory)->try_lock());
    if (locked) leftovers.push_back(name);
  }
  return leftovers;
}

Result<Sandbox::Leftovers> Sandbox::remove_leftovers() const {
  Leftovers removed;
  ASSIGN_OR_RETURN(const auto files, io::list_names(*directory_, io::EntryKind::kFile));
  for (const std::string& name : files) {
    ASSIGN_OR_RETURN(const auto file, directory_->find_file(name, io::OpenMode::kRead));
    if (!file) continue;
    ASSIGN_OR_RETURN(const bool locked, (*file)->try_lock(io::LockKind::kExclusive));
    if (!locked) continue;
    ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
    // Renamed between listing and lock: it is an object now, and the name is gone.
    if (!directory_->remove_file(name).has_value()) continue;
    ++removed.files;
    removed.bytes += info.size;
  }
  ASSIGN_OR_RETURN(const auto directories, io::list_names(*directory_, io::EntryKind::kDirectory));
  for (const std::string& name : directories) {
    ASSIGN_OR_RETURN(const auto directory, directory_->find_directory(name));
    if (!directory) continue;
    ASSIGN_OR_RETURN(const bool locked, (*directory)->try_lock());
    if (!locked) continue;
    ASSIGN_OR_RETURN(const std::uint64_t bytes, remove_tree(*directory_, name, **directory));
    ++removed.files;
    removed.bytes += bytes;
  }
  return removed;
}

}  // namespace packstore::store
