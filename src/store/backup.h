// Copies of a store, taken beside everything that goes on in it; docs/maintenance.md, "Backups".
#pragma once

#include <filesystem>

#include "packstore/backup.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// Makes `destination` a store of the same UUID that holds everything that was visible when the call
// began, except what was removed since. Its refs are those of one moment: the beginning, or a later
// one when maintenance got in the way and the snapshot had to be taken again. Holds the
// destination's maintenance lock and holds its sessions off. What is buffered in this process is
// the caller's to sync before.
//
// kConflict: the destination is another store, or no backup, or one that somebody has written to;
// or its packs have gone on differently since they parted, as they have after `core` was put back
// to an earlier state. kInvalidArgument: it is not empty and no store, or it is `core` itself.
// kBusy: somebody maintains the destination or has a batch open there. kCorrupt: a pack of `core`
// is missing or damaged.
//
// After an error or a crash the destination holds what it held before, and perhaps more loose
// objects; what was copied already stays in its sandbox for the next attempt, or for clean().
Result<BackupReport> backup(const StoreCore& core, const std::filesystem::path& destination,
                            const BackupOptions& options);

}  // namespace packstore::store
