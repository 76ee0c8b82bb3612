// How an index is made: under another name, in the end synced and renamed, so that there is either
// a whole index or none. What was there before goes first: SQLite would take the write-ahead log of
// an older index for that of the new one.
#include "index/create.h"

#include <array>
#include <memory>
#include <string>

#include "base/error.h"
#include "index/index.h"
#include "index/journal_check.h"
#include "index/schema.h"
#include "index/write_turn.h"
#include "index/writer.h"
#include "io/atomic_publish.h"

namespace packstore::index {
namespace {

constexpr std::string_view kNewFile = "index.sqlite.new";
constexpr std::array<std::string_view, 4> kSuffixes = {"", "-wal", "-shm", "-journal"};

Status remove_database(const io::Directory& root, std::string_view name) {
  for (const std::string_view suffix : kSuffixes) {
    Status removed = root.remove_file(fmt::format("{}{}", name, suffix));
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  }
  return {};
}

Status build(io::FileSystem& files, const io::Directory& root, std::string_view uuid,
             ReferenceCounts counts) {
  // Created through `root`, so that it has the permissions of the store; SQLite gives the same to
  // its log later.
  RETURN_IF_ERROR(root.create_file(kNewFile));
  const DatabaseFile file{.files = files, .root = root, .name = std::string(kNewFile)};
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                   Connection::open(file, Access::kReadWrite));
  return create_schema(*connection, uuid, counts);
}

Status attach(Connection& connection, const DatabaseFile& source) {
  const std::string path = source.path();
  RETURN_IF_ERROR(connection.query(Statement::kAttachSource).bind(1, path).run());
  return source.check_path();
}

}  // namespace

Status create_index(io::FileSystem& files, const io::Directory& root, std::string_view uuid,
                    ReferenceCounts counts) {
  RETURN_IF_ERROR(remove_database(root, kIndexFile));
  RETURN_IF_ERROR(remove_database(root, kNewFile));
  RETURN_IF_ERROR(root.sync());

  RETURN_IF_ERROR(build(files, root, uuid, counts));
  ASSIGN_OR_RETURN(const std::unique_ptr<io::File> file,
                   root.open_file(kNewFile, io::OpenMode::kReadWrite));
  RETURN_IF_ERROR(io::publish(*file, root, kNewFile, root, kIndexFile));
  return remove_database(root, kNewFile);
}

Status copy_index(const DatabaseFile& source, const CopyDestination& to, std::string_view uuid,
                  ReferenceCounts counts) {
  WriteGate gate;
  ASSIGN_OR_RETURN(const std::unique_ptr<WriteTurn> turn,
                   WriteTurn::take(gate, to.locks, "receiving a copy of an index"));
  ASSIGN_OR_RETURN(const std::optional<io::FileInfo> info, to.root.stat_file(kIndexFile));
  if (!info) RETURN_IF_ERROR(create_index(to.files, to.root, uuid, counts));
  RETURN_IF_ERROR(check_journal(to.root));

  ASSIGN_OR_RETURN(const std::unique_ptr<io::SharedCounter> generation,
                   to.locks.open_counter(kGenerationFile));
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                   Connection::open(database_in(to.files, to.root), Access::kReadWrite));
  ASSIGN_OR_RETURN(const ReferenceCounts there, check_schema(*connection, uuid));
  if (there != counts) {
    return fail(ErrorCode::kConflict, "index {}: one of the two counts references, the other not",
                connection->path());
  }
  RETURN_IF_ERROR(to.root.sync());
  RETURN_IF_ERROR(connection->execute("PRAGMA main.synchronous = FULL", "copying"));
  RETURN_IF_ERROR(settle(*connection, to.root, *generation));
  RETURN_IF_ERROR(attach(*connection, source));
  RETURN_IF_ERROR(connection->run(Statement::kBeginWrite));
  // An error from here on closes the connection, which rolls back.
  RETURN_IF_ERROR(replace_from_source(*connection, counts));
  RETURN_IF_ERROR(commit_counted(*connection, CommitSync::kDurable, *generation));
  return checkpoint_counted(*connection, Connection::Checkpoint::kTruncate, *generation);
}

}  // namespace packstore::index
