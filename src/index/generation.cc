#include "index/generation.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/mistake.h"

namespace packstore::index {
namespace {

void make_odd(io::SharedCounter& generation) {
  if (is_settled(generation)) generation.increment();
}

void make_even(io::SharedCounter& generation) {
  if (!is_settled(generation)) generation.increment();
}

// The same bytes at the same places: readers do not notice.
Status write_log_again(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto log,
                   root.find_file(fmt::format("{}-wal", kIndexFile), io::OpenMode::kReadWrite));
  if (!log) return {};
  ASSIGN_OR_RETURN(const io::FileInfo info, (*log)->info());
  RETURN_IF_ERROR(io::copy_range(**log, 0, **log, 0, info.size));
  return (*log)->sync();
}

}  // namespace

bool is_settled(const io::SharedCounter& generation) { return generation.load() % 2 == 0; }

Status commit_counted(Connection& connection, CommitSync sync, io::SharedCounter& generation) {
  make_odd(generation);
  Status committed = connection.run(Statement::kCommit);
  // What a lazy commit adds may turn up; nothing is acknowledged that it would contradict.
  const bool leaves_no_doubt = sync == CommitSync::kLazy && !connection.sync_failed();
  if (committed || leaves_no_doubt) make_even(generation);
  return committed;
}

Status checkpoint_counted(Connection& connection, Connection::Checkpoint mode,
                          io::SharedCounter& generation) {
  make_odd(generation);
  Status moved = connection.checkpoint(mode);
  if (moved || !connection.sync_failed()) make_even(generation);
  return moved;
}

Status settle(Connection& connection, const io::Directory& root, io::SharedCounter& generation) {
  if (is_settled(generation) || makes(Mistake::kLeaveLogInDoubt)) return {};
  RETURN_IF_ERROR(write_log_again(root));
  RETURN_IF_ERROR(connection.run(Statement::kBeginWrite));
  // A commit without changes would write nothing.
  Status counted = connection.run(Statement::kCountDurableCommit);
  Status committed =
      counted ? commit_counted(connection, CommitSync::kDurable, generation) : std::move(counted);
  if (!committed) static_cast<void>(connection.run(Statement::kRollback));
  return committed;
}

}  // namespace packstore::index
