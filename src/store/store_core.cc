#include "store/store_core.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "io/lock.h"
#include "store/pack_tails.h"
#include "store/references.h"
#include "store/release.h"
#include "store/reserve.h"
#include "store/sessions.h"
#include "store/unlinks.h"

namespace packstore::store {
namespace {

// Whoever created the store may have died, or failed, before FORMAT's name was durable. While the
// store is empty every opener sees to it, so it is before the first object is promised.
Status make_creation_durable(StoreCore& core) {
  ASSIGN_OR_RETURN(const bool is_empty, core.loose.has_no_shards());
  return is_empty ? core.root->sync() : Status();
}

}  // namespace

StoreCore::StoreCore(io::FileSystem& file_system, StoreLayout layout,
                     std::unique_ptr<index::Index> opened,
                     std::unique_ptr<io::SharedCounter> collection_counter,
                     const OpenOptions& open_options)
    : files(file_system),
      path(layout.root->path()),
      options(open_options),
      uuid(layout.uuid),
      root(std::move(layout.root)),
      locks(std::move(layout.locks)),
      index(std::move(opened)),
      collections(std::move(collection_counter)),
      loose(std::move(layout.loose)),
      packs(std::move(layout.packs), uuid, open_options.open_packs_max),
      sandbox(std::move(layout.sandbox)),
      packed_puts(*this),
      is_backup(layout.is_backup) {}

Status StoreCore::begin_writing() {
  RETURN_IF_ERROR(check_home());
  if (!is_backup.load(std::memory_order_acquire)) return {};
  // Within a session: no backup is on its way between its look at the mark and its end.
  ASSIGN_OR_RETURN(const io::HeldLock session, begin_session(*locks, "first write to a backup"));
  RETURN_IF_ERROR(remove_backup_mark(*root));
  is_backup.store(false, std::memory_order_release);
  return {};
}

Result<std::unique_ptr<StoreCore>> open_core(io::FileSystem& files,
                                             const std::filesystem::path& path,
                                             const OpenOptions& options) {
  ASSIGN_OR_RETURN(StoreLayout layout, open_layout(files, path));
  Result<std::unique_ptr<index::Index>> index =
      index::Index::open(files, *layout.root, *layout.locks, to_text(layout.uuid));
  if (!index) {
    const bool rebuildable =
        index.error().code == ErrorCode::kNotFound || index.error().code == ErrorCode::kCorrupt;
    if (!rebuildable) return std::move(index).error();
    return fail(ErrorCode::kCorrupt, "{}; recover() rebuilds the index", index.error().message);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<io::SharedCounter> collections,
                   layout.locks->open_counter(kCollectionsCounter));
  auto core = std::make_unique<StoreCore>(files, std::move(layout), std::move(*index),
                                          std::move(collections), options);
  RETURN_IF_ERROR(take_in_leftovers(*core));
  if (core->index->reference_counts() == ReferenceCounts::kExact) {
    // What cannot be done now, on a full disk perhaps, is left to the next call.
    static_cast<void>(follow_put_off(*core).has_value());
    try_releases(*core);
  }
  return core;
}

Result<std::unique_ptr<StoreCore>> create_core(io::FileSystem& files,
                                               const std::filesystem::path& path,
                                               const CreateOptions& options) {
  ASSIGN_OR_RETURN(const format::Uuid uuid, format::make_uuid());
  RETURN_IF_ERROR(create_layout(
      files, path, options.permissions,
      {.store = uuid, .counts_references = options.reference_counts == ReferenceCounts::kExact}));
  ASSIGN_OR_RETURN(auto core, open_core(files, path, options.open));
  take_reserve(*core->locks);
  return core;
}

Status take_in_leftovers(StoreCore& core) {
  ASSIGN_OR_RETURN(const auto packs, core.packs.list());
  RETURN_IF_ERROR(packs.empty() ? make_creation_durable(core) : take_in_tails(core, packs));
  ASSIGN_OR_RETURN(const auto pending, core.index->pending_unlinks());
  if (pending.empty()) return {};
  // Whoever holds the lock may be the removal itself, alive; then it is its business.
  const auto lock = io::HeldLock::take(*core.locks, kMaintenanceLock, io::LockKind::kExclusive,
                                       std::chrono::milliseconds(0), "opening the store");
  if (!lock) return lock.error().code == ErrorCode::kBusy ? Status() : Status(lock.error());
  // Nobody reads what is noted, so an unlink that cannot be done can wait for who has to have it
  // done, which is maintenance. A commit that failed is another matter.
  return finish_unlinks(core) ? Status() : core.index->check_writable();
}

}  // namespace packstore::store
