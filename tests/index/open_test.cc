// What Index::create() and Index::open() promise, and what happens with a database that somebody
// else has written: everything in it is doubted.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "index/index.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::FailsWith;
using ::packstore::index::testing::id_of;
using ::packstore::index::testing::insert;
using ::packstore::index::testing::kUuid;
using ::packstore::index::testing::row_of;
using ::packstore::index::testing::sorted_rows;
using ::packstore::index::testing::StoreDirectory;
using ::packstore::index::testing::Succeeds;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string quoted(const ObjectId& id) { return "x'" + id.to_hex() + "'"; }

class OpenTest : public ::testing::Test {
 protected:
  OpenTest() { store_.create(); }

  // Takes the types off the table for the time of `sql`, as a hostile writer would.
  void tamper_untyped(const std::string& sql) {
    store_.tamper(
        "CREATE TABLE saved(sql); INSERT INTO saved SELECT sql FROM sqlite_schema WHERE "
        "name = 'objects'; PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
        "replace(sql, 'STRICT, ', '') WHERE name = 'objects'");
    store_.tamper(sql);
    store_.tamper(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = (SELECT sql FROM saved) "
        "WHERE name = 'objects'");
    store_.tamper("DROP TABLE saved");
  }

  void overwrite(std::uint64_t offset, const std::string& bytes) {
    std::fstream file(store_.database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  StoreDirectory store_;
};

TEST_F(OpenTest, NewIndexIsEmpty) {
  const auto index = store_.open();
  EXPECT_THAT(index->page(std::nullopt, 10).value(), IsEmpty());
  EXPECT_THAT(index->packs().value(), IsEmpty());
  EXPECT_THAT(index->list_refs("").value(), IsEmpty());
  EXPECT_THAT(index->pending_unlinks().value(), IsEmpty());
  EXPECT_EQ(sqlite_version().substr(0, 2), "3.");
}

TEST_F(OpenTest, CreateReplacesAnIndexAndItsLog) {
  insert(*store_.open(), sorted_rows(100));
  ASSERT_GT(store_.wal_bytes(), 0) << "rows are still in the log, which must go too";
  store_.create();
  EXPECT_THAT(store_.open()->page(std::nullopt, 10).value(), IsEmpty());
}

TEST_F(OpenTest, CreateReplacesWhatAHalfMadeOneLeft) {
  for (const char* name :
       {"index.sqlite", "index.sqlite-wal", "index.sqlite.new", "index.sqlite.new-journal"}) {
    std::ofstream(store_.database().parent_path() / name) << "half";
  }
  store_.create();
  const auto index = store_.open();
  EXPECT_THAT(index->page(std::nullopt, 10).value(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(store_.database().parent_path() / "index.sqlite.new"));
}

TEST_F(OpenTest, RowsSurviveClosingAndOpening) {
  insert(*store_.open(), sorted_rows(100));
  EXPECT_EQ(store_.open()->find(id_of(7)).value(), row_of(7).at);
}

TEST_F(OpenTest, RowsSurviveWithoutTheSharedMemoryFile) {
  insert(*store_.open(), sorted_rows(100));
  std::filesystem::remove(store_.database().string() + "-shm");
  EXPECT_EQ(store_.open()->find(id_of(7)).value(), row_of(7).at);
}

TEST_F(OpenTest, AbsentIndexIsNotFound) {
  std::filesystem::remove(store_.database());
  EXPECT_THAT(store_.try_open(), FailsWith(ErrorCode::kNotFound));
}

TEST_F(OpenTest, IndexOfAnotherStoreIsCorrupt) {
  EXPECT_THAT(Index::open(io::posix_file_system(), store_.root(), store_.locks(), "another"),
              FailsWith(ErrorCode::kCorrupt));
}

TEST_F(OpenTest, NewerVersionIsUnsupported) {
  store_.tamper("PRAGMA user_version = 3");
  EXPECT_THAT(store_.try_open(), FailsWith(ErrorCode::kUnsupported));
}

TEST_F(OpenTest, AnotherSchemaIsCorrupt) {
  const char* changes[] = {
      "PRAGMA application_id = 1",
      "PRAGMA user_version = 0",
      "PRAGMA user_version = 2",  // Which has tables for counts.
      "DROP TABLE refs",
      "CREATE INDEX by_pack ON objects(pack)",
      "CREATE TRIGGER t AFTER INSERT ON objects BEGIN DELETE FROM refs; END",
      "CREATE VIEW a AS SELECT 1",
      "ALTER TABLE refs ADD COLUMN more ANY",
      "ALTER TABLE refs RENAME TO other_refs",
      "DELETE FROM meta",
  };
  for (const char* change : changes) {
    store_.create();
    store_.tamper(change);
    EXPECT_THAT(store_.try_open(), FailsWith(ErrorCode::kCorrupt)) << change;
  }
}

TEST_F(OpenTest, WhatIsNoDatabaseIsCorrupt) {
  for (const std::string& content :
       {std::string(), std::string("not a database"), std::string(100'000, '\0')}) {
    std::ofstream(store_.database(), std::ios::trunc | std::ios::binary) << content;
    EXPECT_THAT(store_.try_open(), FailsWith(ErrorCode::kCorrupt)) << content.size();
  }
}

TEST_F(OpenTest, TruncatedDatabaseIsCorrupt) {
  {
    const auto index = store_.open();
    insert(*index, sorted_rows(2000));
    ASSERT_THAT(index->checkpoint(), Succeeds());
  }
  std::filesystem::resize_file(store_.database(), 40'000);
  EXPECT_THAT(store_.try_open(), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(OpenTest, SymbolicLinkIsRefused) {
  const std::filesystem::path elsewhere = store_.database().parent_path() / "elsewhere";
  std::filesystem::rename(store_.database(), elsewhere);
  std::filesystem::create_symlink(elsewhere, store_.database());
  EXPECT_THAT(store_.try_open(), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(OpenTest, ReturnsToTheWriteAheadLogAfterAForeignProgramLeftIt) {
  store_.tamper("PRAGMA journal_mode = DELETE");
  const auto index = store_.open();
  insert(*index, sorted_rows(100));
  EXPECT_GT(store_.wal_bytes(), 0);
}

TEST_F(OpenTest, HostileNumbersAreCorrupt) {
  const char* rows[] = {"-1, 64, 1, 1, 0",
                        "1, -64, 1, 1, 0",
                        "1, 64, -1, -1, 0",
                        "1, 64, 1, -1, 1",
                        "1, 64, 1, 1, -1",
                        "1, 64, 1, 1, 3",
                        "1, 64, 1, 1, 256",
                        "0, 64, 1, 1, 0",
                        "1, 0, 1, 1, 0",
                        "1, 64, 1, 2, 0",
                        "1, 9223372036854775807, 1, 1, 0"};
  for (const char* row : rows) {
    store_.create();
    store_.tamper("INSERT INTO objects VALUES(" + quoted(id_of(1)) + ", " + row + ")");
    const auto index = store_.open();
    EXPECT_THAT(index->find(id_of(1)), FailsWith(ErrorCode::kCorrupt)) << row;
    const auto expect_error = [&](std::size_t, const Result<Location>& at) -> Status {
      EXPECT_THAT(at, FailsWith(ErrorCode::kCorrupt)) << row;
      return {};
    };
    const ObjectId ids[] = {id_of(1)};
    EXPECT_THAT(index->find_many(ids, expect_error), Succeeds());
    EXPECT_THAT(check(index->page(std::nullopt, 10).value().at(0)), FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(index->totals().value(), IsEmpty());
    const auto transaction = index->begin_write(CommitSync::kLazy).value();
    EXPECT_THAT(transaction->find(id_of(1)), FailsWith(ErrorCode::kCorrupt));
    EXPECT_TRUE(transaction->erase(id_of(1)).value()) << "so that repair can remove it";
  }
}

TEST_F(OpenTest, HostileTypesAreCorrupt) {
  for (const char* row :
       {"'text', 64, 1, 1, 0", "1, x'00', 1, 1, 0", "1, 64, 1.5, 1.5, 0", "1, 64, 1, 1, 'none'"}) {
    store_.create();
    tamper_untyped("INSERT INTO objects VALUES(" + quoted(id_of(1)) + ", " + row + ")");
    const auto index = store_.open();
    EXPECT_THAT(index->find(id_of(1)), FailsWith(ErrorCode::kCorrupt)) << row;
    const auto snapshot = index->rows_in_pack_order(std::nullopt).value();
    EXPECT_THAT(check(snapshot->next().value().value()), FailsWith(ErrorCode::kCorrupt)) << row;
  }
}

TEST_F(OpenTest, IdsOfTheWrongLengthAreCorruptAndHideNothingElse) {
  tamper_untyped("INSERT INTO objects VALUES(x'00', 1, 64, 1, 1, 0), ('text', 1, 64, 1, 1, 0), (" +
                 quoted(id_of(1)).insert(2, "ff") + ", 1, 64, 1, 1, 0)");
  const auto index = store_.open();
  insert(*index, sorted_rows(100));
  EXPECT_THAT(index->page(std::nullopt, 1000), FailsWith(ErrorCode::kCorrupt));
  std::vector<ObjectId> ids;
  for (const ObjectRow& row : sorted_rows(100)) ids.push_back(row.id);
  std::size_t found = 0;
  const auto count = [&](std::size_t, const Result<Location>& at) -> Status {
    EXPECT_THAT(at, Succeeds());
    ++found;
    return {};
  };
  EXPECT_THAT(index->find_many(ids, count), Succeeds());
  EXPECT_EQ(found, 100);

  const auto snapshot = index->rows_in_pack_order(std::nullopt).value();
  EXPECT_EQ(snapshot->size(), 103);
  std::size_t broken = 0;
  while (const auto row = snapshot->next().value()) broken += check(*row) ? 0 : 1;
  EXPECT_EQ(broken, 3);
}

TEST_F(OpenTest, HostileRowsOfOtherTablesAreCorrupt) {
  store_.tamper(
      "INSERT INTO packs VALUES(-1, 0, 0, 0), (2, 7, 0, 0), (3, 0, -5, 0);"
      "INSERT INTO refs VALUES('head', x'00', 85, 0); INSERT INTO pending_unlinks VALUES(x'00');"
      "UPDATE meta SET value = 'many' WHERE key = 'next_pack'");
  const auto index = store_.open();
  EXPECT_THAT(index->packs(), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(index->find_pack(2), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(index->find_pack(3), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(index->find_ref("head"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(index->list_refs(""), FailsWith(ErrorCode::kCorrupt));
  store_.tamper("UPDATE refs SET id = zeroblob(32), kind = 1");
  EXPECT_THAT(index->list_refs(""), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(index->pending_unlinks(), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(index->begin_write(CommitSync::kLazy).value()->allocate_pack(),
              FailsWith(ErrorCode::kCorrupt));
}

TEST_F(OpenTest, DamagedTableIsComplainedAbout) {
  {
    const auto index = store_.open();
    insert(*index, sorted_rows(2000));
    ASSERT_THAT(index->checkpoint(), Succeeds());
  }
  const std::uint64_t pages = std::filesystem::file_size(store_.database()) / 4096;
  overwrite((pages - 2) * 4096, std::string(4096, '\xff'));
  const auto index = store_.open();
  EXPECT_THAT(index->integrity_complaints().value(), Not(IsEmpty()));
  EXPECT_THAT(index->totals(), FailsWith(ErrorCode::kCorrupt));
}

// Whatever bytes are damaged, every call answers or fails; none hangs or brings the process down.
TEST_F(OpenTest, RandomDamageNeverBringsTheProcessDown) {
  {
    const auto index = store_.open();
    insert(*index, sorted_rows(500));
    ASSERT_THAT(index->checkpoint(), Succeeds());
  }
  const std::filesystem::path sound = store_.database().string() + ".sound";
  std::filesystem::copy_file(store_.database(), sound);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::uint64_t bytes = std::filesystem::file_size(sound);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::filesystem::remove(store_.database().string() + "-wal");
    std::filesystem::copy_file(sound, store_.database(),
                               std::filesystem::copy_options::overwrite_existing);
    for (int i = 0; i < 8; ++i) overwrite(random() % bytes, std::string(1, char(random() & 0x7f)));
    const auto index = store_.try_open();
    if (!index) {
      ++refused;
      continue;
    }
    std::size_t answers = 0;
    for (std::uint64_t i = 0; i < 500; ++i) answers += (*index)->find(id_of(i)) ? 1 : 0;
    answers += (*index)->page(std::nullopt, 1000) ? 1 : 0;
    answers += (*index)->totals() ? 1 : 0;
    answers += (*index)->packs() ? 1 : 0;
    answers += (*index)->list_refs("") ? 1 : 0;
    answers += (*index)->rows_in_pack_order(std::nullopt) ? 1 : 0;
    answers += (*index)->integrity_complaints() ? 1 : 0;
    EXPECT_GT(answers, 0) << "one damaged page does not take everything";
  }
  EXPECT_LT(refused, 60);
}

TEST_F(OpenTest, SalvageReadsTheRefsOfADamagedIndex) {
  {
    const auto index = store_.open();
    insert(*index, sorted_rows(2000));
    const auto transaction = index->begin_write(CommitSync::kDurable).value();
    ASSERT_THAT(transaction->put_ref("photos/head", {.id = id_of(1)}), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  store_.tamper("DROP TABLE packs; INSERT INTO refs VALUES('broken', x'00', 85, 0)");
  ASSERT_THAT(store_.try_open(), FailsWith(ErrorCode::kCorrupt));
  const SalvagedRefs found = salvage_refs(io::posix_file_system(), store_.root());
  EXPECT_EQ(found.extent, SalvagedRefs::Extent::kSome) << "one has no id";
  ASSERT_THAT(found.refs, SizeIs(1));
  EXPECT_EQ(found.refs[0].name, "photos/head");
  EXPECT_EQ(found.refs[0].id, id_of(1));
}

class SalvageOfManyRefs : public OpenTest {
 protected:
  static constexpr std::size_t kPageSize = 4096;

  void put_refs() {
    const auto index = store_.open();
    const auto transaction = index->begin_write(CommitSync::kDurable).value();
    for (std::uint64_t i = 0; i < 500; ++i) {
      const std::string name = fmt::format("a/ref/of/some/length/{:06}", i);
      ASSERT_THAT(transaction->put_ref(name, {.id = id_of(i)}), Succeeds());
    }
    ASSERT_THAT(transaction->commit(), Succeeds());
    ASSERT_THAT(index->checkpoint(), Succeeds());
  }

  // Overwrites bytes of the page in the middle, from `offset` in it.
  void overwrite_a_page(std::size_t offset, std::string_view bytes) {
    std::fstream file(store_.database(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(file), {});
    const std::size_t page = content.find("a/ref/of/some/length/000250") / kPageSize * kPageSize;
    file.seekp(static_cast<std::streamoff>(page + offset)) << bytes << std::flush;
  }
};

TEST_F(SalvageOfManyRefs, SaysWhenSomeCannotBeRead) {
  put_refs();
  const SalvagedRefs whole = salvage_refs(io::posix_file_system(), store_.root());
  EXPECT_EQ(whole.extent, SalvagedRefs::Extent::kAll);
  EXPECT_THAT(whole.refs, SizeIs(500));

  overwrite_a_page(0, std::string(kPageSize, '\0'));
  const SalvagedRefs rest = salvage_refs(io::posix_file_system(), store_.root());
  EXPECT_EQ(rest.extent, SalvagedRefs::Extent::kSome);
  EXPECT_GT(rest.refs.size(), 300U);
  EXPECT_LT(rest.refs.size(), 500U);
}

// SQLite reads on without an error: the page says that it holds fewer.
TEST_F(SalvageOfManyRefs, SaysWhenSomeAreHidden) {
  put_refs();
  constexpr std::size_t kCellCount = 3;  // File format of SQLite, "B-tree pages"; big-endian.
  overwrite_a_page(kCellCount, std::string_view("\0\x05", 2));
  const SalvagedRefs rest = salvage_refs(io::posix_file_system(), store_.root());
  EXPECT_EQ(rest.extent, SalvagedRefs::Extent::kSome);
  EXPECT_GT(rest.refs.size(), 300U);
}

TEST_F(OpenTest, SalvageSaysWhenNothingCanBeRead) {
  std::ofstream(store_.database(), std::ios::trunc) << std::string(10'000, 'x');
  EXPECT_EQ(salvage_refs(io::posix_file_system(), store_.root()).extent,
            SalvagedRefs::Extent::kNone);
  std::filesystem::remove(store_.database());
  EXPECT_EQ(salvage_refs(io::posix_file_system(), store_.root()).extent,
            SalvagedRefs::Extent::kNone);
}

}  // namespace
}  // namespace packstore::index
