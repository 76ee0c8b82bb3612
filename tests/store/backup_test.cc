#include "store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include "index/index.h"
#include "store/backup_fixture.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

// A pack that has grown is in place before the index that knows it.
bool is_left_by_a_crash(FindingKind kind) {
  return is_leftover(kind) || kind == FindingKind::kUnindexedRecords;
}
bool is_redundant(FindingKind kind) { return kind == FindingKind::kLooseRedundant; }

ino_t inode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

// Brings one backup up to date after each kind of activity, and makes a new one as well.
TEST_F(BackupTest, EqualsItsSourceAfterEachKindOfActivity) {
  std::vector<ObjectId> loose;
  std::vector<ObjectId> packed;
  const std::vector<std::function<void()>> activities = {
      [] {},
      [&] { loose = put_loose(store_, 0, 20); },
      [&] { packed = put_batch(store_, 100, 20, Compression::zlib()); },
      [&] { put_packed(store_, 200); },
      [&] { put_packed(store_, 201, Durability::kBuffered); },
      [&] { store_.refs().move("a/b", {.from = {}, .to = loose[3]}).value(); },
      [&] { store_.refs().move("c", {.from = {}, .to = packed[3]}).value(); },
      [&] { store_.lock_maintenance().value().pack_loose().value(); },
      [&] { store_.refs().move("a/b", {.from = loose[3], .to = packed[4]}).value(); },
      [&] { store_.refs().move("c", {.from = packed[3], .to = {}}).value(); },
      [&] { store_.lock_maintenance().value().remove(packed).value(); },
      [&] { put_batch(store_, 300, 20); },
      [&] { store_.lock_maintenance().value().repack().value(); },
      [&] { store_.lock_maintenance().value().clean().value(); },
  };
  packed = {};
  for (std::size_t i = 0; i < activities.size(); ++i) {
    SCOPED_TRACE(i);
    if (i == 10) packed.erase(packed.begin() + 4);  // The ref keeps this one.
    activities[i]();
    backup("backup");
    expect_backup_equals_source("backup");
    backup("backup-" + std::to_string(i));
    expect_backup_equals_source("backup-" + std::to_string(i));
  }
}

TEST_F(BackupTest, CopiesOnlyWhatIsNew) {
  put_loose(store_, 0, 5);
  put_batch(store_, 100, 20);
  const BackupReport first = backup();
  EXPECT_EQ(first.loose_copied, 5U);
  EXPECT_EQ(first.packs_copied, 1U);
  EXPECT_EQ(first.loose_reused + first.packs_reused, 0U);
  EXPECT_GT(first.bytes_copied, 25U * 600);

  const BackupReport second = backup();
  EXPECT_EQ(second.loose_copied + second.packs_copied, 0U);
  EXPECT_EQ(second.loose_reused, 5U);
  EXPECT_EQ(second.packs_reused, 1U);
  EXPECT_EQ(second.bytes_copied, 0U);

  put_loose(store_, 10, 1);
  const BackupReport third = backup();
  EXPECT_EQ(third.loose_copied, 1U);
  EXPECT_EQ(third.loose_reused, 5U);
  EXPECT_EQ(third.packs_reused, 1U);
  EXPECT_EQ(third.bytes_copied, 600U);
}

TEST_F(BackupTest, SharesFilesWithThePreviousBackupAndNoneWithTheStore) {
  const std::vector<ObjectId> loose = put_loose(store_, 0, 3);
  put_batch(store_, 100, 20);
  backup("first");
  put_loose(store_, 10, 1);
  const BackupReport report =
      store_.backup(directory_ / "second", {.previous = directory_ / "first", .control = {}})
          .value();
  EXPECT_EQ(report.packs_reused, 1U);
  EXPECT_EQ(report.packs_copied, 0U);
  EXPECT_EQ(report.loose_reused, 3U);
  EXPECT_EQ(report.loose_copied, 1U);
  expect_backup_equals_source("second");

  const fs::path pack = fs::path("packs") / packs_in(directory_ / "first").at(0).filename();
  const fs::path object = loose_path("", loose[0]).relative_path();
  for (const fs::path& file : {pack, object}) {
    const ino_t shared = inode_of(directory_ / "first" / file);
    EXPECT_EQ(inode_of(directory_ / "second" / file), shared);
    EXPECT_NE(inode_of(directory_ / "source" / file), shared);
  }
}

// The pack of the source grows; the earlier generation must not.
TEST_F(BackupTest, LeavesThePreviousBackupAsItIsWhenAPackHasGrown) {
  put_batch(store_, 0, 20);
  backup("first");
  const Contents before = contents_of(Store::open(directory_ / "first").value());
  const std::string pack_before = read_file(packs_in(directory_ / "first").at(0));
  put_batch(store_, 100, 20);
  ASSERT_EQ(packs_in(directory_ / "source").size(), 1U);

  const BackupReport report =
      store_.backup(directory_ / "second", {.previous = directory_ / "first", .control = {}})
          .value();
  EXPECT_EQ(report.packs_copied, 1U);
  EXPECT_EQ(report.packs_reused, 0U);
  expect_backup_equals_source("second");
  EXPECT_EQ(read_file(packs_in(directory_ / "first").at(0)), pack_before);
  EXPECT_EQ(contents_of(Store::open(directory_ / "first").value()), before);

  // Brought up to date, the first shares nothing with what it was.
  backup("first");
  expect_backup_equals_source("first");
}

TEST_F(BackupTest, IsAStoreThatGoesOnByItself) {
  put_batch(store_, 0, 20);
  backup("first");
  store_.backup(directory_ / "second", {.previous = directory_ / "first", .control = {}}).value();
  Store second = Store::open(directory_ / "second").value();
  const std::vector<ObjectId> more = put_batch(second, 100, 20);
  second.lock_maintenance().value().repack().value();
  expect_holds(second, more);
  expect_valid(second);
  expect_backup_equals_source("first");
}

TEST_F(BackupTest, RemovesWhatTheStoreHasNoLonger) {
  const std::vector<ObjectId> loose = put_loose(store_, 0, 4);
  put_batch(store_, 100, 20);
  backup();
  store_.lock_maintenance().value().remove(std::vector{loose[0]}).value();
  store_.lock_maintenance().value().repack().value();
  backup();
  EXPECT_FALSE(fs::exists(loose_path(directory_ / "backup", loose[0])));
  EXPECT_EQ(packs_in(directory_ / "backup").size(), 1U);
  EXPECT_TRUE(fs::is_empty(directory_ / "backup" / "sandbox"));
  EXPECT_TRUE(fs::is_empty(directory_ / "source" / "sandbox"));
  expect_backup_equals_source();
}

// The watcher is called in the middle of copying loose objects, when some are copied and some are
// not; there it packs them all.
TEST_F(BackupTest, HoldsObjectsThatArePackedBeforeTheyAreCopied) {
  const std::vector<ObjectId> ids = put_loose(store_, 0, 24, 1 << 20);
  bool packed = false;
  BackupOptions options;
  options.control.on_progress = [&](const Progress&) {
    if (std::exchange(packed, true)) return;
    store_.lock_maintenance().value().pack_loose().value();
  };
  const BackupReport report = store_.backup(directory_ / "backup", options).value();
  EXPECT_TRUE(packed);
  EXPECT_LT(report.loose_copied, ids.size());
  Store copy = Store::open(directory_ / "backup").value();
  expect_holds(copy, ids);
  expect_valid(copy, is_redundant);
}

TEST_F(BackupTest, HoldsPacksThatAreRewrittenBeforeTheyAreCopied) {
  const std::vector<ObjectId> ids = put_batch(store_, 0, 50);
  const fs::path old_pack = packs_in(directory_ / "source").at(0);
  bool rewritten = false;
  BackupOptions options;
  options.control.on_progress = [&](const Progress& progress) {
    if (progress.total == 0 || std::exchange(rewritten, true)) return;
    store_.lock_maintenance().value().repack().value();
    EXPECT_FALSE(fs::exists(old_pack));
  };
  store_.backup(directory_ / "backup", options).value();
  EXPECT_TRUE(rewritten);
  Store copy = Store::open(directory_ / "backup").value();
  expect_holds(copy, ids);
  expect_valid(copy);
}

// A ref moves, in the middle of the backup, to an object that came too late for it.
TEST_F(BackupTest, HasTheRefsOfTheMomentWhenItBegan) {
  const std::vector<ObjectId> ids = put_loose(store_, 0, 24, 1 << 20);
  const std::vector<ObjectId> others = put_batch(store_, 100, 2);
  store_.refs().move("head", {.from = {}, .to = ids[0]}).value();
  store_.refs().move("gone", {.from = {}, .to = others[0]}).value();
  bool moved = false;
  BackupOptions options;
  options.control.on_progress = [&](const Progress&) {
    if (std::exchange(moved, true)) return;
    const ObjectId later = ObjectId::of(make_content(999));
    store_.put(make_content(999)).value();
    store_.refs().move("head", {.from = ids[0], .to = later}).value();
    store_.refs().move("gone", {.from = others[0], .to = {}}).value();
    store_.refs().move("new", {.from = {}, .to = later}).value();
  };
  store_.backup(directory_ / "backup", options).value();
  EXPECT_TRUE(moved);
  Store copy = Store::open(directory_ / "backup").value();
  EXPECT_EQ(refs_of(copy), RefMap({{"gone", others[0]}, {"head", ids[0]}}));
  expect_valid(copy);
}

// What a ref pointed at when the backup began stays until it ends, wherever the ref goes meanwhile.
TEST_F(BackupTest, HasNoRefWithoutItsTarget) {
  const std::vector<ObjectId> big = put_loose(store_, 0, 24, 1 << 20);
  const std::vector<ObjectId> ids = put_batch(store_, 100, 2);
  store_.refs().move("head", {.from = {}, .to = ids[0]}).value();
  bool moved = false;
  BackupOptions options;
  options.control.on_progress = [&](const Progress&) {
    if (std::exchange(moved, true)) return;
    store_.refs().move("head", {.from = ids[0], .to = ids[1]}).value();
    EXPECT_THAT(store_.lock_maintenance().value().remove({&ids[0], 1}),
                testing::FailsWith(ErrorCode::kConflict));
  };
  store_.backup(directory_ / "backup", options).value();
  EXPECT_TRUE(moved);
  {
    const Store copy = Store::open(directory_ / "backup").value();
    EXPECT_TRUE(copy.contains(copy.refs().find("head").value().value()).value());
    expect_valid(copy);
  }
  EXPECT_THAT(store_.lock_maintenance().value().remove({&ids[0], 1}), testing::Succeeds());
}

TEST_F(BackupTest, StoppedLeavesTheDestinationAsItWasAndGoesOnLater) {
  put_batch(store_, 0, 20);
  backup();
  const Contents before = contents_of(store_);
  // Packs of two objects each, longer than the steps in which progress is told.
  store_ =
      Store::open(directory_ / "source", {.packs = {.bytes_target = 5 << 20}, .open_packs_max = 8})
          .value();
  for (std::uint64_t pack = 1; pack < 4; ++pack) {
    Batch batch = store_.begin_batch().value();
    batch.put(make_content(100 * pack, 5 << 20)).value();
    batch.put(make_content(100 * pack + 1, 5 << 20)).value();
    batch.commit().value();
  }
  // The watcher stops the backup in the middle of copying packs.
  std::stop_source stop;
  BackupOptions options;
  options.control.stop = stop.get_token();
  options.control.on_progress = [&](const Progress& progress) {
    if (progress.done > progress.total / 2) stop.request_stop();
  };
  EXPECT_EQ(failure_of("backup", options), ErrorCode::kCancelled);
  {
    Store copy = Store::open(directory_ / "backup").value();
    EXPECT_EQ(contents_of(copy), before);
    expect_valid(copy, is_leftover);
  }
  const std::size_t packs = packs_in(directory_ / "source").size();
  const BackupReport report = backup();
  EXPECT_EQ(report.packs_copied + report.packs_reused, packs);
  EXPECT_GE(report.packs_reused, 1U) << "what was copied before the stop is not copied again";
  EXPECT_GE(report.packs_copied, 1U);
  expect_backup_equals_source();
}

// What a crash in the switch leaves: a new pack in place, entered as retired in the old index.
TEST_F(BackupTest, TakesAPackOfACrashedSwitchForGarbageUntilTheNextBackup) {
  put_batch(store_, 0, 20);
  backup();
  const Contents before = contents_of(store_);
  store_.lock_maintenance().value().repack().value();
  backup("other");
  const fs::path fresh = packs_in(directory_ / "other").at(0);
  const auto crash = [&] {
    fs::copy_file(fresh, directory_ / "backup" / "packs" / fresh.filename());
    auto core = open_core(io::posix_file_system(), directory_ / "backup", {}).value();
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    const std::uint64_t pack = parse_pack_file_name(fresh.filename().string()).value();
    transaction->put_pack({.pack = pack, .state = index::PackState::kRetired, .indexed_bytes = 64})
        .value();
    transaction->commit().value();
  };
  crash();
  {
    Store copy = Store::open(directory_ / "backup").value();
    EXPECT_EQ(contents_of(copy), before);
    EXPECT_TRUE(copy.validate().value().is_valid());
    copy.lock_maintenance().value().clean().value();
    EXPECT_FALSE(fs::exists(directory_ / "backup" / "packs" / fresh.filename()));
    EXPECT_EQ(contents_of(copy), before);
  }
  crash();
  EXPECT_EQ(backup().packs_reused, 1U);
  expect_backup_equals_source();
}

TEST_F(BackupTest, RefusesADestinationThatIsAnotherStore) {
  Store::create(directory_ / "other").value();
  EXPECT_EQ(failure_of("other"), ErrorCode::kConflict);
}

TEST_F(BackupTest, RefusesADirectoryThatIsNotEmptyAndNoStore) {
  fs::create_directory(directory_ / "full");
  write_file(directory_ / "full" / "letter", "dear");
  EXPECT_EQ(failure_of("full"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(directory_ / "full" / "letter"), "dear");
}

TEST_F(BackupTest, RefusesTheStoreItself) {
  put_batch(store_, 0, 20);
  fs::create_directory_symlink(directory_ / "source", directory_ / "alias");
  EXPECT_EQ(failure_of("source"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure_of("alias"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure_of("backup", {.previous = directory_ / "source", .control = {}}),
            ErrorCode::kInvalidArgument);
  expect_valid(store_);
}

TEST_F(BackupTest, RefusesAPreviousBackupOfAnotherStore) {
  Store::create(directory_ / "other").value();
  EXPECT_EQ(failure_of("backup", {.previous = directory_ / "other", .control = {}}),
            ErrorCode::kConflict);
}

TEST_F(BackupTest, IsBusyWhileTheDestinationIsMaintained) {
  backup();
  Store copy = Store::open(directory_ / "backup").value();
  const MaintenanceLock lock = copy.lock_maintenance().value();
  EXPECT_EQ(failure_of("backup"), ErrorCode::kBusy);
}

TEST_F(BackupTest, NeedsNoLockOfTheStore) {
  put_batch(store_, 0, 20);
  const MaintenanceLock lock = store_.lock_maintenance().value();
  Batch open_batch = store_.begin_batch().value();
  open_batch.put(make_content(1000)).value();
  backup();
  expect_backup_equals_source();
}

TEST_F(BackupTest, ReportsAPackThatIsMissing) {
  put_batch(store_, 0, 20);
  backup("earlier");
  const Contents before = contents_of(store_);
  fs::remove(packs_in(directory_ / "source").at(0));
  EXPECT_EQ(failure_of("earlier"), ErrorCode::kCorrupt);
  EXPECT_EQ(contents_of(Store::open(directory_ / "earlier").value()), before);
}

// A backup that was written to has packs of the same numbers with other content.
TEST_F(BackupTest, RefusesADestinationThatHasGoneOnDifferently) {
  put_batch(store_, 0, 20);
  backup();
  {
    Store copy = Store::open(directory_ / "backup").value();
    put_batch(copy, 100, 20);
  }
  Batch held = store_.begin_batch().value();
  held.put(make_content(1000)).value();
  put_batch(store_, 200, 20);
  held.commit().value();
  EXPECT_EQ(failure_of("backup"), ErrorCode::kConflict);
  expect_valid(Store::open(directory_ / "backup").value(), is_leftover);
}

// Cuts the power right before each step of a backup in turn. What was there before must be there
// still, and the next backup must bring it up to date.
TEST_F(BackupTest, CutOffAtAnyStepLeavesTheDestinationAsItWasOrAsItShouldBe) {
  const std::vector<ObjectId> loose = put_loose(store_, 0, 3);
  put_batch(store_, 100, 5);
  backup("earlier");
  remove_empty_shards(directory_ / "earlier");
  const Contents before = contents_of(store_);
  store_.lock_maintenance().value().remove(std::vector{loose[0]}).value();
  put_batch(store_, 200, 5);
  // A pack that has grown, and one that is new.
  Batch held = store_.begin_batch().value();
  held.put(make_content(300)).value();
  put_batch(store_, 400, 5);
  held.commit().value();
  const Contents after = contents_of(store_);

  WatchedFileSystem files(directory_.path().string());
  const auto core = open_core(files, directory_ / "source", {}).value();
  std::string at = "the beginning";
  for (int step = 0; !at.empty() && !HasFailure(); ++step) {
    fs::remove_all(directory_ / "backup");
    fs::copy(directory_ / "earlier", directory_ / "backup", fs::copy_options::recursive);
    {
      const PowerCut cut(files.watch(), step);
      const bool is_done = store::backup(*core, directory_ / "backup", {}).has_value();
      at = cut.at();
      EXPECT_TRUE(is_done || !at.empty());
    }
    SCOPED_TRACE(at);
    {
      const Store copy = Store::open(directory_ / "backup").value();
      const Contents now = contents_of(copy);
      // Loose objects may be there already, or gone already, and do no harm.
      const Contents& state =
          std::includes(now.begin(), now.end(), after.begin(), after.end()) ? after : before;
      EXPECT_TRUE(std::includes(now.begin(), now.end(), state.begin(), state.end()));
      expect_valid(copy, is_left_by_a_crash);
      // Nobody may append to what may be shared with another generation.
      const StoreStats stats = copy.stats().value();
      for (const PackStats& pack : stats.packs) EXPECT_TRUE(pack.sealed) << pack.pack;
    }
    backup("backup");
    expect_backup_equals_source("backup");
  }
}

// Threads put, batch, pack, repack and remove while backups are taken, each into the last one's
// directory or sharing with it. A backup must hold what was acknowledged before it began and was
// not removed until it ended.
class BackupUnderLoad {
 public:
  BackupUnderLoad(Store& store, std::uint64_t seed) : store_(store), seed_(seed) {}

  void run(const std::function<void()>& beside) {
    std::vector<std::jthread> threads;
    for (unsigned writer = 0; writer < 3; ++writer) {
      threads.emplace_back([this, writer](const std::stop_token& stop) { write(writer, stop); });
    }
    threads.emplace_back([this](const std::stop_token& stop) { maintain(stop); });
    beside();
  }

  std::set<ObjectId> acknowledged() {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
  }

 private:
  void write(unsigned writer, const std::stop_token& stop) {
    std::mt19937_64 random(seed_ + writer);
    Refs refs = store_.refs();
    const std::string name = "writer/" + std::to_string(writer);
    std::optional<ObjectId> head;
    while (!stop.stop_requested()) {
      std::vector<ObjectId> ids;
      const std::uint64_t first = random();
      const std::uint64_t kind = random() % 3;
      if (kind == 0) ids = put_loose(store_, first, 2);
      if (kind == 1) ids = put_batch(store_, first, 30);
      if (kind == 2) {
        ids = {put_packed(store_, first)};
      }
      // Nobody removes these before they are acknowledged, so the ref can move.
      refs.move(name, {.from = head, .to = ids[0]}).value();
      head = ids[0];
      const std::lock_guard lock(mutex_);
      // The targets of refs are left alone: a ref does not protect what it points at.
      for (std::size_t i = 1; i < ids.size(); ++i) acknowledged_.insert(ids[i]);
    }
  }

  void maintain(const std::stop_token& stop) {
    std::mt19937_64 random(seed_ + 100);
    RepackOptions mostly_dead;
    mostly_dead.dead_ratio_min = 0.2;
    while (!stop.stop_requested()) {
      MaintenanceLock lock = store_.lock_maintenance({.wait = std::chrono::minutes(1)}).value();
      switch (random() % 4) {
        case 0:
          lock.pack_loose().value();
          break;
        case 1:
          lock.repack(mostly_dead).value();
          break;
        case 2:
          lock.clean().value();
          break;
        default:
          remove_some(lock, random);
          break;
      }
    }
  }

  void remove_some(MaintenanceLock& lock, std::mt19937_64& random) {
    const auto removed = lock.remove(choose_victims(random), std::chrono::milliseconds(200));
    // Batches that follow each other closely keep a removal out.
    EXPECT_TRUE(removed || removed.error().code == ErrorCode::kBusy) << removed.error().message;
  }

  std::vector<ObjectId> choose_victims(std::mt19937_64& random) {
    const std::lock_guard lock(mutex_);
    std::vector<ObjectId> victims;
    for (const ObjectId& id : acknowledged_) {
      if (random() % 8 == 0) victims.push_back(id);
    }
    for (const ObjectId& id : victims) acknowledged_.erase(id);
    return victims;
  }

  Store& store_;
  const std::uint64_t seed_;
  std::mutex mutex_;
  std::set<ObjectId> acknowledged_;
};

TEST_F(BackupTest, HoldsEverythingAcknowledgedBesideWritersAndMaintenance) {
  const std::uint64_t seed = testing::test_seed();
  store_ =
      Store::open(directory_ / "source", {.packs = {.bytes_target = 100'000}, .open_packs_max = 8})
          .value();
  BackupUnderLoad load(store_, seed);
  int backups = 0;
  load.run([&] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    std::optional<fs::path> previous;
    while (std::chrono::steady_clock::now() < end) {
      const std::set<ObjectId> before = load.acknowledged();
      // Three generations, each brought up to date in turn.
      const fs::path target = directory_ / ("backup-" + std::to_string(backups % 3));
      store_.backup(target, {.previous = previous, .control = {}}).value();
      const std::set<ObjectId> after = load.acknowledged();
      std::vector<ObjectId> promised;
      std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                            std::back_inserter(promised));
      Store copy = Store::open(target).value();
      expect_holds(copy, promised);
      expect_valid(copy, is_redundant);
      previous = target;
      ++backups;
      if (HasFailure()) break;
    }
  });
  std::cout << backups << " backups, " << load.acknowledged().size() << " objects at the end\n";
  EXPECT_GT(backups, 0);
  expect_valid(store_, is_garbage);
}

}  // namespace
}  // namespace packstore::store
