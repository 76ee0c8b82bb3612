// Destinations of backups that others have open, or write to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/backup_fixture.h"

namespace packstore::store {
namespace {

class BackupDestinationTest : public BackupTest {
 protected:
  struct ReadBefore {
    Store reader;
    std::vector<ObjectId> later;
  };
  // A store that has read from the backup before the next one made its pack longer.
  ReadBefore read_before_it_grows() {
    const std::vector<ObjectId> ids = put_batch(store_, 0, 20);
    backup();
    Store reader = Store::open(directory_ / "backup").value();
    expect_holds(reader, ids);
    std::vector<ObjectId> later = put_batch(store_, 100, 20);
    backup();
    return {std::move(reader), std::move(later)};
  }
};

// What a batch has acknowledged must not go with the pack that it wrote to.
TEST_F(BackupDestinationTest, IsBusyWhileABatchIsOpenInTheDestination) {
  backup();
  Store copy = Store::open(directory_ / "backup").value();
  Batch batch = copy.begin_batch().value();
  const ObjectId id = batch.put(make_content(1000)).value();
  EXPECT_EQ(failure_of("backup"), ErrorCode::kBusy);
  EXPECT_THAT(batch.commit(), testing::Succeeds());
  expect_holds(copy, {id});
}

// Whatever it is that somebody has put into a backup, the next one must not take it away.
TEST_F(BackupDestinationTest, IsAStoreOfItsOwnSinceSomebodyWroteToIt) {
  const std::vector<ObjectId> ids = put_batch(store_, 0, 20);
  const auto write_loose = [](Store& copy) { put_loose(copy, 100, 1); };
  const auto write_stream = [](Store& copy) { copy.begin_put().value().finish().value(); };
  const auto write_packed = [](Store& copy) { put_packed(copy, 101); };
  const auto write_batch = [](Store& copy) { put_batch(copy, 102, 1); };
  const auto move_ref = [&](Store& copy) {
    copy.refs().move("mine", {.from = {}, .to = ids[0]}).value();
  };
  const std::vector<std::function<void(Store&)>> ways = {write_loose, write_stream, write_packed,
                                                         write_batch, move_ref};
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const std::string name = "backup" + std::to_string(i);
    backup(name);
    Store copy = Store::open(directory_ / name).value();
    ways[i](copy);
    const auto contents = contents_of(copy);
    const auto refs = refs_of(copy);
    EXPECT_EQ(failure_of(name), ErrorCode::kConflict);
    EXPECT_EQ(contents_of(copy), contents);
    EXPECT_EQ(refs_of(copy), refs);
    expect_valid(copy);
  }
}

TEST_F(BackupDestinationTest, IsNotTheStoreThatItIsABackupOf) {
  put_batch(store_, 0, 20);
  backup();
  const ObjectId later = put_loose(store_, 100, 1)[0];
  const auto swapped = Store::open(directory_ / "backup").value().backup(directory_ / "source");
  ASSERT_FALSE(swapped.has_value());
  EXPECT_EQ(swapped.error().code, ErrorCode::kConflict);
  expect_holds(store_, {later});
  // And the backup is one still.
  backup();
  expect_backup_equals_source();
}

TEST_F(BackupDestinationTest, IsABackupStillWhenItWasOnlyReadAndMaintained) {
  const std::vector<ObjectId> ids = put_batch(store_, 0, 20);
  backup();
  {
    Store copy = Store::open(directory_ / "backup").value();
    expect_holds(copy, ids);
    copy.lock_maintenance().value().remove(std::span(ids).first(1)).value();
    copy.lock_maintenance().value().repack({.dead_ratio_min = 0}).value();
  }
  backup();
  expect_backup_equals_source();
}

TEST_F(BackupDestinationTest, IsNotMadeByACallThatIsRefused) {
  EXPECT_EQ(failure_of("backup", {.previous = directory_ / "absent"}), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "backup"));
}

// A pack that has grown takes the name of the one that the reader has open.
TEST_F(BackupDestinationTest, CanBeReadByWhoHadItOpenBefore) {
  auto [reader, later] = read_before_it_grows();
  ASSERT_EQ(packs_in(directory_ / "backup").size(), 1U);
  expect_holds(reader, {later[0]});
  EXPECT_THAT(reader.open_object(later[1]), testing::Succeeds());
  expect_valid(reader);
}

TEST_F(BackupDestinationTest, GivesManyAtOnceToWhoHadItOpenBefore) {
  auto [reader, later] = read_before_it_grows();
  const auto take = [](const ObjectId&, const Result<ByteView>& content) -> Status {
    EXPECT_THAT(content, testing::Succeeds());
    return {};
  };
  EXPECT_THAT(reader.read_many(later, take), testing::Succeeds());
}

TEST_F(BackupDestinationTest, IsRepackedByWhoHadItOpenBefore) {
  const std::vector<ObjectId> ids = put_batch(store_, 0, 20);
  backup();
  Store reader = Store::open(directory_ / "backup").value();
  expect_holds(reader, ids);
  put_batch(store_, 100, 20);
  backup();
  const RepackReport report = reader.lock_maintenance().value().repack().value();
  EXPECT_TRUE(report.damaged.empty());
  EXPECT_EQ(report.objects, 40U);
  expect_backup_equals_source();
}

}  // namespace
}  // namespace packstore::store
