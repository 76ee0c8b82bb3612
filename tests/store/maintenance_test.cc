#include "packstore/maintenance.h"

#include <gmock/gmock.h>

#include <thread>

#include "store_fixture.h"
#include "support/child_process.h"

namespace packstore::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class MaintenanceTest : public StoreFixture {};

TEST_F(MaintenanceTest, HasOneHolderWhoIsNamed) {
  const MaintenanceLock held = store().lock_maintenance({.operation = "nightly packing"}).value();
  Store other = open_other();
  for (Store* contender : {&store(), &other}) {
    const auto second = contender->lock_maintenance();
    ASSERT_THAT(second, FailsWith(ErrorCode::kBusy));
    EXPECT_THAT(second.error().message,
                AllOf(HasSubstr("nightly packing"), HasSubstr(std::to_string(::getpid()))));
  }
}

TEST_F(MaintenanceTest, IsFreeWhenItsHolderIsDroppedOrMovedOn) {
  {
    MaintenanceLock held = lock();
    const MaintenanceLock moved = std::move(held);
    EXPECT_THAT(store().lock_maintenance(), FailsWith(ErrorCode::kBusy));
  }
  EXPECT_THAT(store().lock_maintenance(), Succeeds());
}

TEST_F(MaintenanceTest, IsFreeTheInstantThatItsHolderDies) {
  static_cast<void>(store());
  close();
  testing::ChildProcess child([&]() -> int {
    Store own = Store::open(path()).value();
    const MaintenanceLock held = own.lock_maintenance().value();
    ::_exit(0);
  });
  ASSERT_EQ(child.wait(), 0);
  EXPECT_THAT(store().lock_maintenance(), Succeeds());
}

TEST_F(MaintenanceTest, IsWaitedForAsLongAsTheCallerSays) {
  auto held = std::make_unique<MaintenanceLock>(lock());
  std::jthread holder;
  Store other = open_other();
  // Whoever waits sees the lock free some time later, however long that takes.
  const auto waited = [&] {
    holder = std::jthread([&] { held.reset(); });
    return other.lock_maintenance({.wait = std::chrono::minutes(1)});
  }();
  EXPECT_THAT(waited, Succeeds());
}

TEST_F(MaintenanceTest, KeepsNobodyFromReadingAndWriting) {
  const MaintenanceLock held = lock();
  Store other = open_other();
  const ObjectId loose = other.put(as_bytes("loose")).value();
  const ObjectId packed = other.put(as_bytes("packed"), {.placement = Placement::kPacked}).value();
  Batch batch = other.begin_batch().value();
  const ObjectId in_batch = batch.put(as_bytes("in a batch")).value();
  ASSERT_THAT(batch.commit(), Succeeds());
  ASSERT_THAT(other.refs().move("head", {.from = std::nullopt, .to = loose}), Succeeds());
  for (const ObjectId& id : {loose, packed, in_batch}) EXPECT_TRUE(has(id));
  EXPECT_THAT(store(), IsSpotless());
}

// All of it, one after the other, on one store: nothing is lost on any way through.
TEST_F(MaintenanceTest, LosesNothingThroughPackRepackRemoveAndClean) {
  options_.packs.bytes_target = 100'000;
  Objects objects;
  for (std::uint64_t round = 0; round < 5; ++round) {
    objects.merge(put_loose(1'000 * round, 60, 2'000));
    objects.merge(put_batch(1'000 * round + 500, 60, 2'000, Compression::automatic()));
    MaintenanceLock held = lock();
    ASSERT_THAT(held.pack_loose({.objects_max = 40, .compression = Compression::zstd()}),
                Succeeds());
    const std::vector<ObjectId> unwanted = {objects.begin()->first, objects.rbegin()->first};
    ASSERT_EQ(held.remove(unwanted).value().removed, 2);
    for (const ObjectId& id : unwanted) objects.erase(id);
    ASSERT_THAT(held.repack({.dead_ratio_min = 0.01, .pack_bytes_min = 60'000}), Succeeds());
    ASSERT_THAT(held.clean(), Succeeds());
    expect_holds(objects);
    EXPECT_THAT(store(), IsSpotless());
  }
  EXPECT_EQ(store().stats().value().loose_objects + store().stats().value().packed_objects,
            objects.size());
}

}  // namespace
}  // namespace packstore::store
