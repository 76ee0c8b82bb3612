#include "index/schema.h"

#include <array>
#include <string>

#include "base/error.h"
#include "index/rows.h"

namespace packstore::index {
namespace {

constexpr std::uint64_t kApplicationId = 0x706b7374;  // "pkst"

struct Table {
  std::string_view name;
  std::string_view sql;
  std::uint64_t since = kPlainVersion;
};

// By name. There is no index beside the primary keys: a second one on (pack, offset) would cost
// each object another 45 bytes, and what needs that order can sort.
constexpr std::array<Table, 8> kTables = {{
    {"kept", "CREATE TABLE kept(id BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID"},
    {"meta",
     "CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID"},
    {"objects",
     "CREATE TABLE objects(id BLOB NOT NULL PRIMARY KEY, pack INTEGER NOT NULL, "
     "offset INTEGER NOT NULL, stored_size INTEGER NOT NULL, size INTEGER NOT NULL, "
     "codec INTEGER NOT NULL) STRICT, WITHOUT ROWID"},
    {"packs",
     "CREATE TABLE packs(pack INTEGER NOT NULL PRIMARY KEY, state INTEGER NOT NULL, "
     "indexed_bytes INTEGER NOT NULL, dead_bytes INTEGER NOT NULL) STRICT"},
    {"pending_unlinks",
     "CREATE TABLE pending_unlinks(id BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID"},
    {"reference_counts",
     "CREATE TABLE reference_counts(id BLOB NOT NULL, kind INTEGER NOT NULL, "
     "count INTEGER NOT NULL, PRIMARY KEY(id, kind)) STRICT, WITHOUT ROWID",
     kCountingVersion},
    {"reference_steps",
     "CREATE TABLE reference_steps(step INTEGER NOT NULL, id BLOB NOT NULL, "
     "kind INTEGER NOT NULL, PRIMARY KEY(step, id, kind)) STRICT, WITHOUT ROWID",
     kCountingVersion},
    {"refs",
     "CREATE TABLE refs(name TEXT NOT NULL PRIMARY KEY, id BLOB NOT NULL, "
     "kind INTEGER NOT NULL, moved_at INTEGER NOT NULL) STRICT, WITHOUT ROWID"},
}};

std::uint64_t version_for(ReferenceCounts counts) {
  return counts == ReferenceCounts::kExact ? kCountingVersion : kPlainVersion;
}

// Its version.
Result<std::uint64_t> check_identity(Connection& connection) {
  Query application = connection.query(Statement::kApplicationId);
  ASSIGN_OR_RETURN(const bool has_application, application.step());
  if (!has_application || application.integer(0) != kApplicationId) {
    return fail(ErrorCode::kCorrupt, "index {}: it is the database of another program",
                connection.path());
  }
  Query version = connection.query(Statement::kUserVersion);
  ASSIGN_OR_RETURN(const bool has_version, version.step());
  const std::uint64_t number = has_version ? version.integer(0) : 0;
  if (number > kCountingVersion) {
    return fail(ErrorCode::kUnsupported, "index {}: version {}, this library knows up to {}",
                connection.path(), number, kCountingVersion);
  }
  if (number < kPlainVersion) {
    return fail(ErrorCode::kCorrupt, "index {}: version {} never existed", connection.path(),
                number);
  }
  return number;
}

Status check_tables(Connection& connection, std::uint64_t version) {
  Query listing = connection.query(Statement::kListSchema);
  for (const Table& table : kTables) {
    if (table.since > version) continue;
    ASSIGN_OR_RETURN(const bool found, listing.step());
    if (!found || listing.text(0) != "table" || listing.text(1) != table.name ||
        listing.text(2) != table.sql) {
      return fail(ErrorCode::kCorrupt, "index {}: table {} is missing or another than ours",
                  connection.path(), table.name);
    }
  }
  ASSIGN_OR_RETURN(const bool more, listing.step());
  if (more) {
    return fail(ErrorCode::kCorrupt, "index {}: it holds {} more than our tables",
                connection.path(), listing.text(1).value_or("something"));
  }
  return {};
}

Status check_uuid(Connection& connection, std::string_view uuid) {
  Query query = connection.query(Statement::kFindMeta);
  query.bind(1, kMetaUuid);
  ASSIGN_OR_RETURN(const bool found, query.step());
  if (!found || query.text(0) != uuid) {
    return fail(ErrorCode::kCorrupt, "index {}: it belongs to another store than {}",
                connection.path(), uuid);
  }
  return {};
}

}  // namespace

Status create_schema(Connection& connection, std::string_view uuid, ReferenceCounts counts) {
  // The caller syncs the file once it is whole, so nothing before needs to be durable.
  std::string sql = fmt::format(
      "PRAGMA page_size = {}; PRAGMA synchronous = OFF; BEGIN; PRAGMA application_id = {};"
      "PRAGMA user_version = {};",
      kPageBytes, kApplicationId, version_for(counts));
  for (const Table& table : kTables) {
    if (table.since <= version_for(counts)) sql.append(table.sql).append(";");
  }
  RETURN_IF_ERROR(connection.execute(sql, "creating the tables"));
  RETURN_IF_ERROR(connection.query(Statement::kPutMeta).bind(1, kMetaUuid).bind(2, uuid).run());
  RETURN_IF_ERROR(
      connection.query(Statement::kPutMeta).bind(1, kMetaNextPack).bind(2, std::uint64_t{1}).run());
  RETURN_IF_ERROR(connection.run(Statement::kCommit));
  return connection.run(Statement::kUseLog);
}

Result<bool> uses_write_ahead_log(Connection& connection) {
  Query mode = connection.query(Statement::kJournalMode);
  ASSIGN_OR_RETURN(const bool known, mode.step());
  return known && mode.text(0) == "wal";
}

Result<ReferenceCounts> check_schema(Connection& connection, std::string_view uuid) {
  ASSIGN_OR_RETURN(const std::uint64_t version, check_identity(connection));
  RETURN_IF_ERROR(check_tables(connection, version));
  RETURN_IF_ERROR(check_uuid(connection, uuid));
  return version == kCountingVersion ? ReferenceCounts::kExact : ReferenceCounts::kNone;
}

Status replace_from_source(Connection& connection, ReferenceCounts counts) {
  // Rows are copied cell by cell, without being decoded, as long as the table is empty and both
  // declarations are the same.
  std::string sql;
  for (const Table& table : kTables) {
    if (table.since > version_for(counts)) continue;
    sql += fmt::format("DELETE FROM main.{0}; INSERT INTO main.{0} SELECT * FROM source.{0};",
                       table.name);
  }
  sql += fmt::format("UPDATE main.packs SET state = {} WHERE state = {};",
                     static_cast<int>(PackState::kSealed), static_cast<int>(PackState::kOpen));
  return connection.execute(sql, "copying");
}

}  // namespace packstore::index
