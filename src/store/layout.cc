// Creating a store, in an order that lets a crash be told from a store:
// 1. Make the directory and lock it, so that of several creators one goes on at a time.
// 2. Refuse what is a store already, what was one, and what holds anything else than a half-created
//    store does.
// 3. Make the directories and the index, durable.
// 4. FORMAT comes last: with it the directory is a store, without it it is half-created.
#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "base/error.h"
#include "format/format_file.h"
#include "index/index.h"
#include "io/atomic_publish.h"
#include "store/layout.h"

namespace packstore::store {
namespace {

constexpr std::chrono::seconds kCreatorWait{60};
constexpr std::chrono::milliseconds kCreatorPoll{2};

// nullopt: there is no FORMAT.
Result<std::optional<format::FormatFile>> read_format(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto file, root.find_file(kFormatFile, io::OpenMode::kRead));
  if (!file) return std::optional<format::FormatFile>();
  Bytes text(format::kFormatFileBytesMax + 1);
  ASSIGN_OR_RETURN(const std::size_t count, (*file)->read_at(0, std::span<std::byte>(text)));
  if (count > format::kFormatFileBytesMax) {
    return fail(ErrorCode::kCorrupt, "{}: longer than {} bytes", (*file)->path(),
                format::kFormatFileBytesMax);
  }
  Result<format::FormatFile> format =
      format::decode_format_file(as_text(ByteView(text).first(count)));
  if (!format) {
    return fail(format.error().code, "{}: {}", root.path(), format.error().message);
  }
  return std::optional<format::FormatFile>(*format);
}

// What a creator makes before FORMAT, its temporary file included.
bool is_ours(std::string_view name) {
  return std::ranges::find(kStoreDirectories, name) != kStoreDirectories.end() ||
         name.starts_with(index::kIndexFile) || name.starts_with(kFormatFile) ||
         name.starts_with(kBackupMark);
}

struct Contents {
  bool ours = false;
  bool was_whole = false;              // An entry that only a whole store makes.
  std::optional<std::string> foreign;  // An entry that no store makes.
};

Result<bool> has_entries(const io::Directory& root, std::string_view name) {
  ASSIGN_OR_RETURN(const auto directory, root.find_directory(name));
  if (!directory) return false;
  bool found = false;
  RETURN_IF_ERROR((*directory)->list([&](const io::Entry&) -> Status {
    found = true;
    return {};
  }));
  return found;
}

Result<Contents> inspect(const io::Directory& root) {
  Contents contents;
  RETURN_IF_ERROR(root.list([&](const io::Entry& entry) -> Status {
    if (entry.name == kQuarantineDirectory) {
      contents.was_whole = true;
    } else if (is_ours(entry.name)) {
      contents.ours = true;
    } else {
      contents.foreign = entry.name;
    }
    return {};
  }));
  if (!contents.ours || contents.foreign) return contents;
  ASSIGN_OR_RETURN(const bool has_packs, has_entries(root, kPacksDirectory));
  ASSIGN_OR_RETURN(const bool has_loose, has_entries(root, kLooseDirectory));
  contents.was_whole |= has_packs || has_loose;
  return contents;
}

ReferenceCounts counts_of(const format::FormatFile& format) {
  return format.counts_references ? ReferenceCounts::kExact : ReferenceCounts::kNone;
}

Error lost_format(const io::Directory& root) {
  return fail(
      ErrorCode::kCorrupt,
      "{}: a store that lost its FORMAT: it held objects once; recover() writes FORMAT anew",
      root.path());
}

}  // namespace

Status lock_for_creation(io::Directory& root) {
  const auto deadline = std::chrono::steady_clock::now() + kCreatorWait;
  while (true) {
    ASSIGN_OR_RETURN(const bool locked, root.try_lock());
    if (locked) return {};
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(ErrorCode::kBusy, "{}: somebody else has been creating a store here for {} s",
                  root.path(), kCreatorWait.count());
    }
    std::this_thread::sleep_for(kCreatorPoll);
  }
}

Status make_store_directories(const io::Directory& root) {
  for (const std::string_view name : kStoreDirectories) {
    Status created = root.create_directory(name);
    if (!created && created.error().code != ErrorCode::kConflict) return created;
  }
  return {};
}

Status publish_format(const io::Directory& root, const format::FormatFile& format) {
  const std::string text = format::encode(format);
  return io::publish_bytes(root, kFormatFile, as_bytes(text));
}

Result<StoreLayout> open_layout(io::FileSystem& files, const std::filesystem::path& path) {
  StoreLayout layout;
  ASSIGN_OR_RETURN(layout.root, files.open_directory(path.string()));
  ASSIGN_OR_RETURN(const auto format, read_format(*layout.root));
  if (!format) {
    ASSIGN_OR_RETURN(const Contents contents, inspect(*layout.root));
    if (contents.was_whole) return lost_format(*layout.root);
    if (contents.ours && !contents.foreign) {
      return fail(ErrorCode::kInvalidArgument,
                  "{}: a half-created store: FORMAT is missing; creating it again completes it",
                  layout.root->path());
    }
    return fail(ErrorCode::kInvalidArgument, "{}: not a store: FORMAT is missing",
                layout.root->path());
  }
  layout.uuid = format->store;
  layout.reference_counts = counts_of(*format);
  ASSIGN_OR_RETURN(layout.is_backup, is_marked_as_backup(*layout.root));
  ASSIGN_OR_RETURN(layout.locks, layout.root->open_directory(kLocksDirectory));
  ASSIGN_OR_RETURN(layout.loose, layout.root->open_directory(kLooseDirectory));
  ASSIGN_OR_RETURN(layout.packs, layout.root->open_directory(kPacksDirectory));
  ASSIGN_OR_RETURN(layout.sandbox, layout.root->open_directory(kSandboxDirectory));
  return layout;
}

Status create_layout(io::FileSystem& files, const std::filesystem::path& path,
                     Permissions permissions, const format::FormatFile& format, Purpose purpose) {
  ASSIGN_OR_RETURN(const auto root,
                   files.create_directory(path.string(), permissions == Permissions::kPrivate));
  RETURN_IF_ERROR(lock_for_creation(*root));
  ASSIGN_OR_RETURN(const auto known, read_format(*root));
  if (known) {
    return fail(ErrorCode::kConflict, "{}: there is a store already, {}", root->path(),
                to_text(known->store));
  }
  ASSIGN_OR_RETURN(const Contents contents, inspect(*root));
  if (contents.foreign) {
    return fail(ErrorCode::kInvalidArgument, "{}: not empty: holds \"{}\"", root->path(),
                *contents.foreign);
  }
  if (contents.was_whole) return lost_format(*root);
  RETURN_IF_ERROR(make_store_directories(*root));
  RETURN_IF_ERROR(index::Index::create(files, *root, to_text(format.store), counts_of(format)));
  if (purpose == Purpose::kBackup) {
    const std::string text = fmt::format("backup of {}\n", to_text(format.store));
    RETURN_IF_ERROR(io::publish_bytes(*root, kBackupMark, as_bytes(text)));
  }
  RETURN_IF_ERROR(root->sync());
  return publish_format(*root, format);
}

Result<bool> is_marked_as_backup(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto mark, root.stat_file(kBackupMark));
  return mark.has_value();
}

Status remove_backup_mark(const io::Directory& root) {
  Status removed = root.remove_file(kBackupMark);
  if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  // Also what another process has removed: it may not have come as far as its sync.
  return root.sync();
}

}  // namespace packstore::store
