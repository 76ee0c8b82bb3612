// The SQLite database of a store: where each packed object is, the packs, the refs. The one place
// with SQL.
//
// The database file is untrusted input: it is opened defensively, its schema is compared with ours,
// and every row is checked before it is used.
//
// SQLite 3.7.0 to 3.51.2 can lose committed rows when one connection restarts the write-ahead log
// while another checkpoints. So all writes and all checkpoints, of all processes, happen under the
// lock of the file locks/index, and SQLite's own checkpoints, automatic and at the end, are off.
// Closing an index that has written a long log empties it, where nobody else writes just then.
//
// locks/generation counts commits: every commit increments it just before, and again before it
// reports success. Whoever sees the same even generation before and after knows that no row came or
// went in between; an odd one means that a commit is under way.
//
// Thread safety: Index from any thread. A WriteTransaction and a RowSnapshot: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/rows.h"
#include "io/file.h"
#include "packstore/link.h"
#include "packstore/object_id.h"
#include "packstore/refs.h"
#include "packstore/result.h"

namespace packstore::index {

inline constexpr std::string_view kIndexFile = "index.sqlite";

// How much of a commit survives a power cut.
enum class CommitSync : std::uint8_t {
  // The rows may be lost, never torn: for rows that the packs can give back.
  kLazy,
  // This commit and every one before it are durable. Needed before anything is unlinked, and for
  // refs and removals.
  kDurable,
};

class WriteTransaction;
class RowSnapshot;
class MarkTable;
class ReferenceTable;
class RecountTable;
enum class ReferenceStep : std::uint8_t;

class Index {
 public:
  // Makes an empty index in `root` for the store `uuid`, durable on return. Whatever index files
  // were there are replaced.
  static Status create(io::FileSystem& files, const io::Directory& root, std::string_view uuid,
                       ReferenceCounts counts = ReferenceCounts::kNone);

  // `root` and `locks` must outlive the index.
  //
  // kNotFound: there is no index. kUnsupported: a newer schema. kCorrupt: not a database, another
  // schema, or one that belongs to another store than `uuid`.
  static Result<std::unique_ptr<Index>> open(io::FileSystem& files, const io::Directory& root,
                                             const io::Directory& locks, std::string_view uuid);

  virtual ~Index() = default;

  // One short read transaction each. kCorrupt: the row breaks a limit.
  virtual Result<std::optional<Location>> find(const ObjectId& id) const = 0;

  // Calls `visit` for each of `sorted_ids` (ascending, distinct) that has a row, in that order; all
  // from one snapshot, which is held meanwhile, so `visit` should be quick. Steps through the table
  // instead of looking up when that is cheaper. An error of `visit` ends the call. A row that
  // breaks a limit is given as its error.
  using FoundVisitor = std::function<Status(std::size_t position, const Result<Location>& at)>;
  virtual Status find_many(std::span<const ObjectId> sorted_ids,
                           const FoundVisitor& visit) const = 0;

  // Up to `limit` rows with ids above `after` (from the first where it is nullopt), ascending, as
  // they stand in the table: call check() before use. kCorrupt: an id is not 32 bytes long.
  virtual Result<std::vector<ObjectRow>> page(std::optional<ObjectId> after,
                                              std::size_t limit) const = 0;

  // The same with ids from `first` on.
  virtual Result<std::vector<ObjectRow>> rows_from(const ObjectId& first,
                                                   std::size_t limit) const = 0;

  // A copy of the rows at this moment in the order (pack, offset), of all packs or of `packs`. What
  // takes more than 36 MiB is kept in a temporary file of SQLite (SQLITE_TMPDIR, TMPDIR, /var/tmp,
  // /tmp), so that neither memory nor the write-ahead log grows while it is walked.
  virtual Result<std::unique_ptr<RowSnapshot>> rows_in_pack_order(
      std::optional<std::span<const std::uint64_t>> packs) const = 0;

  struct PackTotals {
    std::uint64_t pack = 0;
    std::uint64_t objects = 0;
    std::uint64_t size = 0;
    std::uint64_t stored_size = 0;
  };
  // Sums over the rows of each pack that has any, by pack; reads the whole table. Rows that break a
  // limit are left out.
  virtual Result<std::vector<PackTotals>> totals() const = 0;

  virtual Result<std::vector<PackRow>> packs() const = 0;  // By pack.
  virtual Result<std::optional<PackRow>> find_pack(std::uint64_t pack) const = 0;

  virtual Result<std::optional<ObjectId>> find_ref(std::string_view name) const = 0;
  virtual Result<std::vector<Ref>> list_refs(std::string_view prefix) const = 0;  // By name.

  // Ids whose loose files a removal has still to unlink, ascending.
  virtual Result<std::vector<ObjectId>> pending_unlinks() const = 0;
  // Whether this is one of them; costs nothing while there are none.
  virtual Result<bool> is_pending_unlink(const ObjectId& id) const = 0;

  // Up to `limit` ids above `after` that were put again while a collection was under way, or while
  // releases waited, ascending.
  virtual Result<std::vector<ObjectId>> kept(std::optional<ObjectId> after,
                                             std::size_t limit) const = 0;

  // The working set of a collection: every object that has a row now is a candidate in it, or none
  // is. Kept in a temporary file of SQLite, as rows_in_pack_order().
  enum class Candidates : std::uint8_t { kPacked, kNone };
  virtual Result<std::unique_ptr<MarkTable>> begin_marking(
      Candidates candidates = Candidates::kPacked) const = 0;

  // What the index was created with. The rest is for indexes with counts only.
  virtual ReferenceCounts reference_counts() const = 0;
  virtual Result<std::uint64_t> count_references(const Link& link) const = 0;
  // See ReferenceTable::steps().
  virtual Result<std::vector<Link>> reference_steps(ReferenceStep step,
                                                    const std::optional<Link>& after,
                                                    std::size_t limit) const = 0;
  virtual Result<std::unique_ptr<RecountTable>> begin_recount() const = 0;

  virtual std::uint64_t generation() const = 0;

  // Begins the one write transaction of all threads and processes; waits for others to end theirs,
  // up to a minute, then kBusy. kIo: a sync failed before, and nothing is written any more.
  virtual Result<std::unique_ptr<WriteTransaction>> begin_write(CommitSync sync) = 0;

  // For whoever is about to acknowledge what the index says. kIo: a sync has failed here, and
  // nothing is written any more; what the index says may be overtaken by the commit that reported
  // the error. Where it has failed in another process, or while somebody commits, this takes the
  // turn to write, and makes sure that nothing is overtaken.
  virtual Status check_writable() = 0;

  // Moves the write-ahead log into the database and empties it as far as readers allow.
  virtual Status checkpoint() = 0;

  // SQLite's integrity check: the complaints, none when sound.
  virtual Result<std::vector<std::string>> integrity_complaints() const = 0;

  // Makes the index of the store in `root` (its directory of locks: `locks`; may have no index yet)
  // a copy of this one, in one transaction of its own, with every pack sealed; durable on return.
  // The errors of open() where it has another index already.
  virtual Status copy_to(const io::Directory& root, const io::Directory& locks) const = 0;
};

// Everything between begin_write() and commit() becomes visible at once or not at all; dropping the
// object rolls back. Reads inside see the transaction's own writes.
class WriteTransaction {
 public:
  virtual ~WriteTransaction() = default;

  // False, and nothing changed, when the id has a row already. Here and in move() and put_pack(),
  // kCorrupt: the row to be written breaks a limit.
  virtual Result<bool> insert(const ObjectRow& row) = 0;
  virtual Result<std::optional<Location>> find(const ObjectId& id) = 0;
  // Points the row of `id` from `from` to `to`; false when it is not at the pack and offset of
  // `from` (any more).
  virtual Result<bool> move(const ObjectId& id, const Location& from, const Location& to) = 0;
  // Removes the row and returns where it pointed, as it stood: call check() before use. nullopt
  // when there was none.
  virtual Result<std::optional<Location>> erase(const ObjectId& id) = 0;

  // A pack number that no pack has or had.
  virtual Result<std::uint64_t> allocate_pack() = 0;
  // Numbers up to and including `pack` will not be allocated any more.
  virtual Status reserve_packs_through(std::uint64_t pack) = 0;
  virtual Result<std::optional<PackRow>> find_pack(std::uint64_t pack) = 0;
  virtual Status put_pack(const PackRow& row) = 0;  // Inserts or replaces.
  // Nothing happens where there is no such pack.
  virtual Status add_dead_bytes(std::uint64_t pack, std::uint64_t bytes) = 0;
  virtual Status erase_pack(std::uint64_t pack) = 0;
  // True when a row points into the pack; reads the table as far as needed.
  virtual Result<bool> pack_has_rows(std::uint64_t pack) = 0;

  virtual Result<std::optional<Link>> find_ref(std::string_view name) = 0;
  virtual Status put_ref(std::string_view name, const Link& target) = 0;
  virtual Status erase_ref(std::string_view name) = 0;

  virtual Status add_pending_unlink(const ObjectId& id) = 0;
  virtual Result<bool> erase_pending_unlink(const ObjectId& id) = 0;  // False: there was none.

  // Notes that the object was put again; see Index::kept().
  virtual Status keep(const ObjectId& id) = 0;
  virtual Result<bool> is_kept(const ObjectId& id) = 0;
  virtual Status clear_kept() = 0;

  // Null: this index keeps no counts.
  virtual ReferenceTable* reference_table() = 0;

  // Ends the transaction; the object is used up. After kLazy the rows are visible, after kDurable
  // they are durable too. An error means nothing became visible.
  virtual Status commit() = 0;
};

// Walks the rows of a snapshot in the order (pack, offset). Rows are as they stand in the table:
// call check() before use. A row whose id is not 32 bytes long is given with pack 0.
class RowSnapshot {
 public:
  virtual ~RowSnapshot() = default;
  virtual Result<std::optional<ObjectRow>> next() = 0;
  virtual std::uint64_t size() const = 0;
};

// What can be read of the refs of a damaged index.
struct SalvagedRefs {
  enum class Extent : std::uint8_t { kNone, kSome, kAll };
  Extent extent = Extent::kNone;
  std::vector<Ref> refs = {};  // By name.
};
SalvagedRefs salvage_refs(io::FileSystem& files, const io::Directory& root);

// The store that a damaged index says it belongs to, as text; nullopt when that cannot be read.
Result<std::optional<std::string>> salvage_uuid(io::FileSystem& files, const io::Directory& root);

// True when a damaged index says that it keeps reference counts.
bool salvage_counts(io::FileSystem& files, const io::Directory& root);

// SQLite's own version, for the command line: "3.40.1".
std::string_view sqlite_version();

}  // namespace packstore::index
