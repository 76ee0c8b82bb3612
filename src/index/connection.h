// One connection to the database of an index, and the use of its statements: the only two classes
// that call SQLite.
//
// Thread safety: one thread at a time.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "index/statements.h"
#include "io/file.h"
#include "packstore/bytes.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::index {

// Where a database is. The directory must outlive all connections.
struct DatabaseFile {
  io::FileSystem& files;
  const io::Directory& root;
  std::string name;

  // SQLite knows files by their paths.
  std::string path() const;
  // A directory that was renamed may have left its path to another store.
  // kConflict: not the file that has the name in `root`.
  Status check_path() const;
};

enum class Access : std::uint8_t { kRead, kReadWrite };

class Connection;

// One use of a prepared statement; it is reset at the end of the scope. What is bound is a loan
// until then. An error of preparing or binding comes out of step().
class Query {
 public:
  Query(Connection& connection, Statement statement, sqlite3_stmt* prepared, int code)
      : connection_(connection), statement_(statement), prepared_(prepared), code_(code) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Parameters are numbered from 1. Integers above 2^63 - 1 are checked by the callers.
  Query& bind(int parameter, std::uint64_t value);
  Query& bind(int parameter, const ObjectId& id) { return bind(parameter, ByteView(id.bytes)); }
  Query& bind(int parameter, ByteView blob);
  Query& bind(int parameter, std::string_view text);

  // True: there is a row. False: no more rows.
  Result<bool> step();
  // For statements without rows, and where rows do not matter.
  Status run();

  // Columns are numbered from 0. Nothing is believed: a value of another type, and a negative
  // integer, reads as one that no limit lets pass.
  std::uint64_t integer(int column) const;
  bool is_null(int column) const;
  std::optional<std::string_view> text(int column) const;
  std::optional<ByteView> blob(int column) const;
  std::optional<ObjectId> id(int column) const;  // nullopt: not a BLOB of 32 bytes.

 private:
  Connection& connection_;
  Statement statement_;
  sqlite3_stmt* prepared_;
  int code_;
};

class Connection {
 public:
  // Opens a file that exists. kNotFound does not come from here: ask the directory first.
  static Result<std::unique_ptr<Connection>> open(const DatabaseFile& file, Access access);

  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Prepares on the first use.
  Query query(Statement statement);
  Status run(Statement statement) { return query(statement).run(); }

  // Runs statements that are not worth keeping.
  Status execute(const std::string& sql, std::string_view purpose);

  // Rows that the last INSERT, UPDATE or DELETE changed.
  std::uint64_t changes() const;
  // False once the transaction was committed or rolled back, by SQLite itself perhaps.
  bool in_transaction() const;

  // kPassive takes what it can get beside readers; kTruncate also empties the file of the log,
  // unless a reader is in the way.
  enum class Checkpoint : std::uint8_t { kPassive, kTruncate };
  Status checkpoint(Checkpoint mode);

  // Pages in the write-ahead log after the last commit of this connection; 0 before the first.
  std::uint64_t wal_pages() const { return wal_pages_; }

  // True once SQLite could not sync a file: what earlier commits wrote may be lost.
  bool sync_failed() const { return sync_failed_; }

  const std::string& path() const { return path_; }

  Error error(int code, std::string_view purpose);

 private:
  friend class Query;
  explicit Connection(std::string path) : path_(std::move(path)) {}
  Status configure();
  void watch_wal();

  std::string path_;
  sqlite3* database_ = nullptr;
  std::array<sqlite3_stmt*, kStatementCount> prepared_{};
  std::uint64_t wal_pages_ = 0;
  bool sync_failed_ = false;
};

// A read transaction for the time of a scope: everything read inside is of one moment.
class ReadScope {
 public:
  static Result<std::unique_ptr<ReadScope>> begin(Connection& connection);
  ~ReadScope();
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

 private:
  explicit ReadScope(Connection& connection) : connection_(connection) {}
  Connection& connection_;
};

}  // namespace packstore::index
