// Several processes on one store, some of them killed or frozen at any moment. Children tell keys
// of acknowledged objects through a pipe to the oracle, their parent, which opens the store itself
// only when they are gone.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "concurrency/oracle.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

constexpr std::uint64_t kBatchSize = 10;
constexpr std::uint64_t kTrades = kPutKinds + 2;
constexpr int kWell = 0;
constexpr int kFailed = 1;
constexpr int kRefused = 2;

class StoreProcesses : public ::testing::Test {
 protected:
  OpenOptions options() const { return {.packs = {.bytes_target = 64 << 10}}; }
  // Closed again before anybody is forked.
  void create() { ASSERT_THAT(Store::create(path_, {.open = options()}), Succeeds()); }

  // Puts for ever, telling each key that was acknowledged.
  int put_for_ever(PutKind kind, std::uint64_t writer) const {
    Result<Store> store = Store::open(path_, options());
    for (Key key = key_of(writer, 0); store; ++key) {
      if (!put_durably(*store, kind, key) || !acknowledged_.tell(key)) return kFailed;
    }
    return kFailed;
  }
  int put_batches_for_ever(std::uint64_t writer) const {
    Result<Store> store = Store::open(path_, options());
    for (Key first = key_of(writer, 0); store; first += kBatchSize) {
      if (!put_batch(*store, first, kBatchSize)) return kFailed;
      for (Key key = first; key < first + kBatchSize; ++key) {
        if (!acknowledged_.tell(key)) return kFailed;
      }
    }
    return kFailed;
  }
  int maintain_for_ever() const {
    Result<Store> store = Store::open(path_, options());
    for (std::uint64_t round = 0; store && !HasFailure(); ++round) {
      Result<MaintenanceLock> lock = store->lock_maintenance({.wait = std::chrono::seconds(60)});
      if (!lock) return kFailed;
      maintain(*store, *lock, round);
    }
    return kFailed;
  }

  // `number` is new for each process, so that no key is told twice.
  ChildProcess start(std::uint64_t number) {
    return ChildProcess([this, number] {
      acknowledged_.close_reading();
      const std::uint64_t trade = number % kTrades;
      if (trade < kPutKinds) return put_for_ever(static_cast<PutKind>(trade), number);
      return trade == kPutKinds ? put_batches_for_ever(number) : maintain_for_ever();
    });
  }

  ScratchDirectory scratch_;
  const std::filesystem::path path_ = scratch_ / "store";
  Pipe acknowledged_;
};

TEST_F(StoreProcesses, LoseNothingAcknowledgedWhenKilledAtAnyMoment) {
  constexpr int kKills = 40;
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  create();
  std::uint64_t started = 0;
  std::vector<ChildProcess> children;
  while (started < kTrades) children.push_back(start(started++));
  std::vector<Key> keys;
  for (int kill = 0; kill < kKills; ++kill) {
    for (std::uint64_t i = random() % 20; i > 0; --i) {
      const auto key = acknowledged_.hear<Key>();
      ASSERT_TRUE(key);
      keys.push_back(*key);
    }
    const std::size_t victim = random() % children.size();
    ASSERT_TRUE(children[victim].kill()) << "the child had failed";
    // The same trade again, under another number.
    children[victim] = start(started / kTrades * kTrades + kTrades + victim);
    started += kTrades;
  }
  for (ChildProcess& child : children) EXPECT_TRUE(child.kill()) << "the child had failed";
  acknowledged_.close_writing();
  while (const auto key = acknowledged_.hear<Key>()) keys.push_back(*key);

  Result<Store> store = Store::open(path_);
  ASSERT_THAT(store, Succeeds());
  expect_holds_all(*store, keys);
  EXPECT_THAT(*store, IsUndamaged());
  ASSERT_THAT(store->lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(*store, IsSpotless());
  expect_holds_all(*store, keys);
}

// The parent lets them all go at once by closing its end of a pipe on which they wait.
TEST_F(StoreProcesses, CreateAStoreExactlyOnce) {
  constexpr int kCreators = 8;
  for (int round = 0; round < 5; ++round) {
    const std::filesystem::path path = scratch_ / ("store-" + std::to_string(round));
    Pipe gate;
    std::vector<ChildProcess> children;
    for (int i = 0; i < kCreators; ++i) {
      children.emplace_back([&] {
        gate.close_writing();
        static_cast<void>(gate.hear<char>());
        const Result<Store> store = Store::create(path);
        if (store) return kWell;
        return store.error().code == ErrorCode::kConflict ? kRefused : kFailed;
      });
    }
    gate.close_writing();
    std::multiset<int> ends;
    for (ChildProcess& child : children) ends.insert(child.wait().value_or(kFailed));
    EXPECT_EQ(ends.count(kWell), 1U);
    EXPECT_EQ(ends.count(kRefused), kCreators - 1U);
    const Result<Store> store = Store::open(path);
    ASSERT_THAT(store, Succeeds());
    EXPECT_THAT(*store, IsSpotless());
  }
}

// Maintenance must leave the pack of a batch alone, however long its writer is away.
TEST_F(StoreProcesses, FrozenBatchSurvivesMaintenance) {
  constexpr std::uint64_t kHalf = 50;
  create();
  Pipe told;
  Pipe go;
  ChildProcess writer([&] {
    Result<Store> store = Store::open(path_);
    if (!store || !put_durably(*store, PutKind::kLoose, key_of(9, 0))) return kFailed;
    Result<Batch> batch = store->begin_batch();
    for (std::uint64_t i = 0; batch && i < 2 * kHalf; ++i) {
      if (!batch->put(content_of_key(key_of(1, i)))) return kFailed;
      if (i == kHalf && (!told.tell('h') || !go.hear<char>())) return kFailed;
    }
    return batch && batch->commit() ? kWell : kFailed;
  });
  ASSERT_TRUE(told.hear<char>());
  writer.freeze();
  std::vector<Key> keys = {key_of(9, 0)};
  {
    Store store = Store::open(path_).value();
    for (Key key = key_of(2, 0); key < key_of(2, 30); ++key) {
      ASSERT_THAT(put_durably(store, static_cast<PutKind>(key % kPutKinds), key), Succeeds());
      keys.push_back(key);
    }
    MaintenanceLock lock = store.lock_maintenance().value();
    ASSERT_THAT(lock.pack_loose(), Succeeds());
    ASSERT_THAT(lock.repack(), Succeeds());
    ASSERT_THAT(lock.clean(), Succeeds());
    EXPECT_THAT(store, IsUndamaged());
    expect_holds_all(store, keys);
    EXPECT_FALSE(store.contains(ObjectId::of(content_of_key(key_of(1, 0)))).value());
  }
  ASSERT_TRUE(go.tell('g'));
  writer.thaw();
  EXPECT_EQ(writer.wait(), kWell);

  for (std::uint64_t i = 0; i < 2 * kHalf; ++i) keys.push_back(key_of(1, i));
  Store store = Store::open(path_).value();
  expect_holds_all(store, keys);
  ASSERT_THAT(store.lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(store, IsSpotless());
}

// Removal may not take from an open batch what the batch has found in the store.
TEST_F(StoreProcesses, RemovalWaitsForTheBatchOfAFrozenProcess) {
  create();
  Pipe told;
  ChildProcess writer([&] {
    Result<Store> store = Store::open(path_);
    if (!store || !put_durably(*store, PutKind::kPacked, 1)) return kFailed;
    Result<Batch> batch = store->begin_batch();
    if (!batch || !batch->put(content_of_key(1)) || !told.tell('b')) return kFailed;
    static_cast<void>(::pause());
    return kFailed;
  });
  ASSERT_TRUE(told.hear<char>());
  writer.freeze();
  Store store = Store::open(path_).value();
  MaintenanceLock lock = store.lock_maintenance().value();
  const ObjectId id = ObjectId::of(content_of_key(1));
  EXPECT_THAT(lock.remove({{id}}, std::chrono::milliseconds(20)), FailsWith(ErrorCode::kBusy));
  EXPECT_TRUE(holds(store, 1));
  ASSERT_TRUE(writer.kill());
  EXPECT_THAT(lock.remove({{id}}), Succeeds());
}

TEST_F(StoreProcesses, ForkedChildReadsThroughTheOpenStore) {
  create();
  Store store = Store::open(path_).value();
  std::vector<Key> keys;
  for (Key key = 0; key < 40; ++key) {
    ASSERT_THAT(put_durably(store, static_cast<PutKind>(key % kPutKinds), key), Succeeds());
    ASSERT_TRUE(holds(store, key));
    keys.push_back(key);
  }
  std::vector<ChildProcess> children;
  for (int i = 0; i < 4; ++i) {
    children.emplace_back([&] {
      for (int round = 0; round < 20; ++round) expect_holds_all(store, keys);
      return HasFailure() ? kFailed : kWell;
    });
  }
  for (Key key = 40; key < 80; ++key) {
    ASSERT_THAT(put_durably(store, static_cast<PutKind>(key % kPutKinds), key), Succeeds());
    keys.push_back(key);
  }
  for (ChildProcess& child : children) EXPECT_EQ(child.wait(), kWell);
  expect_holds_all(store, keys);
  EXPECT_THAT(store, IsUndamaged());
}

}  // namespace
}  // namespace packstore::testing
