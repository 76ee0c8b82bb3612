// A write transaction, step by step:
//
// 1. Take the turn: the gate of this process, then the lock file of the store. From here to step 7
//    nobody else writes or checkpoints.
// 2. Refuse if the index was replaced since it was opened: whoever reads next would not see what is
//    written. Settle the log, should a process have failed or died in step 5 or 6 (generation.h).
// 3. Choose how COMMIT syncs: not at all, or the whole write-ahead log, which makes every commit
//    before it durable as well. Only in the second case, and once: sync the directory, since the
//    log may be a new file.
// 4. BEGIN IMMEDIATE, the changes. A durable transaction counts itself in `meta`: SQLite syncs
//    nothing when no page has changed, and then earlier commits would not become durable either.
// 5. COMMIT, counted.
// 6. Checkpoint when the log has grown, counted too. The commit stands whatever comes out of it.
// 7. Give the turn back.
//
// A sync that failed is never tried again here: the system may have dropped the bytes and report
// success the second time, and commits that were acknowledged would rest on nothing. Whoever has
// not seen it fail, and comes next, settles.
#include "index/writer.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "index/journal_check.h"
#include "index/schema.h"

namespace packstore::index {
namespace {

// Beyond this the log costs lookups more than it saves commits (SQLite's own default is 4 MB too).
constexpr std::uint64_t kCheckpointPages = (4 << 20) / kPageBytes;
// Opening an index reads the whole log, up to 1 ms a MiB, even what was checkpointed, and it takes
// space. Small commits overwrite a log of some 4 MiB in place; only a large commit makes a longer
// one, and that is cut off.
constexpr std::uint64_t kTruncatePages = (5 << 20) / kPageBytes;

// A shorter log costs an opening less than emptying it costs a closing.
constexpr std::uint64_t kLeftPagesMax = (256 << 10) / kPageBytes;

}  // namespace

Writer::Writer(const io::Directory& root, const io::Directory& locks, const io::FileInfo& opened,
               std::unique_ptr<Connection> connection,
               std::unique_ptr<io::SharedCounter> generation, ReferenceCounts counts)
    : root_(root),
      locks_(locks),
      opened_(opened),
      connection_(std::move(connection)),
      generation_(std::move(generation)),
      counts_(counts) {}

Result<std::unique_ptr<Writer>> Writer::open(io::FileSystem& files, const io::Directory& root,
                                             const io::Directory& locks, std::string_view uuid) {
  // Asked without opening it: closing a descriptor would drop SQLite's locks in this process.
  ASSIGN_OR_RETURN(const std::optional<io::FileInfo> info, root.stat_file(kIndexFile));
  if (!info) return fail(ErrorCode::kNotFound, "{}/{}: no such file", root.path(), kIndexFile);
  RETURN_IF_ERROR(check_journal(root));

  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                   Connection::open(database_in(files, root), Access::kReadWrite));
  ASSIGN_OR_RETURN(const ReferenceCounts counts, check_schema(*connection, uuid));
  ASSIGN_OR_RETURN(std::unique_ptr<io::SharedCounter> generation,
                   locks.open_counter(kGenerationFile));
  std::unique_ptr<Writer> writer(
      new Writer(root, locks, *info, std::move(connection), std::move(generation), counts));
  RETURN_IF_ERROR(writer->ensure_log());
  return writer;
}

Writer::~Writer() {
  if (!home_.is_here() || failure_ || connection_->wal_pages() < kLeftPagesMax) return;
  const auto turn =
      WriteTurn::take(gate_, locks_, "closing the index", std::chrono::milliseconds(0));
  if (!turn || !is_settled(*generation_)) return;
  // Whatever becomes of it, the log holds all that was committed.
  static_cast<void>(
      checkpoint_counted(*connection_, Connection::Checkpoint::kTruncate, *generation_));
}

Status Writer::ensure_log() {
  // A copy made by another program may have left the mode of the write-ahead log.
  ASSIGN_OR_RETURN(const bool uses_log, uses_write_ahead_log(*connection_));
  if (uses_log) return {};
  ASSIGN_OR_RETURN(const std::unique_ptr<WriteTurn> turn,
                   WriteTurn::take(gate_, locks_, "opening the index"));
  return connection_->run(Statement::kUseLog);
}

Result<std::unique_ptr<WriteTurn>> Writer::begin(CommitSync sync) {
  RETURN_IF_ERROR(home_.check(connection_->path()));
  ASSIGN_OR_RETURN(std::unique_ptr<WriteTurn> turn,
                   WriteTurn::take(gate_, locks_, "writing to the index"));
  Status ready = prepare_turn(sync);
  if (!ready) {
    note_failure(ready);
    return std::move(ready).error();
  }
  return turn;
}

Status Writer::prepare_turn(CommitSync sync) {
  RETURN_IF_ERROR(settle_here());
  RETURN_IF_ERROR(set_synchronous(sync));
  return connection_->run(Statement::kBeginWrite);
}

Status Writer::settle_here() {
  if (failure_) return *failure_;
  RETURN_IF_ERROR(check_in_place());
  if (is_settled(*generation_)) return {};
  RETURN_IF_ERROR(set_synchronous(CommitSync::kDurable));
  Status settled = settle(*connection_, root_, *generation_);
  note_failure(settled);
  return settled;
}

Status Writer::check_in_place() const {
  ASSIGN_OR_RETURN(const std::optional<io::FileInfo> info, root_.stat_file(kIndexFile));
  if (info && info->is_same_file(opened_)) return {};
  return fail(ErrorCode::kConflict,
              "index {}: replaced since it was opened, as by a recovery; open the store again",
              connection_->path());
}

Status Writer::set_synchronous(CommitSync sync) {
  if (sync == CommitSync::kDurable && !directory_synced_) {
    Status synced = root_.sync();
    if (!synced) {
      fail_for_good(synced.error());
      return synced;
    }
    directory_synced_ = true;
  }
  if (synchronous_ == sync) return {};
  RETURN_IF_ERROR(connection_->execute(
      sync == CommitSync::kDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
      "choosing how commits sync"));
  synchronous_ = sync;
  return {};
}

Status Writer::commit(CommitSync sync) {
  if (sync == CommitSync::kDurable) {
    Status counted = connection_->run(Statement::kCountDurableCommit);
    if (!counted) {
      rollback();
      return counted;
    }
  }
  Status committed = commit_counted(*connection_, sync, *generation_);
  note_failure(committed);
  if (!committed) {
    rollback();
    return committed;
  }
  if (connection_->wal_pages() >= kCheckpointPages) {
    note_failure(checkpoint_counted(*connection_,
                                    connection_->wal_pages() >= kTruncatePages
                                        ? Connection::Checkpoint::kTruncate
                                        : Connection::Checkpoint::kPassive,
                                    *generation_));
  }
  return {};
}

void Writer::rollback() {
  // There may be nothing to roll back any more: SQLite did it itself after some errors.
  static_cast<void>(connection_->run(Statement::kRollback));
}

Status Writer::checkpoint() {
  RETURN_IF_ERROR(home_.check(connection_->path()));
  ASSIGN_OR_RETURN(const std::unique_ptr<WriteTurn> turn,
                   WriteTurn::take(gate_, locks_, "checkpointing the index"));
  RETURN_IF_ERROR(settle_here());
  Status moved = checkpoint_counted(*connection_, Connection::Checkpoint::kTruncate, *generation_);
  note_failure(moved);
  return moved;
}

void Writer::note_failure(const Status& status) {
  if (!status && connection_->sync_failed() && !failure_) {
    fail_for_good(
        fail(status.error().code, "{}; open the store again to go on", status.error().message));
  }
}

void Writer::fail_for_good(Error error) {
  failure_ = std::move(error);
  failed_.store(true, std::memory_order_release);
}

Status Writer::check_writable() {
  if (failed_.load(std::memory_order_acquire)) return *failure_;
  if (is_settled(*generation_)) return {};
  // Of a commit under way nobody knows yet: wait for its turn to end.
  RETURN_IF_ERROR(home_.check(connection_->path()));
  ASSIGN_OR_RETURN(const std::unique_ptr<WriteTurn> turn,
                   WriteTurn::take(gate_, locks_, "settling the index"));
  return settle_here();
}

DatabaseFile database_in(io::FileSystem& files, const io::Directory& root) {
  return {.files = files, .root = root, .name = std::string(kIndexFile)};
}

}  // namespace packstore::index
