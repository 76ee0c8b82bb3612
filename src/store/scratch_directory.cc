#include "store/scratch_directory.h"

#include <optional>
#include <utility>

#include "base/error.h"

namespace packstore::store {
namespace {

constexpr int kCreateAttempts = 100;

}  // namespace

ScratchDirectory::ScratchDirectory(const io::Directory& sandbox, std::string name,
                                   std::unique_ptr<io::Directory> directory)
    : sandbox_(&sandbox), name_(std::move(name)), directory_(std::move(directory)) {}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : sandbox_(other.sandbox_),
      home_(other.home_),
      name_(std::move(other.name_)),
      directory_(std::move(other.directory_)),
      keep_(other.keep_) {}

ScratchDirectory::~ScratchDirectory() {
  // What cannot be removed now is a leftover, which clean() removes.
  if (directory_ && !keep_ && home_.is_here()) static_cast<void>(remove().has_value());
}

Result<ScratchDirectory> ScratchDirectory::create(Sandbox& sandbox, std::string_view kind) {
  const io::Directory& parent = sandbox.directory();
  for (int attempt = 0; attempt < kCreateAttempts; ++attempt) {
    const std::string name = sandbox.make_name(kind);
    const Status created = parent.create_directory(name);
    if (!created && created.error().code == ErrorCode::kConflict) continue;
    RETURN_IF_ERROR(created);
    // A cleaner may take the directory for a leftover until it is locked.
    ASSIGN_OR_RETURN(auto directory, parent.find_directory(name));
    if (!directory) continue;
    ASSIGN_OR_RETURN(const bool locked, (*directory)->try_lock());
    ASSIGN_OR_RETURN(const auto still_there, parent.find_directory(name));
    if (locked && still_there) return ScratchDirectory(parent, name, std::move(*directory));
  }
  return fail(ErrorCode::kBusy, "{}: no name free for a new directory after {} attempts",
              parent.path(), kCreateAttempts);
}

Result<ScratchDirectory> ScratchDirectory::reopen(const io::Directory& sandbox,
                                                  std::string_view name) {
  const Status created = sandbox.create_directory(name);
  if (!created && created.error().code != ErrorCode::kConflict) return created.error();
  ASSIGN_OR_RETURN(auto directory, sandbox.open_directory(name));
  ASSIGN_OR_RETURN(const bool locked, directory->try_lock());
  if (!locked) return fail(ErrorCode::kBusy, "{}: somebody else uses it", directory->path());
  return ScratchDirectory(sandbox, std::string(name), std::move(directory));
}

Status ScratchDirectory::remove() {
  keep_ = true;
  ASSIGN_OR_RETURN(const auto files, io::list_names(*directory_, io::EntryKind::kFile));
  for (const std::string& file : files) RETURN_IF_ERROR(directory_->remove_file(file));
  return sandbox_->remove_directory(name_);
}

}  // namespace packstore::store
