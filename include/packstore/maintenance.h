// Packing, repacking, removing, collecting, cleaning, repairing. Holding the object is holding the
// lock; without it these calls do not exist.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "packstore/collection.h"
#include "packstore/compression.h"
#include "packstore/export.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "packstore/run_control.h"
#include "packstore/validate.h"

namespace packstore {

namespace store {
struct StoreCore;
}

struct LockOptions {
  // How long to wait for another holder before kBusy.
  std::chrono::milliseconds wait{0};
  // Told to whoever finds the lock taken.
  std::string operation = "maintenance";
};

// Which loose objects to pack: those that pass every rule that is set, by ascending id.
struct PackOptions {
  std::optional<std::vector<ObjectId>> ids = {};
  std::string id_prefix = {};  // Hexadecimal, up to 64 digits.
  // ECMAScript regular expression, searched in the 64 digits. One search takes as long as the
  // pattern makes it, and a stop comes between two: a pattern with back-references, and any where
  // the standard library knows no other way than backtracking, can take for ever.
  std::string id_pattern = {};
  std::uint64_t size_min = 0;
  std::uint64_t size_max = UINT64_MAX;
  // Stops before the object that would exceed the budget.
  std::uint64_t bytes_max = UINT64_MAX;
  std::uint64_t objects_max = UINT64_MAX;
  Compression compression = {};
  // So many threads unlink loose copies, the calling one among them. They wait for the disk, so
  // more threads than there are processors are of use.
  unsigned threads = 1;
  RunControl control = {};
};

struct PackReport {
  std::uint64_t objects = 0;         // Packed now; their loose copies are gone.
  std::uint64_t already_packed = 0;  // Had a packed copy; the loose one is gone.
  std::uint64_t content_bytes = 0;
  std::uint64_t stored_bytes = 0;  // Record headers included.
  // Left where they are, reported, skipped: loose files that are not what their name says, and
  // those of which the packed copy cannot be judged, because its row or its pack is damaged.
  std::vector<Finding> damaged = {};
};

// Which packs to rewrite: those that any rule which is set chooses; every pack when none is set.
struct RepackOptions {
  // At least this share of the pack is dead.
  std::optional<double> dead_ratio_min = {};
  // The pack is smaller than this; several such packs become one.
  std::optional<std::uint64_t> pack_bytes_min = {};
  // Chooses no further pack when the live bytes to copy would exceed this.
  std::uint64_t bytes_max = UINT64_MAX;
  // Re-encodes what it copies; nullopt copies stored bytes as they are.
  std::optional<Compression> compression = {};
  RunControl control = {};
};

struct RepackReport {
  std::vector<std::uint64_t> packs_rewritten = {};  // Gone now.
  std::vector<std::uint64_t> packs_damaged = {};    // Chosen, but hold damage: kept for repair().
  std::vector<std::uint64_t> packs_in_use = {};  // Chosen, but a batch appends to them: left alone.
  std::uint64_t objects = 0;
  std::uint64_t bytes_before = 0;     // Of the rewritten pack files.
  std::uint64_t bytes_after = 0;      // Of what was written instead.
  std::vector<Finding> damaged = {};  // Records that were refused.
};

struct RemoveReport {
  std::uint64_t removed = 0;
  std::vector<ObjectId> absent = {};  // Asked for, but not in the store.
};

struct CleanReport {
  std::uint64_t sandbox_files = 0;    // Left by writers that are gone.
  std::uint64_t loose_redundant = 0;  // Loose copies of objects that are packed and verified.
  std::uint64_t packs_dropped = 0;    // Pack files that nothing reaches.
  std::uint64_t tails_trimmed = 0;    // Unfinished writes at the ends of packs.
  std::uint64_t bytes_freed = 0;
  std::vector<Finding> damaged = {};  // Packed copies that are not good: the loose ones stay.
};

struct RepairReport {
  std::uint64_t moved_aside = 0;    // Files and records now in quarantine/.
  std::uint64_t rows_dropped = 0;   // Index rows that had nothing behind them.
  std::uint64_t rows_added = 0;     // Whole records that the index did not know.
  std::vector<ObjectId> lost = {};  // Objects with no good copy left.
};

// The right to maintain a store: one holder over all threads and processes, free the instant that
// the holder dies. Readers, loose writers and batches go on beside it.
//
// Every call may be interrupted by a crash at any point: the store opens by itself, and the call
// can simply be made again.
//
// Thread safety: one thread at a time. The Store must outlive it.
class PACKSTORE_EXPORT MaintenanceLock {
 public:
  MaintenanceLock(MaintenanceLock&&) noexcept;
  MaintenanceLock& operator=(MaintenanceLock&&) noexcept;
  ~MaintenanceLock();

  // Moves loose objects into packs. Loose copies are removed pack by pack, as soon as their pack is
  // durable, so it never needs the double space. Every object is hashed on the way.
  Result<PackReport> pack_loose(const PackOptions& options = {});

  // Rewrites the chosen packs from the visible objects only; every object is hashed on the way. A
  // pack with a damaged record keeps that record and its file.
  Result<RepackReport> repack(const RepackOptions& options = {});

  // Removes all of `ids` in one durable step, loose and packed. Their space in packs comes back
  // with repack(). Nothing is removed on an error.
  // kConflict: a ref or a live pin points at one of them. kBusy: batches were open for longer than
  // `wait`.
  Result<RemoveReport> remove(std::span<const ObjectId> ids,
                              std::chrono::milliseconds wait = std::chrono::seconds(5));

  // Removes the objects that no root reaches; see collection.h. Marking goes on beside everybody
  // and may take long; the sweep then holds batches and index writers off for the time of one
  // transaction. Marking begins anew with every call; a call that failed or was cancelled has
  // removed nothing, but what a store that counts references had released before. Space in packs
  // comes back with repack(). kCorrupt: a node is absent, damaged, or of another kind than its
  // parent says; the message names both. kBusy: batches were open for longer than `options.wait`.
  // kCancelled: as it says.
  Result<CollectReport> collect(const CollectOptions& options);

  // Removes what nothing reaches: sandbox files of dead writers, loose copies of packed objects,
  // pack files without objects, unfinished tails of packs.
  Result<CleanReport> clean();

  // Acts on what Store::validate() found, after looking again. Only ever moves damaged things to
  // quarantine/; an object that has another good copy stays readable through it.
  Result<RepairReport> repair(const ValidationReport& report);

  // How Store::lock_maintenance() makes one.
  static Result<MaintenanceLock> take(store::StoreCore& core, const LockOptions& options);

 private:
  class Impl;
  explicit MaintenanceLock(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace packstore
