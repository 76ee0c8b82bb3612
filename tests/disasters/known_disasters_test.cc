// Data losses that other stores have published, done to ours. docs/testing.md lists all of them
// with the tests that stand for each; here are those that belong to no other folder.
#include <gtest/gtest.h>

#include <charconv>
#include <string>

#include "bad_input/victim_store.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

namespace fs = std::filesystem;

class KnownDisasters : public VictimStoreTest {
 protected:
  // Every file that holds objects, or says that this is a store.
  std::vector<fs::path> files_with_content() const {
    std::vector<fs::path> files = {path_ / "FORMAT", pack_path()};
    for (const auto& [id, content] : loose_) files.push_back(loose_path(path_, id));
    return files;
  }

  // The last line of FORMAT may be followed by others of later versions, so its end is free.
  static void expect_found(const fs::path& store_path) {
    const Result<Store> store = Store::open(store_path);
    if (!store) {
      EXPECT_FALSE(store.error().message.empty());
      return;
    }
    const Result<ValidationReport> report = store->validate();
    ASSERT_THAT(report, Succeeds());
    EXPECT_FALSE(report->is_valid()) << "nobody noticed";
  }
};

// A flipped byte at every offset: validate() finds each, no read gives it to anybody.
TEST_F(KnownDisasters, AFlippedByteAnywhereIsFoundAndNeverRead) {
  for (const fs::path& file : files_with_content()) {
    const std::string whole = read_file(file);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      SCOPED_TRACE(file.string() + " at " + std::to_string(at));
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
      write_file(file, damaged);
      expect_found(path_);
      if (const Result<Store> store = Store::open(path_)) {
        expect_no_wrong_read(*store, packed_);
        expect_no_wrong_read(*store, loose_);
      }
      if (HasFailure()) return;
    }
    write_file(file, whole);
  }
  expect_all_readable(Store::open(path_).value());
}

// Case 2: a dependency that went back to an older version unnoticed. Our tables are STRICT, which
// takes SQLite 3.37; the write-ahead log is guarded by a lock of ours in every version.
TEST_F(KnownDisasters, TheLinkedSqliteIsNewEnough) {
  const std::string_view version = index::sqlite_version();
  int major = 0;
  int minor = 0;
  const auto [dot, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  ASSERT_EQ(error, std::errc());
  std::from_chars(dot + 1, version.data() + version.size(), minor);
  EXPECT_GE(std::pair(major, minor), std::pair(3, 37)) << version;
}

// Case 3: a live copy that has the database and no log, or a torn one. What the packs hold comes
// back by opening, or by the recovery that opening names.
TEST_F(KnownDisasters, ACopyWithATornLogHasEverythingThatWasAcknowledged) {
  std::map<ObjectId, Bytes> more;
  ASSERT_THAT(open_core()->index->checkpoint(), Succeeds());
  {
    Store store = Store::open(path_).value();
    for (std::uint64_t number = 100; number < 112; ++number) {
      Bytes content = content_of(number, 90);
      const ObjectId id = store.put(content, {.placement = Placement::kPacked}).value();
      more.emplace(id, std::move(content));
    }
  }
  const std::string log = read_file(path_ / "index.sqlite-wal");
  ASSERT_FALSE(log.empty());
  for (std::size_t size = 0; size < log.size(); size += log.size() / 16) {
    SCOPED_TRACE(size);
    const fs::path copy = scratch_ / "copy";
    fs::remove_all(copy);
    fs::copy(path_, copy, fs::copy_options::recursive);
    fs::remove(copy / "index.sqlite-shm");
    write_file(copy / "index.sqlite-wal", std::string_view(log).substr(0, size));
    const Store store = Store::open(copy).value();
    expect_readable(store, packed_);
    expect_readable(store, loose_);
    expect_readable(store, more);
    EXPECT_THAT(store, IsUndamaged());
  }
}

// Case 10: a cleaner that takes an empty directory from under a writer.
TEST_F(KnownDisasters, NothingRemovesTheDirectoriesOfLooseObjects) {
  Store store = Store::open(path_).value();
  const auto shards = [&] {
    return std::distance(fs::directory_iterator(path_ / "loose"), fs::directory_iterator());
  };
  ASSERT_EQ(shards(), 256);
  MaintenanceLock lock = store.lock_maintenance().value();
  std::vector<ObjectId> ids;
  for (const auto& [id, content] : loose_) ids.push_back(id);
  EXPECT_THAT(lock.remove(ids), Succeeds());
  EXPECT_THAT(lock.pack_loose(), Succeeds());
  EXPECT_THAT(lock.clean(), Succeeds());
  EXPECT_EQ(shards(), 256);
}

// Case 14: a holder that is killed leaves a lock for ever. Each of many is, and the next one waits
// for nothing.
TEST_F(KnownDisasters, AKilledHolderLeavesNoLockHoweverOften) {
  constexpr int kHolders = 100;
  for (int i = 0; i < kHolders; ++i) {
    const Pipe told;
    ChildProcess holder([&] {
      Result<Store> store = Store::open(path_);
      const auto lock = store ? store->lock_maintenance() : Result<MaintenanceLock>(store.error());
      if (!lock || !told.tell('h')) return 1;
      static_cast<void>(::pause());
      return 0;
    });
    ASSERT_TRUE(told.hear<char>());
    ASSERT_TRUE(holder.kill());
    Store store = Store::open(path_).value();
    ASSERT_THAT(store.lock_maintenance(), Succeeds());
  }
}

// Case 20: a file that shrinks under its readers, who die of a signal where they have mapped it.
TEST_F(KnownDisasters, AFileThatShrinksUnderItsReaderIsAnError) {
  const Store store = Store::open(path_).value();
  const auto& [id, content] = *packed_.rbegin();
  ObjectReader reader = store.open_object(id).value();
  Bytes front(8);
  ASSERT_THAT(reader.read_at(0, front), Succeeds());
  fs::resize_file(pack_path(), 10);
  EXPECT_THAT(store.get(id), FailsWith(ErrorCode::kCorrupt));
  Bytes back(8);
  const Result<std::size_t> read = reader.read_at(20, back);
  EXPECT_TRUE(!read || std::equal(back.begin(), back.end(), content.begin() + 20));
}

}  // namespace
}  // namespace packstore::testing
