// The way back from a lost or damaged index; docs/durability.md.
#pragma once

#include <filesystem>

#include "io/file.h"
#include "packstore/backup.h"
#include "packstore/result.h"

namespace packstore::store {

// Rebuilds the index of the store in `path` from its packs, each record read through and hashed.
// Removed objects whose bytes are still in a pack come back: only the lost index knew better.
//
// The old index stays in place until the new one is whole, and is moved to quarantine/ then. A pack
// whose header is damaged gets a new one, and the old file goes to quarantine/ too. Everything else
// that is damaged stays where it is and becomes a finding.
//
// Meanwhile nobody else commits: such calls wait for a minute, and are kBusy then.
//
// kBusy: somebody maintains the store, or writes to its index or one of its packs; nothing was
// touched.
// kInvalidArgument, kUnsupported: as Store::open(); but a lost FORMAT is written anew when the
// packs agree on a UUID. kConflict: all packs are of another store than FORMAT says, and the index
// is not of theirs. kCancelled: stopped before the index was replaced.
Result<RecoveryReport> recover(io::FileSystem& files, const std::filesystem::path& path,
                               const RecoverOptions& options);

}  // namespace packstore::store
