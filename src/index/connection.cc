// How a connection is opened:
//
// 1. The path must hold no symbolic link, the file must exist, and be the one in the directory that
//    the store holds open; SQLite takes no mutex, since every connection has one user at a time.
// 2. What a hostile file could use against us is off: triggers, views, functions of the schema,
//    extensions, writing to the schema, memory-mapped reads. Sizes of cells are checked.
// 3. Neither a commit nor closing a connection checkpoints: that happens only under the lock of the
//    index.
// 4. Statements are prepared on first use and kept until the connection closes.
#include "index/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace packstore::index {
namespace {

// SQLite itself waits only while somebody recovers the log, or for a foreign program.
constexpr int kBusyMilliseconds = 10'000;
// Longer values do not occur; a file that claims one is damaged.
constexpr int kValueBytesMax = 1 << 20;

struct Setting {
  int option;
  int on;
};
constexpr Setting kSettings[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},          {SQLITE_DBCONFIG_DQS_DDL, 0},
};

// 16 MiB of cache hold the upper levels of the table at any size, and all of it at 250,000 rows.
// secure_delete, a default of some builds, would write zeros over rows that tell no secrets.
constexpr const char* kPragmas =
    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -16384;"
    "PRAGMA temp_store = FILE; PRAGMA secure_delete = OFF; PRAGMA synchronous = NORMAL;";

ErrorCode code_for(int sqlite_code, int system_error) {
  switch (system_error) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kNoSpace;
    default:
      break;
  }
  if (sqlite_code == SQLITE_CANTOPEN_SYMLINK) return ErrorCode::kCorrupt;
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::kNoSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kBusy;
    // The text of every statement is ours: when SQLite does not accept one, or a value, then the
    // tables are not.
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kIo;
  }
}

bool concerns_system(int sqlite_code) {
  const int kind = sqlite_code & 0xff;
  return kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR || kind == SQLITE_FULL;
}

}  // namespace

std::string DatabaseFile::path() const { return fmt::format("{}/{}", root.path(), name); }

Status DatabaseFile::check_path() const {
  ASSIGN_OR_RETURN(const std::unique_ptr<io::Directory> at_path, files.open_directory(root.path()));
  // Asked without opening it: closing a descriptor would drop SQLite's locks in this process.
  ASSIGN_OR_RETURN(const std::optional<io::FileInfo> there, at_path->stat_file(name));
  ASSIGN_OR_RETURN(const std::optional<io::FileInfo> here, root.stat_file(name));
  if (there && here && there->is_same_file(*here)) return {};
  return fail(ErrorCode::kConflict,
              "index {}: the store that is open here was moved away; open it where it is", path());
}

Result<std::unique_ptr<Connection>> Connection::open(const DatabaseFile& file, Access access) {
  if (sqlite3_threadsafe() == 0) {
    return fail(ErrorCode::kUnsupported, "index {}: this SQLite was built for one thread only",
                file.path());
  }
  const int flags = (access == Access::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                    SQLITE_OPEN_PRIVATECACHE;
  std::unique_ptr<Connection> connection(new Connection(file.path()));
  const int code = sqlite3_open_v2(connection->path_.c_str(), &connection->database_, flags,
                                   file.files.sqlite_vfs());
  if (code != SQLITE_OK) return connection->error(code, "opening");
  RETURN_IF_ERROR(connection->configure());
  RETURN_IF_ERROR(file.check_path());
  return connection;
}

Status Connection::configure() {
  sqlite3_busy_timeout(database_, kBusyMilliseconds);
  for (const Setting& setting : kSettings) {
    const int code = sqlite3_db_config(database_, setting.option, setting.on, nullptr);
    if (code != SQLITE_OK) return error(code, "configuring");
  }
  sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  sqlite3_limit(database_, SQLITE_LIMIT_ATTACHED, 1);
  sqlite3_wal_autocheckpoint(database_, 0);
  watch_wal();
  return execute(kPragmas, "configuring");
}

void Connection::watch_wal() {
  const auto on_commit = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Connection*>(self)->wal_pages_ = static_cast<std::uint64_t>(pages);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(database_, on_commit, this);
}

Connection::~Connection() {
  for (sqlite3_stmt* prepared : prepared_) sqlite3_finalize(prepared);
  sqlite3_close_v2(database_);
}

Query Connection::query(Statement statement) {
  sqlite3_stmt*& prepared = prepared_[static_cast<std::size_t>(statement)];
  int code = SQLITE_OK;
  if (prepared == nullptr) [[unlikely]] {
    code = sqlite3_prepare_v3(database_, text_of(statement).sql, -1, SQLITE_PREPARE_PERSISTENT,
                              &prepared, nullptr);
  }
  // A second use inside the first would move the first one's cursor.
  PACKSTORE_CHECK(sqlite3_stmt_busy(prepared) == 0);
  return Query(*this, statement, prepared, code);
}

Status Connection::execute(const std::string& sql, std::string_view purpose) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, purpose);
  return {};
}

std::uint64_t Connection::changes() const {
  return static_cast<std::uint64_t>(sqlite3_changes64(database_));
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

Status Connection::checkpoint(Checkpoint mode) {
  // Readers are not waited for: what they still need stays in the log until the next time.
  sqlite3_busy_timeout(database_, 0);
  const int code = sqlite3_wal_checkpoint_v2(
      database_, "main",
      mode == Checkpoint::kPassive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE,
      nullptr, nullptr);
  sqlite3_busy_timeout(database_, kBusyMilliseconds);
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return error(code, "checkpointing");
  if (code == SQLITE_OK && mode == Checkpoint::kTruncate) wal_pages_ = 0;
  return {};
}

Error Connection::error(int code, std::string_view purpose) {
  const int system_error = concerns_system(code) ? sqlite3_system_errno(database_) : 0;
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) sync_failed_ = true;
  return fail(code_for(code, system_error), "index {}: {}: {} (SQLite {}, system {})", path_,
              purpose, database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code),
              code, system_error);
}

Query::~Query() { sqlite3_reset(prepared_); }

Query& Query::bind(int parameter, std::uint64_t value) {
  PACKSTORE_CHECK(value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  if (code_ == SQLITE_OK) {
    code_ = sqlite3_bind_int64(prepared_, parameter, static_cast<std::int64_t>(value));
  }
  return *this;
}

Query& Query::bind(int parameter, ByteView blob) {
  // A null pointer would bind NULL, which compares with nothing. The last argument says: a loan.
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  if (code_ == SQLITE_OK) {
    code_ = sqlite3_bind_blob64(prepared_, parameter, data, blob.size(), nullptr);
  }
  return *this;
}

Query& Query::bind(int parameter, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  if (code_ == SQLITE_OK) {
    code_ = sqlite3_bind_text64(prepared_, parameter, data, text.size(), nullptr, SQLITE_UTF8);
  }
  return *this;
}

Result<bool> Query::step() {
  if (code_ == SQLITE_OK) [[likely]] {
    code_ = sqlite3_step(prepared_);
    if (code_ == SQLITE_ROW || code_ == SQLITE_DONE) {
      return std::exchange(code_, SQLITE_OK) == SQLITE_ROW;
    }
  }
  return connection_.error(code_, text_of(statement_).purpose);
}

Status Query::run() {
  bool more = true;
  while (more) {
    ASSIGN_OR_RETURN(more, step());
  }
  return {};
}

std::uint64_t Query::integer(int column) const {
  // A value is asked at less cost than a column, which long scans feel. No other thread uses the
  // connection meanwhile, which is what a value without a lock of its own needs.
  sqlite3_value* const value = sqlite3_column_value(prepared_, column);
  if (sqlite3_value_type(value) != SQLITE_INTEGER) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  // A negative one becomes a number above every limit.
  return static_cast<std::uint64_t>(sqlite3_value_int64(value));
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(prepared_, column) == SQLITE_NULL;
}

std::optional<std::string_view> Query::text(int column) const {
  sqlite3_value* const value = sqlite3_column_value(prepared_, column);
  if (sqlite3_value_type(value) != SQLITE_TEXT) return std::nullopt;
  const unsigned char* data = sqlite3_value_text(value);
  if (data == nullptr) return std::nullopt;
  const int size = sqlite3_value_bytes(value);
  return std::string_view(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

std::optional<ByteView> Query::blob(int column) const {
  sqlite3_value* const value = sqlite3_column_value(prepared_, column);
  if (sqlite3_value_type(value) != SQLITE_BLOB) return std::nullopt;
  const void* data = sqlite3_value_blob(value);
  const int size = sqlite3_value_bytes(value);
  if (data == nullptr) return ByteView();
  return ByteView(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
}

std::optional<ObjectId> Query::id(int column) const {
  const std::optional<ByteView> bytes = blob(column);
  if (!bytes || bytes->size() != ObjectId::kSize) return std::nullopt;
  ObjectId id;
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
  return id;
}

Result<std::unique_ptr<ReadScope>> ReadScope::begin(Connection& connection) {
  RETURN_IF_ERROR(connection.run(Statement::kBeginRead));
  return std::unique_ptr<ReadScope>(new ReadScope(connection));
}

ReadScope::~ReadScope() {
  // SQLite has ended the transaction already after some errors; then there is nothing to end.
  static_cast<void>(connection_.run(Statement::kCommit));
}

}  // namespace packstore::index
