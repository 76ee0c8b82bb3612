// Backups of stores that are damaged, or were put back to an earlier state.
#include <gtest/gtest.h>

#include "store/backup_fixture.h"

namespace packstore::store {
namespace {

// Puts a store back to an earlier state, as if it had never seen what came after it.
class BackupOfAStorePutBackTest : public BackupTest {
 protected:
  void save() {
    store_.lock_maintenance().value().clean().value();
    fs::copy(directory_ / "source", directory_ / "saved", fs::copy_options::recursive);
  }
  void put_back() {
    fs::remove_all(directory_ / "source");
    fs::copy(directory_ / "saved", directory_ / "source", fs::copy_options::recursive);
    store_ = Store::open(directory_ / "source").value();
  }
  // Backs up one history of the store, and makes another of the same length.
  void part(const Bytes& before, const Bytes& after) {
    put_batch(store_, 0, 20);
    save();
    put_in_batch(before);
    backup();
    put_back();
    put_in_batch(after);
  }
  void put_in_batch(const Bytes& content) {
    Batch batch = store_.begin_batch().value();
    batch.put(content).value();
    batch.commit().value();
  }
  void expect_no_pack_is_shared() {
    EXPECT_EQ(failure_of("backup"), ErrorCode::kConflict);
    expect_valid(Store::open(directory_ / "backup").value(), is_leftover);
    const BackupReport next =
        store_.backup(directory_ / "next", {.previous = directory_ / "backup", .control = {}})
            .value();
    EXPECT_EQ(next.packs_copied, 1U);
    EXPECT_EQ(next.packs_reused, 0U);
    expect_backup_equals_source("next");
  }
};

TEST_F(BackupOfAStorePutBackTest, TakesNoPackOfTheSameLengthForTheSame) {
  part(make_content(100), make_content(200));
  expect_no_pack_is_shared();
}

TEST_F(BackupOfAStorePutBackTest, TellsLargeObjectsApartThatEndAlike) {
  const Bytes one = make_content(100, 3 << 20);
  Bytes other = one;
  other.front() ^= std::byte{1};
  part(one, other);
  expect_no_pack_is_shared();
}

TEST_F(BackupOfAStorePutBackTest, TakesNoShorterPackForAnEarlierState) {
  part(make_content(100), make_content(200));
  put_batch(store_, 300, 20);
  expect_no_pack_is_shared();
}

// Damage in the store is no reason to refuse its backup, or to copy the damage.
TEST_F(BackupTest, KeepsTheCopyOfAPackThatRotsInTheStore) {
  const std::vector<ObjectId> ids = put_batch(store_, 0, 20);
  backup();
  const fs::path pack = packs_in(directory_ / "source").at(0);
  flip_byte(pack, fs::file_size(pack) - 100);                // In stored bytes.
  flip_byte(pack, fs::file_size(pack) - 64 - 2 * 664 + 10);  // In a header.
  const BackupReport report = backup();
  EXPECT_EQ(report.packs_reused, 1U);
  EXPECT_EQ(report.packs_copied, 0U);
  const Store copy = Store::open(directory_ / "backup").value();
  expect_holds(copy, ids);
  expect_valid(copy);
}

class BackupOfDamagedLooseObjectsTest : public BackupTest {
 protected:
  void SetUp() override {
    ids_ = put_loose(store_, 0, 3);
    backup();
  }
  // As a power cut may leave it.
  void cut(const fs::path& store) { fs::resize_file(loose_path(store, ids_[1]), 0); }
  void expect_reported(const BackupReport& report) {
    ASSERT_EQ(report.damaged.size(), 1U);
    EXPECT_EQ(report.damaged[0].kind, FindingKind::kContentMismatch);
    EXPECT_EQ(report.damaged[0].object, ids_[1]);
  }
  void expect_whole(const std::string& name) {
    const Store copy = Store::open(directory_ / name).value();
    expect_holds(copy, ids_);
    expect_valid(copy);
  }

  std::vector<ObjectId> ids_;
};

TEST_F(BackupOfDamagedLooseObjectsTest, KeepsTheGoodCopyOfTheDestination) {
  cut(directory_ / "source");
  const BackupReport report = backup();
  expect_reported(report);
  EXPECT_EQ(report.loose_copied, 0U);
  EXPECT_EQ(report.loose_reused, 3U);
  expect_whole("backup");
}

TEST_F(BackupOfDamagedLooseObjectsTest, SharesTheGoodCopyOfThePreviousBackup) {
  cut(directory_ / "source");
  const BackupOptions with_previous = {.previous = directory_ / "backup", .control = {}};
  expect_reported(store_.backup(directory_ / "next", with_previous).value());
  expect_whole("next");
  // Also where the destination has the damage already.
  fs::remove(loose_path(directory_ / "backup", ids_[1]));
  write_file(loose_path(directory_ / "backup", ids_[1]), "damaged");
  expect_reported(
      store_.backup(directory_ / "backup", {.previous = directory_ / "next", .control = {}})
          .value());
  expect_whole("backup");
}

TEST_F(BackupOfDamagedLooseObjectsTest, CopiesDamageWhereThereIsNoBetterCopyAndReportsIt) {
  cut(directory_ / "source");
  expect_reported(backup("fresh"));
  EXPECT_EQ(fs::file_size(loose_path(directory_ / "fresh", ids_[1])), 0U);
  const Store copy = Store::open(directory_ / "fresh").value();
  expect_holds(copy, {ids_[0], ids_[2]});
}

TEST_F(BackupOfDamagedLooseObjectsTest, ReplacesADamagedCopyOfTheDestination) {
  cut(directory_ / "backup");
  const BackupReport report = backup();
  EXPECT_EQ(report.loose_copied, 1U);
  EXPECT_TRUE(report.damaged.empty());
  expect_whole("backup");
}

}  // namespace
}  // namespace packstore::store
