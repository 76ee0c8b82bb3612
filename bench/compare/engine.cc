#include "compare/engine.h"

#include <fmt/format.h>
#include <git2.h>
#include <lmdb.h>
#include <rocksdb/version.h>
#include <sqlite3.h>

#include <array>

#include "packstore/version.h"

namespace packstore::compare {

namespace {

constexpr std::array kEngineNames{kPackstore, kRocksdb, kLmdb, kSqlite, kLibgit2, kFiles};

}  // namespace

std::span<const std::string_view> engine_names() { return kEngineNames; }

std::unique_ptr<Engine> make_engine(std::string_view name, const std::filesystem::path& directory) {
  if (name == kPackstore) return std::make_unique<PackstoreEngine>(directory, Placement::kPacked);
  if (name == kRocksdb) return make_rocksdb(directory);
  if (name == kLmdb) return make_lmdb(directory);
  if (name == kSqlite) return make_sqlite(directory);
  if (name == kLibgit2) return make_libgit2(directory);
  if (name == kFiles) return make_files(directory);
  stop(fmt::format("no engine is called {}", name));
}

std::string engine_versions() {
  return fmt::format("packstore {}, RocksDB {}.{}.{}, LMDB {}.{}.{}, SQLite {}, libgit2 {}",
                     kVersion, ROCKSDB_MAJOR, ROCKSDB_MINOR, ROCKSDB_PATCH, MDB_VERSION_MAJOR,
                     MDB_VERSION_MINOR, MDB_VERSION_PATCH, sqlite3_libversion(), LIBGIT2_VERSION);
}

}  // namespace packstore::compare
