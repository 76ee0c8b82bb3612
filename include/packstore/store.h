// Start here: one directory of objects that never change once written.
//
//   auto store = packstore::Store::create("results").value();
//   packstore::ObjectId id = store.put(packstore::as_bytes("hello")).value();
//   packstore::Bytes content = store.get(id).value();
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "packstore/backup.h"
#include "packstore/batch.h"
#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/export.h"
#include "packstore/link.h"
#include "packstore/maintenance.h"
#include "packstore/object.h"
#include "packstore/object_id.h"
#include "packstore/pin.h"
#include "packstore/refs.h"
#include "packstore/result.h"
#include "packstore/stats.h"
#include "packstore/validate.h"

namespace packstore {

namespace store {
struct StoreCore;
}

struct PackSizing {
  // A pack that has reached this size gets no further records. 4 GiB: few files, and a repack of
  // one pack still takes seconds.
  std::uint64_t bytes_target = std::uint64_t{4} << 30;
};

struct OpenOptions {
  PackSizing packs = {};
  // Descriptors kept for reading packs; the least recently used is closed first.
  std::size_t open_packs_max = 64;
  // How to find the links of nodes, object_links() of dag.h for example. Stores that count
  // references need it for whatever a ref points at but raw objects, and always the same one.
  ChildrenOf children_of = {};
};

// Who may enter the directories of a new store, that of an empty directory which was there
// included.
enum class Permissions : std::uint8_t {
  kPrivate,  // The owner only: 0700 and 0600.
  kUmask,    // As the process's umask says.
};

struct CreateOptions {
  Permissions permissions = Permissions::kPrivate;
  ReferenceCounts reference_counts = ReferenceCounts::kNone;
  OpenOptions open = {};
};

// A content-addressed object store: bytes go in, a name that is their SHA-256 comes out, the same
// bytes are kept once. No server: any number of processes may have the store open.
//
// Thread safety: every method of Store may be called from any thread, except moving and destroying.
// What it hands out (readers, writers, batches, locks) must not outlive it.
//
// Fork: the child may read through what it inherits. To write it opens the store itself: everything
// else is kInvalidArgument, and destructors in the child leave alone what is the parent's.
class PACKSTORE_EXPORT Store {
 public:
  // Makes a new, empty store in `path`, which may be absent or an empty directory. A crash leaves
  // a directory that open() names as half-created and that create() completes.
  //
  // kConflict: there is a store already, made by somebody else in the same moment perhaps.
  // kInvalidArgument: the directory holds something else, or is none.
  static Result<Store> create(const std::filesystem::path& path, const CreateOptions& options = {});

  // Opens a store, and takes in what an interrupted process left in its packs.
  //
  // kNotFound: no such directory. kInvalidArgument: no directory, no store, or one half created.
  // kUnsupported: a version of the format or the index that this library does not know.
  // kCorrupt: FORMAT or the index is damaged; recover() rebuilds the index.
  static Result<Store> open(const std::filesystem::path& path, const OpenOptions& options = {});

  // Rebuilds the index from packs and loose objects; the old index is moved aside, never deleted.
  // For a store whose index is lost or damaged, or a plain copy taken at any moment.
  //
  // Whoever would commit meanwhile waits for a minute, and gets kBusy then.
  //
  // kBusy: somebody holds the store's maintenance lock, or writes to its index or one of its packs.
  // kConflict: every pack is of another store than FORMAT says, and the index is not of theirs.
  static Result<RecoveryReport> recover(const std::filesystem::path& path,
                                        const RecoverOptions& options = {});

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // The id that never changes, also in backups: 8-4-4-4-12 hexadecimal digits.
  std::string uuid() const;
  const std::filesystem::path& path() const;

  // Stores `content` and returns its name; durable on return, as `options.durability` says. What is
  // there already is not written again, and is durable too when the call returns.
  //
  // kNoSpace, kIo: nothing visible.
  Result<ObjectId> put(ByteView content, const PutOptions& options = {});

  // The same for a stream of any size, in bounded memory. An error of the source is the error of
  // the call.
  Result<ObjectId> put(ByteSource& source, const PutOptions& options = {});

  // The same, pushed by the caller; always a loose object.
  Result<ObjectWriter> begin_put();

  // Makes every kBuffered put that returned before it durable and visible.
  //
  // An error says that buffered objects were lost: by this call, or before it, when a put, a sync
  // or anything else that writes them out failed, whoever called it. Each thread that calls sync()
  // hears of each such loss in one call, the next it makes; no other method uses that up. A thread
  // that syncs for several tells all of them. What is lost is not in the store any more: put it
  // again.
  Status sync();

  // The whole object. kNotFound: nobody has put it. kCorrupt: what is stored is not it.
  Result<Bytes> get(const ObjectId& id, const ReadOptions& options = {}) const;

  // A part of an object: fills the front of `into` with its content from `offset` on, and returns
  // the size of the whole object, which says how far that went. Straight from the disk into `into`
  // where that is the whole object, or where the object is verbatim and nothing is verified;
  // otherwise all of it is read, as by get(). Errors as get(), and then `into` is undefined.
  Result<std::uint64_t> get_part(const ObjectId& id, std::uint64_t offset,
                                 std::span<std::byte> into, const ReadOptions& options = {}) const;

  Result<ObjectReader> open_object(const ObjectId& id, const ReadOptions& options = {}) const;

  // Gives each object of `ids` to `visit`, once per distinct id, in the order of the packs, which
  // is many times as fast as one by one. The view is valid during the call of `visit`. Objects that
  // are absent or damaged are given as their error and the rest goes on; an error returned by
  // `visit` ends the call with it.
  using ContentVisitor = std::function<Status(const ObjectId& id, const Result<ByteView>& content)>;
  Status read_many(std::span<const ObjectId> ids, const ContentVisitor& visit,
                   const ReadOptions& options = {}) const;

  Result<bool> contains(const ObjectId& id) const;
  // In the order of `ids`.
  Result<std::vector<bool>> contains(std::span<const ObjectId> ids) const;

  // Size and place, without reading content. kNotFound: nobody has put it.
  Result<ObjectInfo> info(const ObjectId& id) const;

  // Every object once, by ascending id; an error returned by `visit` ends the call with it. Objects
  // that come or go meanwhile may or may not be seen; one that is packed meanwhile does neither.
  using ObjectVisitor = std::function<Status(const ObjectInfo& info)>;
  Status for_each_object(const ObjectVisitor& visit) const;

  // Counts everything; reads the whole index and the directory of loose objects.
  Result<StoreStats> stats() const;

  // Looks at everything, goes on after each finding, and reports all of them. Beside writers; what
  // moves meanwhile is looked at again before it is reported.
  Result<ValidationReport> validate(const ValidateOptions& options = {}) const;

  // Straight to a pack. kBusy: removal holds the store for longer than a few seconds.
  Result<Batch> begin_batch(const BatchOptions& options = {});

  Refs refs() const;

  // Pins nothing yet.
  Result<Pin> pin();

  // kBusy: somebody else holds it; the message says who. kIo: a loose file that was removed is
  // still there, and cannot be unlinked.
  Result<MaintenanceLock> lock_maintenance(const LockOptions& options = {});

  // Makes `destination` a store that holds everything acknowledged before the call began, beside
  // writers and maintenance. A destination that is an earlier backup of this store is brought up to
  // date: what it has is not copied again.
  //
  // kConflict: the destination is another store, no backup, a backup that somebody has written to
  // (it is a store of its own since), or one of a state that this store was put back from.
  // kInvalidArgument: it is not empty and no store. kBusy: somebody maintains the destination or
  // has a batch open there.
  Result<BackupReport> backup(const std::filesystem::path& destination,
                              const BackupOptions& options = {}) const;

 private:
  friend struct store::StoreCore;
  explicit Store(std::unique_ptr<store::StoreCore> core);
  std::unique_ptr<store::StoreCore> core_;
};

}  // namespace packstore
