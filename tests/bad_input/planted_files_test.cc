// Symbolic links, pipes and directories in the places of a store's own files: each use is a named
// error or goes on without them, nobody waits, and nothing outside of the store is touched.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <map>
#include <string>

#include "bad_input/victim_store.h"
#include "support/rollback_journal.h"

namespace packstore::testing {
namespace {

namespace fs = std::filesystem;

// Every path below `root`, with the content of what is a file.
std::map<std::string, std::string> picture_of(const fs::path& root) {
  std::map<std::string, std::string> picture;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    const fs::file_status status = entry.symlink_status();
    picture[entry.path().string()] =
        fs::is_regular_file(status) ? read_file(entry.path()) : std::string("no file");
  }
  return picture;
}

enum class Plant : std::uint8_t { kLink, kDanglingLink, kPipe, kDirectory, kFile };

class PlantedFiles : public VictimStoreTest {
 protected:
  void SetUp() override {
    VictimStoreTest::SetUp();
    fs::create_directory(outside_);
    places_ = {"FORMAT",
               "index.sqlite",
               "locks",
               "locks/index",
               "locks/sessions",
               "locks/waiting",
               "locks/maintenance",
               "locks/generation",
               "loose",
               "packs",
               "packs/0000000001.pack",
               "sandbox"};
    const std::string hex = loose_.begin()->first.to_hex();
    places_.push_back("loose/" + hex.substr(0, 2));
    places_.push_back("loose/" + hex.substr(0, 2) + "/" + hex.substr(2));
  }

  void make_anew() {
    fs::remove_all(path_);
    VictimStoreTest::SetUp();
  }

  // Puts something else in the place of `what`, which goes outside; a link would lead there.
  void plant(const std::string& what, Plant plant) const {
    const fs::path place = path_ / what;
    if (fs::exists(place)) fs::rename(place, kept());
    switch (plant) {
      case Plant::kLink:
        fs::create_symlink(kept(), place);
        break;
      case Plant::kDanglingLink:
        fs::create_symlink(outside_ / "not there", place);
        break;
      case Plant::kPipe:
        ASSERT_EQ(::mkfifo(place.c_str(), 0600), 0);
        break;
      case Plant::kDirectory:
        fs::create_directory(place);
        break;
      case Plant::kFile:
        write_file(place, "planted");
        break;
    }
  }
  void put_back(const std::string& what) const {
    fs::remove_all(path_ / what);
    if (fs::exists(kept())) fs::rename(kept(), path_ / what);
  }
  fs::path kept() const { return outside_ / "kept"; }

  static void expect_named(const Status& status) {
    EXPECT_TRUE(status || !status.error().message.empty());
  }
  template <typename T>
  static void expect_named(const Result<T>& result) {
    EXPECT_TRUE(result || !result.error().message.empty());
  }

  // Everything that can be asked of a store without taking anything away.
  void use_everything(std::uint64_t round) const {
    Result<Store> store = Store::open(path_);
    expect_named(store);
    expect_named(Store::create(path_));
    if (!store) return;
    expect_no_wrong_read(*store, packed_);
    expect_no_wrong_read(*store, loose_);
    expect_named(store->put(content_of(1000 + round, 50)));
    expect_named(store->put(content_of(2000 + round, 50), {.placement = Placement::kPacked}));
    if (Result<Batch> batch = store->begin_batch()) {
      expect_named(batch->put(content_of(3000 + round, 50)));
      expect_named(batch->commit());
    }
    expect_named(store->validate());
    expect_named(store->stats());
    expect_named(store->backup(scratch_ / ("backup-" + std::to_string(round))));
    Result<MaintenanceLock> lock = store->lock_maintenance();
    expect_named(lock);
    if (!lock) return;
    expect_named(lock->pack_loose());
    expect_named(lock->clean());
    expect_named(lock->repack());
  }

  const fs::path outside_ = scratch_ / "outside";
  std::vector<std::string> places_;
};

TEST_F(PlantedFiles, AreNeverFollowedAndNeverWaitedFor) {
  std::uint64_t round = 0;
  for (const Plant what :
       {Plant::kLink, Plant::kDanglingLink, Plant::kPipe, Plant::kDirectory, Plant::kFile}) {
    for (const std::string& place : places_) {
      SCOPED_TRACE(place + " planted in way " + std::to_string(static_cast<int>(what)));
      // A directory in the place of a directory is no plant: the store would use it.
      if (what == Plant::kDirectory && fs::is_directory(path_ / place)) continue;
      plant(place, what);
      const auto before = picture_of(outside_);
      use_everything(++round);
      EXPECT_EQ(picture_of(outside_), before);
      put_back(place);
      const Result<Store> store = Store::open(path_);
      ASSERT_THAT(store, Succeeds());
      expect_all_readable(*store);
      if (HasFailure()) return;
      make_anew();
    }
  }
}

// What looks like garbage and is a link: the link may go, what it points at may not.
TEST_F(PlantedFiles, CleaningTakesNothingThatALinkPointsAt) {
  write_file(outside_ / "precious", std::string(100, 'p'));
  fs::create_directory(outside_ / "directory");
  write_file(outside_ / "directory" / "inside", "precious too");
  const auto before = picture_of(outside_);
  for (const char* name :
       {"sandbox/put-0-0", "packs/0000000099.pack", "loose/aa-link", "loose/zz", "locks/stray"}) {
    fs::create_symlink(outside_ / "precious", path_ / name);
    fs::create_symlink(outside_ / "directory", path_ / (std::string(name) + "-directory"));
  }
  fs::create_directory(path_ / "sandbox" / "backup-leftover");
  fs::create_symlink(outside_ / "directory", path_ / "sandbox" / "backup-leftover" / "link");
  Store store = Store::open(path_).value();
  MaintenanceLock lock = store.lock_maintenance().value();
  expect_named(lock.clean());
  const Result<ValidationReport> report = store.validate();
  ASSERT_THAT(report, Succeeds());
  EXPECT_FALSE(report->is_valid());
  expect_named(lock.repair(*report));
  expect_named(store.backup(scratch_ / "backup"));
  EXPECT_EQ(picture_of(outside_), before);
  expect_all_readable(store);
}

// A shard that leads elsewhere must not receive the objects of the store.
TEST_F(PlantedFiles, NoObjectIsWrittenThroughALink) {
  const Bytes content = content_of(77, 50);
  const fs::path shard = loose_path(path_, ObjectId::of(content)).parent_path();
  fs::remove_all(shard);
  fs::create_directory_symlink(outside_, shard);
  Store store = Store::open(path_).value();
  EXPECT_THAT(store.put(content), FailsWith(ErrorCode::kCorrupt));
  EXPECT_TRUE(fs::is_empty(outside_));
  EXPECT_EQ(store.stats().value().sandbox_files, 0U);
  expect_all_readable(store);
}

// open() names recovery as the way back, so it must be one: the planted thing goes aside, unread.
TEST_F(PlantedFiles, RecoverySetsAPlantedIndexAsideUnread) {
  write_file(outside_ / "precious", read_file(path_ / "index.sqlite"));
  fs::create_directory(outside_ / "directory");
  const auto before = picture_of(outside_);
  for (const Plant what : {Plant::kLink, Plant::kDanglingLink, Plant::kPipe, Plant::kDirectory}) {
    SCOPED_TRACE(static_cast<int>(what));
    fs::remove_all(path_ / "index.sqlite");
    if (what == Plant::kLink) {
      fs::create_symlink(outside_ / "precious", path_ / "index.sqlite");
    } else {
      plant("index.sqlite", what);
    }
    const auto status = fs::symlink_status(path_ / "index.sqlite");
    const Result<Store> opened = Store::open(path_);
    ASSERT_THAT(opened, FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr("recover()"));
    const Result<RecoveryReport> report = Store::recover(path_);
    ASSERT_THAT(report, Succeeds());
    EXPECT_TRUE(report->refs_lost) << "it read what was planted";
    EXPECT_EQ(fs::symlink_status(fs::path(report->old_index) / "index.sqlite").type(),
              status.type());
    EXPECT_EQ(picture_of(outside_), before);
    expect_all_readable(Store::open(path_).value());
  }
}

// SQLite finishes what a rollback journal says before anybody reads, and a journal may name another
// file that is to go then. No journal of this library does.
TEST_F(PlantedFiles, AJournalThatNamesAnotherFileTakesNothing) {
  write_file(outside_ / "precious", "precious");
  const auto before = picture_of(outside_);
  const auto pages = static_cast<std::uint32_t>(fs::file_size(path_ / "index.sqlite") / 4096);
  for (const char* companion : {"index.sqlite-wal", "index.sqlite-shm"})
    fs::remove(path_ / companion);
  const auto plant_journal = [&] {
    write_file(path_ / "index.sqlite-journal", rollback_journal(outside_ / "precious", pages));
  };
  plant_journal();
  const Result<Store> opened = Store::open(path_);
  EXPECT_EQ(picture_of(outside_), before);
  ASSERT_THAT(opened, FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("recover()"));
  ASSERT_THAT(Store::recover(path_), Succeeds());
  EXPECT_EQ(picture_of(outside_), before);
  expect_all_readable(Store::open(path_).value());
  Store store = Store::open(path_).value();
  ASSERT_THAT(store.backup(scratch_ / "backup"), Succeeds());
  const fs::path backed_up = scratch_ / "backup" / "index.sqlite";
  write_file(backed_up.string() + "-journal", rollback_journal(outside_ / "precious", pages));
  EXPECT_THAT(store.backup(scratch_ / "backup"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(picture_of(outside_), before);
}

// Directories that are no stores, and no directories at all.
TEST_F(PlantedFiles, OpenNamesWhatIsNoStore) {
  EXPECT_THAT(Store::open(scratch_ / "nowhere"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(Store::open(outside_), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_FALSE(Store::open(path_ / "FORMAT"));
  EXPECT_FALSE(Store::open(std::string("a\0b", 3)));
  EXPECT_FALSE(Store::open(""));
  write_file(outside_ / "mine", "precious");
  EXPECT_THAT(Store::create(outside_), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Store::create(path_), FailsWith(ErrorCode::kConflict));
  Store store = Store::open(path_).value();
  EXPECT_THAT(store.backup(outside_), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_THAT(Store::create(scratch_ / "other"), Succeeds());
  EXPECT_THAT(store.backup(scratch_ / "other"), FailsWith(ErrorCode::kConflict));
  EXPECT_FALSE(store.backup(path_));
  EXPECT_EQ(picture_of(outside_).size(), 1U);
  expect_all_readable(store);
  EXPECT_THAT(store, IsSpotless());
}

}  // namespace
}  // namespace packstore::testing
