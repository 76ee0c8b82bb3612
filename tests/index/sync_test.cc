// What is synced when, and what a failure leaves. Method: SQLite's own file system with a thin
// layer on top that counts syncs, and can refuse to sync or to write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "index/index.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::FailsWith;
using ::packstore::index::testing::id_of;
using ::packstore::index::testing::insert;
using ::packstore::index::testing::row_of;
using ::packstore::index::testing::sorted_rows;
using ::packstore::index::testing::StoreDirectory;
using ::packstore::index::testing::Succeeds;

// What the layer saw and does; one test at a time uses it.
struct Switchboard {
  int wal_syncs = 0;
  int database_syncs = 0;
  bool syncs_fail = false;
  bool writes_fail = false;
};
Switchboard g_switches;

// SQLite's file behind ours, which is laid out as SQLite wants it: its own part comes first.
struct LayerFile {
  sqlite3_file ours;
  bool is_wal;
  sqlite3_file* real;
};

LayerFile& layer(sqlite3_file* file) { return *reinterpret_cast<LayerFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return layer(file).real; }

int close_file(sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); }
int read_file(sqlite3_file* f, void* into, int count, sqlite3_int64 at) {
  return real(f)->pMethods->xRead(real(f), into, count, at);
}
int write_file(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  if (g_switches.writes_fail) return SQLITE_FULL;
  return real(f)->pMethods->xWrite(real(f), from, count, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  return real(f)->pMethods->xTruncate(real(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
  ++(layer(f).is_wal ? g_switches.wal_syncs : g_switches.database_syncs);
  if (g_switches.syncs_fail) return SQLITE_IOERR_FSYNC;
  return real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return real(f)->pMethods->xFileSize(real(f), size);
}
int lock_file(sqlite3_file* f, int kind) { return real(f)->pMethods->xLock(real(f), kind); }
int unlock_file(sqlite3_file* f, int kind) { return real(f)->pMethods->xUnlock(real(f), kind); }
int check_lock(sqlite3_file* f, int* held) {
  return real(f)->pMethods->xCheckReservedLock(real(f), held);
}
int control_file(sqlite3_file* f, int operation, void* argument) {
  return real(f)->pMethods->xFileControl(real(f), operation, argument);
}
int sector_size(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
int device_properties(sqlite3_file* f) {
  return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
int map_shared(sqlite3_file* f, int region, int size, int extend, void volatile** at) {
  return real(f)->pMethods->xShmMap(real(f), region, size, extend, at);
}
int lock_shared(sqlite3_file* f, int offset, int count, int flags) {
  return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
}
void fence_shared(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
int unmap_shared(sqlite3_file* f, int remove) {
  return real(f)->pMethods->xShmUnmap(real(f), remove);
}

constexpr sqlite3_io_methods kLayerMethods = {2,
                                              close_file,
                                              read_file,
                                              write_file,
                                              truncate_file,
                                              sync_file,
                                              file_size,
                                              lock_file,
                                              unlock_file,
                                              check_lock,
                                              control_file,
                                              sector_size,
                                              device_properties,
                                              map_shared,
                                              lock_shared,
                                              fence_shared,
                                              unmap_shared,
                                              nullptr,
                                              nullptr};

int open_layer(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* got) {
  auto* below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  LayerFile& opened = layer(file);
  opened.ours.pMethods = nullptr;
  opened.is_wal = (flags & SQLITE_OPEN_WAL) != 0;
  opened.real = reinterpret_cast<sqlite3_file*>(&opened + 1);
  const int code = below->xOpen(below, path, opened.real, flags, got);
  if (opened.real->pMethods != nullptr) opened.ours.pMethods = &kLayerMethods;
  return code;
}

// The system's files, with the layer under SQLite.
class LayeredFileSystem final : public io::FileSystem {
 public:
  LayeredFileSystem() {
    sqlite3_vfs* below = sqlite3_vfs_find(nullptr);
    vfs_ = *below;
    vfs_.szOsFile = static_cast<int>(sizeof(LayerFile)) + below->szOsFile;
    vfs_.zName = "sync-test";
    vfs_.pAppData = below;
    vfs_.xOpen = open_layer;
    sqlite3_vfs_register(&vfs_, 0);
    g_switches = {};
  }
  ~LayeredFileSystem() override { sqlite3_vfs_unregister(&vfs_); }

  Result<std::unique_ptr<io::Directory>> open_directory(const std::string& path) override {
    return io::posix_file_system().open_directory(path);
  }
  Result<std::unique_ptr<io::Directory>> create_directory(const std::string& path,
                                                          bool owner_only) override {
    return io::posix_file_system().create_directory(path, owner_only);
  }
  const char* sqlite_vfs() const override { return vfs_.zName; }

 private:
  sqlite3_vfs vfs_{};
};

class SyncTest : public ::testing::Test {
 protected:
  SyncTest() {
    store_.create(files_);
    index_ = store_.open(files_);
    // The first commit writes the header of the log, which is synced whatever the mode.
    insert(*index_, {{row_of(0)}});
    g_switches = {};
  }
  ~SyncTest() override { g_switches = {}; }

  Status commit_row(std::uint64_t number, CommitSync sync) {
    const auto transaction = index_->begin_write(sync);
    if (!transaction) return transaction.error();
    const Result<bool> inserted = (*transaction)->insert(row_of(number));
    if (!inserted) return inserted.error();
    return (*transaction)->commit();
  }

  // Of the database and its log as they are now, as after the end of every process.
  std::unique_ptr<Index> read_from_the_front() const {
    for (const char* suffix : {"", "-wal"}) {
      std::filesystem::copy_file(store_.database().string() + suffix,
                                 front_.database().string() + suffix);
    }
    return front_.open();
  }

  LayeredFileSystem files_;
  StoreDirectory store_;
  StoreDirectory front_;
  std::unique_ptr<Index> index_;
};

TEST_F(SyncTest, LazyCommitsSyncNothing) {
  for (std::uint64_t i = 1; i < 20; ++i) {
    ASSERT_THAT(commit_row(i, CommitSync::kLazy), Succeeds());
  }
  EXPECT_EQ(g_switches.wal_syncs + g_switches.database_syncs, 0);
}

TEST_F(SyncTest, DurableCommitSyncsTheLogOnce) {
  ASSERT_THAT(commit_row(1, CommitSync::kLazy), Succeeds());
  ASSERT_THAT(commit_row(2, CommitSync::kDurable), Succeeds());
  EXPECT_EQ(g_switches.wal_syncs, 1);
  ASSERT_THAT(commit_row(3, CommitSync::kLazy), Succeeds());
  EXPECT_EQ(g_switches.wal_syncs, 1) << "lazy again";
  EXPECT_EQ(g_switches.database_syncs, 0);
}

TEST_F(SyncTest, DurableCommitOfNothingMakesEarlierCommitsDurable) {
  ASSERT_THAT(commit_row(1, CommitSync::kLazy), Succeeds());
  ASSERT_THAT(index_->begin_write(CommitSync::kDurable).value()->commit(), Succeeds());
  EXPECT_EQ(g_switches.wal_syncs, 1);
}

TEST_F(SyncTest, DurableCommitThatWritesTheSameAgainIsDurable) {
  const auto put = [&](CommitSync sync) {
    const auto transaction = index_->begin_write(sync).value();
    transaction->put_pack({.pack = 1, .indexed_bytes = 100}).value();
    transaction->commit().value();
  };
  put(CommitSync::kLazy);
  put(CommitSync::kDurable);
  EXPECT_EQ(g_switches.wal_syncs, 1);
}

TEST_F(SyncTest, CheckpointSyncsLogThenDatabase) {
  ASSERT_THAT(index_->checkpoint(), Succeeds());
  EXPECT_GE(g_switches.wal_syncs, 1);
  EXPECT_EQ(g_switches.database_syncs, 1);
}

TEST_F(SyncTest, FailedSyncMakesNothingVisibleAndIsFinal) {
  ASSERT_THAT(commit_row(1, CommitSync::kLazy), Succeeds());
  g_switches.syncs_fail = true;
  EXPECT_THAT(commit_row(2, CommitSync::kDurable), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(index_->find(id_of(2)).value(), std::nullopt);

  // The next sync would succeed without having written anything.
  g_switches.syncs_fail = false;
  EXPECT_THAT(commit_row(3, CommitSync::kDurable), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(commit_row(3, CommitSync::kLazy), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(index_->checkpoint(), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(index_->find(id_of(1)).value(), row_of(1).at) << "reading goes on";
}

// The log of the index holds the commit that failed, whole; whoever read it from its front would
// find it. And the rows of before may never have reached the disk.
TEST_F(SyncTest, WhoeverComesNextSettlesWhatAFailedSyncHasLeftInDoubt) {
  const auto beside = store_.open(files_);
  ASSERT_THAT(commit_row(1, CommitSync::kLazy), Succeeds());
  g_switches.syncs_fail = true;
  EXPECT_THAT(commit_row(2, CommitSync::kDurable), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(index_->generation() % 2, 1);
  EXPECT_THAT(beside->check_writable(), FailsWith(ErrorCode::kIo));

  g_switches = {};
  const auto next = store_.open(files_);
  EXPECT_THAT(next->check_writable(), Succeeds());
  EXPECT_GE(g_switches.wal_syncs, 1) << "a commit of its own behind the rows of before";
  EXPECT_EQ(next->generation() % 2, 0);
  EXPECT_EQ(next->find(id_of(1)).value(), row_of(1).at);
  EXPECT_EQ(next->find(id_of(2)).value(), std::nullopt);

  index_.reset();
  const auto copy = read_from_the_front();
  EXPECT_EQ(copy->find(id_of(1)).value(), row_of(1).at);
  EXPECT_EQ(copy->find(id_of(2)).value(), std::nullopt);
  g_switches = {};
  EXPECT_THAT(next->check_writable(), Succeeds());
  EXPECT_EQ(g_switches.wal_syncs, 0) << "once is enough";
}

TEST_F(SyncTest, ACheckpointThatCannotSyncLeavesTheLogInDoubt) {
  g_switches.syncs_fail = true;
  EXPECT_THAT(index_->checkpoint(), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(index_->generation() % 2, 1);
}

TEST_F(SyncTest, FailedCheckpointLeavesTheCommitStandingAndIsFinal) {
  const auto transaction = index_->begin_write(CommitSync::kLazy).value();
  for (const ObjectRow& row : sorted_rows(120'000)) transaction->insert(row).value();
  g_switches.syncs_fail = true;
  EXPECT_THAT(transaction->commit(), Succeeds()) << "a checkpoint follows, and fails";
  EXPECT_GE(g_switches.wal_syncs, 1);
  EXPECT_EQ(index_->find(id_of(119'999)).value(), row_of(119'999).at);
  g_switches.syncs_fail = false;
  EXPECT_THAT(index_->begin_write(CommitSync::kLazy), FailsWith(ErrorCode::kIo));
}

TEST_F(SyncTest, FullDiskFailsTheCommitAndTheNextOneSucceeds) {
  g_switches.writes_fail = true;
  EXPECT_THAT(commit_row(1, CommitSync::kDurable), FailsWith(ErrorCode::kNoSpace));
  EXPECT_EQ(index_->find(id_of(1)).value(), std::nullopt);
  g_switches.writes_fail = false;
  EXPECT_THAT(commit_row(1, CommitSync::kDurable), Succeeds());
  EXPECT_EQ(index_->find(id_of(1)).value(), row_of(1).at);
}

// A transaction that outgrows the cache of SQLite spills into the log long before it commits.
TEST_F(SyncTest, FullDiskInTheMiddleOfATransactionEndsIt) {
  const auto transaction = index_->begin_write(CommitSync::kLazy).value();
  g_switches.writes_fail = true;
  Status failed;
  for (std::uint64_t i = 1; i < 1'000'000 && failed; ++i) {
    const Result<bool> inserted = transaction->insert(row_of(i));
    if (!inserted) failed = inserted.error();
  }
  EXPECT_THAT(failed, FailsWith(ErrorCode::kNoSpace));
  g_switches.writes_fail = false;
  EXPECT_THAT(transaction->insert(row_of(2'000'000)), FailsWith(ErrorCode::kNoSpace));
  EXPECT_THAT(transaction->commit(), FailsWith(ErrorCode::kNoSpace));
  EXPECT_EQ(index_->find(id_of(1)).value(), std::nullopt);
}

TEST_F(SyncTest, CopyIsSyncedInItsPlace) {
  const StoreDirectory to;
  ASSERT_THAT(index_->copy_to(to.root(), to.locks()), Succeeds());
  EXPECT_GE(g_switches.wal_syncs, 1);
  EXPECT_GE(g_switches.database_syncs, 1);
  g_switches.syncs_fail = true;
  EXPECT_THAT(index_->copy_to(to.root(), to.locks()), FailsWith(ErrorCode::kIo));
}

}  // namespace
}  // namespace packstore::index
