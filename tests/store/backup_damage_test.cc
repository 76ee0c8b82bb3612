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

}  // namespace
}  // namespace packstore::store
