// Case 22 of docs/testing.md: a process forks while it has a store open. The child has copies of
// every object, shares open files and their locks, and may run every destructor.
#include <gtest/gtest.h>

#include <optional>

#include "support/child_process.h"
#include "support/store_scratch.h"

namespace packstore::testing {
namespace {

constexpr int kWell = 0;
constexpr int kFailed = 1;

class ForkWithAnOpenStore : public ::testing::Test {
 protected:
  ScratchDirectory scratch_;
  const std::filesystem::path path_ = scratch_ / "store";
};

// A batch, single puts that wait for their sync, a stream and the maintenance lock are all under
// way. The child lets go of its copies of them; the parent goes on, and completes everything.
TEST_F(ForkWithAnOpenStore, DestructorsOfTheChildTakeNothingFromItsParent) {
  std::optional<Store> store = Store::create(path_).value();
  std::optional<MaintenanceLock> lock = store->lock_maintenance().value();
  std::optional<Batch> batch = store->begin_batch().value();
  std::vector<ObjectId> ids = {batch->put(content_of(1, 500)).value()};
  ids.push_back(store->put(content_of(2, 500), {.placement = Placement::kPacked}).value());
  ids.push_back(store->put(content_of(3, 500), {.durability = Durability::kBuffered}).value());
  std::optional<ObjectWriter> writer = store->begin_put().value();
  ASSERT_THAT(writer->write(content_of(4, 500)), Succeeds());

  ChildProcess child([&] {
    writer.reset();
    batch.reset();
    lock.reset();
    store.reset();
    return kWell;
  });
  EXPECT_EQ(child.wait(), kWell);

  EXPECT_THAT(Store::open(path_).value().lock_maintenance(), FailsWith(ErrorCode::kBusy));
  ids.push_back(batch->put(content_of(5, 500)).value());
  ASSERT_THAT(batch->commit(), Succeeds());
  ASSERT_THAT(store->sync(), Succeeds());
  const Result<ObjectId> streamed = writer->finish();
  ASSERT_THAT(streamed, Succeeds());
  ids.push_back(*streamed);
  for (const ObjectId& id : ids) {
    EXPECT_THAT(store->get(id), Succeeds()) << id.to_hex();
    EXPECT_THAT(Store::open(path_).value().get(id), Succeeds()) << id.to_hex();
  }
  EXPECT_THAT(*store, IsSpotless());
}

// What the parent has appended and committed since is behind the end that the child knows of.
TEST_F(ForkWithAnOpenStore, AChildThatEndsLateCutsNothingOff) {
  std::optional<Store> store = Store::create(path_).value();
  const PutOptions buffered = {.durability = Durability::kBuffered};
  std::vector<ObjectId> ids = {store->put(content_of(1, 500), buffered).value()};
  const Pipe told;
  ChildProcess child([&] {
    if (!told.hear<char>()) return kFailed;
    store.reset();
    return kWell;
  });
  for (std::uint64_t number = 2; number < 10; ++number) {
    ids.push_back(store->put(content_of(number, 500), {.placement = Placement::kPacked}).value());
  }
  ASSERT_TRUE(told.tell('g'));
  EXPECT_EQ(child.wait(), kWell);
  for (const ObjectId& id : ids) EXPECT_THAT(store->get(id), Succeeds()) << id.to_hex();
  EXPECT_THAT(*store, IsSpotless());
}

TEST_F(ForkWithAnOpenStore, TheChildReadsThroughItAndOpensItAgainToWrite) {
  Store store = Store::create(path_).value();
  const Bytes content = content_of(1, 500);
  const PutOptions packed = {.placement = Placement::kPacked};
  const ObjectId id = store.put(content, packed).value();
  Batch batch = store.begin_batch().value();
  ASSERT_THAT(batch.put(content_of(2, 500)), Succeeds());
  Pin pin = store.pin().value();
  ObjectWriter writer = store.begin_put().value();
  ASSERT_THAT(writer.write(content_of(5, 250)), Succeeds());
  ChildProcess child([&] {
    constexpr ErrorCode kRefused = ErrorCode::kInvalidArgument;
    EXPECT_THAT(writer.write(content_of(6, 250)), FailsWith(kRefused));
    EXPECT_THAT(store.sync(), FailsWith(kRefused));
    EXPECT_THAT(store.backup(scratch_ / "backup"), FailsWith(kRefused));
    EXPECT_THAT(store.put(content_of(3, 500)), FailsWith(kRefused));
    EXPECT_THAT(store.put(content_of(3, 500), packed), FailsWith(kRefused));
    EXPECT_THAT(store.begin_put(), FailsWith(kRefused));
    EXPECT_THAT(store.begin_batch(), FailsWith(kRefused));
    EXPECT_THAT(store.pin(), FailsWith(kRefused));
    EXPECT_THAT(pin.add(Link{.id = id}), FailsWith(kRefused));
    EXPECT_THAT(batch.put(content_of(3, 500)), FailsWith(kRefused));
    EXPECT_THAT(batch.commit(), FailsWith(kRefused));
    EXPECT_THAT(store.lock_maintenance(), FailsWith(kRefused));
    EXPECT_THAT(store.refs().move("main", {.from = {}, .to = id}), FailsWith(kRefused));
    EXPECT_EQ(store.get(id).value(), content);
    Store own = Store::open(path_).value();
    EXPECT_THAT(own.put(content_of(4, 500), packed), Succeeds());
    EXPECT_THAT(own.refs().move("main", {.from = {}, .to = id}), Succeeds());
    return HasFailure() ? kFailed : kWell;
  });
  EXPECT_EQ(child.wait(), kWell);
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(store.get(writer.finish().value()).value(), content_of(5, 250));
  EXPECT_THAT(store.get(ObjectId::of(content_of(2, 500))), Succeeds());
  EXPECT_THAT(store.get(ObjectId::of(content_of(4, 500))), Succeeds());
  EXPECT_THAT(store, IsSpotless());
}

}  // namespace
}  // namespace packstore::testing
