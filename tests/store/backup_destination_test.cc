// Destinations of backups that others have open, or write to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "io/file.h"
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

TEST_F(BackupDestinationTest, IsBusyWhileSomebodyHoldsAPackOfTheDestination) {
  put_batch(store_, 0, 20);
  backup();
  const auto pack = io::posix_file_system()
                        .open_directory((directory_ / "backup" / "packs").string())
                        .value()
                        ->open_file(packs_in(directory_ / "backup").at(0).filename().string(),
                                    io::OpenMode::kReadWrite)
                        .value();
  ASSERT_TRUE(pack->try_lock(io::LockKind::kExclusive).value());
  EXPECT_EQ(failure_of("backup"), ErrorCode::kBusy);
}

TEST_F(BackupDestinationTest, ReplacesWhatOthersHaveWrittenIntoTheDestination) {
  put_batch(store_, 0, 20);
  backup();
  {
    Store copy = Store::open(directory_ / "backup").value();
    const ObjectId loose = put_loose(copy, 100, 1)[0];
    put_packed(copy, 101);
    copy.refs().move("mine", {.from = {}, .to = loose}).value();
  }
  backup();
  expect_backup_equals_source();
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
