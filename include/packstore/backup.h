// Copies of a store, and the way back from a damaged one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "packstore/object_id.h"
#include "packstore/refs.h"
#include "packstore/run_control.h"
#include "packstore/validate.h"

namespace packstore {

// A destination belongs to its backups: whatever others have written into it, objects as well as
// refs, is replaced by what the store has, or removed, when it is brought up to date.
struct BackupOptions {
  // An earlier backup of the same store. Packs and loose objects that are in it already are shared
  // by hard link instead of copied (copied where the file system has no links).
  std::optional<std::filesystem::path> previous = {};
  RunControl control = {};
};

struct BackupReport {
  std::uint64_t packs_copied = 0;
  std::uint64_t packs_reused = 0;  // In the destination or the previous backup already.
  std::uint64_t loose_copied = 0;
  std::uint64_t loose_reused = 0;  // The same.
  std::uint64_t bytes_copied = 0;
  // Loose files of the store that are not what their name says, among those that were copied. Where
  // the destination or the previous backup has a good copy, that one stays or is shared instead.
  std::vector<Finding> damaged = {};
};

struct RecoverOptions {
  // Look for the objects that refs may have pointed at when refs are lost; reads all content.
  bool find_candidate_heads = true;
  RunControl control = {};
};

struct RecoveryReport {
  std::uint64_t packs = 0;
  std::uint64_t packed_objects = 0;
  std::uint64_t loose_objects = 0;
  std::vector<Ref> refs_kept = {};     // Read from what was left of the old index; target present.
  std::vector<Ref> refs_dropped = {};  // Read, but their target is not in the store.
  // The old index could not be read for refs, or not for all: then it is among the findings too.
  // What lost refs pointed at goes with the next collection.
  bool refs_lost = false;
  // When refs are lost: objects that name other objects of the store and are named by none.
  std::vector<ObjectId> candidate_heads = {};
  std::vector<Finding> findings = {};  // Damage met on the way; nothing of it is indexed.
  std::string old_index = {};          // Where the old index was moved, "" where there was none.
};

}  // namespace packstore
