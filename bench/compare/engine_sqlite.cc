// Objects as blobs in one SQLite table: write-ahead log, every commit synced, reads through a map.
#include <sqlite3.h>

#include <string>

#include "compare/engine.h"

namespace packstore::compare {

namespace {

class SqliteEngine final : public Engine {
 public:
  explicit SqliteEngine(const std::filesystem::path& directory) {
    std::filesystem::create_directories(directory);
    const std::string path = directory / "blobs.sqlite";
    require(sqlite3_open(path.c_str(), &database_));
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run("PRAGMA cache_size = -65536");
    run("PRAGMA mmap_size = 17179869184");
    run("CREATE TABLE objects (id BLOB PRIMARY KEY, content BLOB NOT NULL)");
    insert_ = prepare("INSERT INTO objects VALUES (?1, ?2)");
    select_ = prepare("SELECT content FROM objects WHERE id = ?1");
    contains_ = prepare("SELECT 1 FROM objects WHERE id = ?1");
    remove_ = prepare("DELETE FROM objects WHERE id = ?1");
  }
  SqliteEngine(const SqliteEngine&) = delete;
  SqliteEngine& operator=(const SqliteEngine&) = delete;

  ~SqliteEngine() override {
    for (sqlite3_stmt* statement : {insert_, select_, contains_, remove_}) {
      sqlite3_finalize(statement);
    }
    sqlite3_close(database_);
  }

  void put_batch(std::span<const Object> objects) override {
    run("BEGIN IMMEDIATE");
    for (const Object& object : objects) put_single(object);
    run("COMMIT");
  }

  void put_single(const Object& object) override {
    const Key key = sha256(object.content);
    bind(insert_, 1, key.bytes);
    bind(insert_, 2, object.content);
    step(insert_);
    sqlite3_reset(insert_);
  }

  void settle() override { run("PRAGMA wal_checkpoint(TRUNCATE)"); }

  void get(const Key& key, Check check) override {
    bind(select_, 1, key.bytes);
    if (!step(select_)) stop("SQLite has lost an object");
    const auto* content = static_cast<const std::byte*>(sqlite3_column_blob(select_, 0));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(select_, 0));
    consume(key, {content, size}, check);
    sqlite3_reset(select_);
  }

  void get_all(std::span<const Key> keys, Check check) override {
    run("BEGIN");
    for (const Key& key : keys) get(key, check);
    run("COMMIT");
  }

  bool contains(const Key& key) override {
    bind(contains_, 1, key.bytes);
    const bool found = step(contains_);
    sqlite3_reset(contains_);
    return found;
  }

  bool remove_and_reclaim(std::span<const Key> keys) override {
    run("BEGIN IMMEDIATE");
    for (const Key& key : keys) {
      bind(remove_, 1, key.bytes);
      step(remove_);
      sqlite3_reset(remove_);
    }
    run("COMMIT");
    run("VACUUM");
    settle();
    return true;
  }

 private:
  void require(int code) {
    if (code != SQLITE_OK) stop(std::string("SQLite: ") + sqlite3_errmsg(database_));
  }

  void run(const char* sql) { require(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr)); }

  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    require(sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    return statement;
  }

  void bind(sqlite3_stmt* statement, int at, ByteView bytes) {
    require(sqlite3_bind_blob64(statement, at, bytes.data(), bytes.size(), SQLITE_STATIC));
  }

  // True when the statement gave a row.
  bool step(sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) require(code);
    return code == SQLITE_ROW;
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
  sqlite3_stmt* contains_ = nullptr;
  sqlite3_stmt* remove_ = nullptr;
};

}  // namespace

std::unique_ptr<Engine> make_sqlite(const std::filesystem::path& directory) {
  return std::make_unique<SqliteEngine>(directory);
}

}  // namespace packstore::compare
