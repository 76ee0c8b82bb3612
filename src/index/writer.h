// The one connection of an Index that writes, and the order of steps that makes a commit.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "index/connection.h"
#include "index/generation.h"
#include "index/index.h"
#include "index/write_turn.h"
#include "io/file.h"
#include "io/home_process.h"
#include "packstore/result.h"

namespace packstore::index {

// Thread safety: begin(), checkpoint() and check_writable() from any thread; the rest only by the
// transaction that holds the turn.
class Writer {
 public:
  // Opens and checks the index in `root`; both directories must outlive the writer. The errors of
  // Index::open().
  static Result<std::unique_ptr<Writer>> open(io::FileSystem& files, const io::Directory& root,
                                              const io::Directory& locks, std::string_view uuid);

  // Empties a log that would make the next opening slow, unless somebody else writes just now.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Waits for the turn and begins the transaction of it.
  Result<std::unique_ptr<WriteTurn>> begin(CommitSync sync);
  // Ends it; an error means that it was rolled back. Still within the turn.
  Status commit(CommitSync sync);
  void rollback();

  Status checkpoint();

  // Any thread.
  Status check_writable();

  Connection& connection() { return *connection_; }
  ReferenceCounts reference_counts() const { return counts_; }
  std::uint64_t generation() const { return generation_->load(); }

 private:
  Writer(const io::Directory& root, const io::Directory& locks, const io::FileInfo& opened,
         std::unique_ptr<Connection> connection, std::unique_ptr<io::SharedCounter> generation,
         ReferenceCounts counts);

  Status ensure_log();
  Status prepare_turn(CommitSync sync);
  // Within a turn. The failure of before, if there is one; kConflict: another index is in place.
  Status settle_here();
  Status check_in_place() const;
  Status set_synchronous(CommitSync sync);
  // Remembers a sync that failed, for good.
  void note_failure(const Status& status);
  void fail_for_good(Error error);

  const io::Directory& root_;
  const io::Directory& locks_;
  const io::FileInfo opened_;
  io::HomeProcess home_;
  WriteGate gate_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<io::SharedCounter> generation_;
  ReferenceCounts counts_;
  std::optional<CommitSync> synchronous_;
  bool directory_synced_ = false;
  std::optional<Error> failure_;      // Never changes once it is there,
  std::atomic<bool> failed_ = false;  // which this says.
};

// Where the database of the store in `root` is.
DatabaseFile database_in(io::FileSystem& files, const io::Directory& root);

}  // namespace packstore::index
