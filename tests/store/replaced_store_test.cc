// A Store that is open while what it has open goes to another place, or is replaced.
#include <gmock/gmock.h>

#include <chrono>

#include "index/write_turn.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

class MovedStore : public StoreFixture {
 protected:
  // Moves the open store away.
  std::filesystem::path move_away() {
    const std::filesystem::path moved = scratch_ / "moved";
    std::filesystem::rename(path(), moved);
    return moved;
  }
};

TEST_F(MovedStore, NeverTakesTheIndexOfTheStoreInItsPlaceForItsOwn) {
  const Objects objects = put_batch(0, 20);
  MaintenanceLock held = lock();
  const std::filesystem::path moved = move_away();
  const Store another = Store::create(path()).value();
  EXPECT_THAT(held.repack(), FailsWith(ErrorCode::kConflict));
  Store store = Store::open(moved).value();
  for (const auto& [id, content] : objects) EXPECT_EQ(store.get(id).value(), content);
  EXPECT_THAT(another.stats().value().packs, ::testing::IsEmpty());
}

TEST_F(MovedStore, IsWhereItWasOnceItIsMovedBack) {
  const Objects objects = put_batch(0, 20);
  MaintenanceLock held = lock();
  std::filesystem::rename(move_away(), path());
  EXPECT_THAT(held.repack(), Succeeds());
  expect_holds(objects);
}

class RecoveredBesideAnOpenStore : public StoreFixture {
 protected:
  // Of an idle store nobody can tell that it is open.
  void recover() { ASSERT_THAT(Store::recover(path()), Succeeds()); }
};

TEST_F(RecoveredBesideAnOpenStore, AcknowledgesNothingInTheIndexOfBefore) {
  const Objects objects = put_batch(0, 20);
  const ObjectId& id = objects.begin()->first;
  recover();
  EXPECT_THAT(store().put(as_bytes("new"), {.placement = Placement::kPacked}),
              FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(store().refs().move("ref", {.to = id}), FailsWith(ErrorCode::kConflict));
  Batch batch = store().begin_batch().value();
  EXPECT_THAT(batch.put(as_bytes("newer")), Succeeds());
  EXPECT_THAT(batch.commit(), FailsWith(ErrorCode::kConflict));
  reopen();
  EXPECT_THAT(store().put(as_bytes("new"), {.placement = Placement::kPacked}), Succeeds());
  expect_holds(objects);
}

TEST_F(RecoveredBesideAnOpenStore, UnlinksNothing) {
  const Objects objects = put_batch(0, 20);
  recover();
  {
    MaintenanceLock held = lock();
    EXPECT_THAT(held.repack(), FailsWith(ErrorCode::kConflict));
    EXPECT_THAT(held.clean(), FailsWith(ErrorCode::kConflict));
  }
  reopen();
  expect_holds(objects);
}

// What was committed while packs are read would not be in the new index.
TEST_F(RecoveredBesideAnOpenStore, IsWrittenToByNobodyMeanwhile) {
  const ObjectId id = store().put(Bytes(10'000'000)).value();
  int tries = 0;
  const auto write_meanwhile = [&](const Progress&) {
    const auto locks =
        io::posix_file_system().open_directory((path() / kLocksDirectory).string()).value();
    index::WriteGate gate;
    EXPECT_THAT(index::WriteTurn::take(gate, *locks, "test", std::chrono::milliseconds(0)),
                FailsWith(ErrorCode::kBusy));
    ++tries;
  };
  ASSERT_THAT(Store::recover(path(), {.control = {.on_progress = write_meanwhile}}), Succeeds());
  EXPECT_GT(tries, 0);
  EXPECT_THAT(Store::open(path()).value().get(id), Succeeds());
}

}  // namespace
}  // namespace packstore::store
