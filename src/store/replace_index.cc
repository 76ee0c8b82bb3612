// 1. The new index is synced and moved into the store's directory, under a name of its own.
// 2. The files of the old one get second names in quarantine/, durable, before they lose the first.
//    What is no file there is moved, unread.
// 3. The first names go: the database before its log, so that nobody takes an old database without
//    its log for an index, or the old log for that of the new index.
// 4. The new index gets its name. A crash before this is completed by the next recovery.
#include "store/replace_index.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "index/index.h"
#include "io/atomic_publish.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr std::string_view kWaitingIndex = "index.sqlite.recovered";
// What SQLite keeps of a database; the database itself comes first.
constexpr std::array<std::string_view, 4> kSuffixes = {"", "-wal", "-shm", "-journal"};
constexpr int kDirectoriesMax = 100'000;

Status create_or_find(const io::Directory& parent, std::string_view name) {
  Status created = parent.create_directory(name);
  const bool is_there = !created && created.error().code == ErrorCode::kConflict;
  return is_there ? Status() : created;
}

Result<std::unique_ptr<io::Directory>> create_aside(const io::Directory& root) {
  RETURN_IF_ERROR(create_or_find(root, kQuarantineDirectory));
  RETURN_IF_ERROR(root.sync());
  ASSIGN_OR_RETURN(const auto quarantine, root.open_directory(kQuarantineDirectory));
  for (int number = 1; number <= kDirectoriesMax; ++number) {
    const std::string name = fmt::format("index-{}", number);
    Status created = quarantine->create_directory(name);
    if (!created && created.error().code == ErrorCode::kConflict) continue;
    RETURN_IF_ERROR(created);
    RETURN_IF_ERROR(quarantine->sync());
    return quarantine->open_directory(name);
  }
  return fail(ErrorCode::kConflict, "{}: holds {} old indexes already", quarantine->path(),
              kDirectoriesMax);
}

Status link_or_copy(const io::Directory& from, const std::string& name, const io::Directory& to) {
  Status linked = from.link(name, to, name);
  if (linked || linked.error().code != ErrorCode::kUnsupported) return linked;
  ASSIGN_OR_RETURN(const auto source, from.open_file(name, io::OpenMode::kRead));
  ASSIGN_OR_RETURN(const io::FileInfo info, source->info());
  ASSIGN_OR_RETURN(const auto copy, to.create_file(name));
  RETURN_IF_ERROR(io::copy_range(*source, 0, *copy, 0, info.size));
  return copy->sync();
}

// What there is of the old index, the database first. Somebody may have put other things than files
// in their places.
Result<std::vector<io::Entry>> find_old_index(const io::Directory& root) {
  std::vector<io::Entry> entries;
  RETURN_IF_ERROR(root.list([&](const io::Entry& entry) -> Status {
    for (const std::string_view suffix : kSuffixes) {
      if (entry.name == fmt::format("{}{}", index::kIndexFile, suffix)) entries.push_back(entry);
    }
    return {};
  }));
  std::ranges::sort(entries, {}, &io::Entry::name);
  return entries;
}

Result<std::string> set_old_index_aside(const io::Directory& root) {
  ASSIGN_OR_RETURN(const std::vector<io::Entry> entries, find_old_index(root));
  if (entries.empty()) return std::string();
  ASSIGN_OR_RETURN(const auto aside, create_aside(root));
  for (const io::Entry& entry : entries) {
    // A link goes aside itself; nobody looks at what it points at.
    RETURN_IF_ERROR(entry.kind == io::EntryKind::kFile
                        ? link_or_copy(root, entry.name, *aside)
                        : root.rename(entry.name, *aside, entry.name));
  }
  RETURN_IF_ERROR(aside->sync());
  for (const io::Entry& entry : entries) {
    if (entry.kind == io::EntryKind::kFile) RETURN_IF_ERROR(root.remove_file(entry.name));
  }
  RETURN_IF_ERROR(root.sync());
  return aside->path();
}

}  // namespace

Result<std::string> replace_index(const io::Directory& root, const io::Directory& from) {
  {
    ASSIGN_OR_RETURN(const auto file, from.open_file(index::kIndexFile, io::OpenMode::kReadWrite));
    RETURN_IF_ERROR(io::publish(*file, from, index::kIndexFile, root, kWaitingIndex));
  }
  ASSIGN_OR_RETURN(std::string old_index, set_old_index_aside(root));
  RETURN_IF_ERROR(root.rename(kWaitingIndex, root, index::kIndexFile));
  RETURN_IF_ERROR(root.sync());
  return old_index;
}

Status finish_index_replacement(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto waiting, root.stat_file(kWaitingIndex));
  if (!waiting) return {};
  // While the old index is there, nobody knows what the waiting one has missed since.
  ASSIGN_OR_RETURN(const auto old_index, root.stat_file(index::kIndexFile));
  if (old_index) return root.remove_file(kWaitingIndex);
  // Old logs are in quarantine/ already: they got their names there before the database went.
  for (const std::string_view suffix : kSuffixes) {
    Status removed = root.remove_file(fmt::format("{}{}", index::kIndexFile, suffix));
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  }
  RETURN_IF_ERROR(root.rename(kWaitingIndex, root, index::kIndexFile));
  return root.sync();
}

}  // namespace packstore::store
