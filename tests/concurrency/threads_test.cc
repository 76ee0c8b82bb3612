// Many threads on one Store, each of its own trade. Whatever one is told to be stored, all others
// find, while objects move between files and packs underneath.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "concurrency/oracle.h"

namespace packstore::testing {
namespace {

constexpr std::uint64_t kPutsOfAWriter = 80;
constexpr std::uint64_t kBatches = 15;
constexpr std::uint64_t kBatchSize = 20;

class StoreThreads : public ::testing::Test {
 protected:
  StoreThreads()
      : store_(Store::create(scratch_ / "store",
                             {.open = {.packs = {.bytes_target = 128 << 10}, .open_packs_max = 4}})
                   .value()) {}

  // Ends by itself.
  template <typename Work>
  void start_writer(Work work) {
    ++writers_;
    threads_.emplace_back([this, work] {
      work();
      --writers_;
    });
  }
  // Repeated until every writer has ended, and once at least.
  template <typename Work>
  void start_companion(Work work) {
    threads_.emplace_back([this, work] {
      std::uint64_t round = 0;
      do {
        work(round++);
      } while (writers_ > 0 && !HasFailure());
    });
  }

  void start_putter(std::uint64_t writer, PutKind kind) {
    start_writer([this, writer, kind] {
      for (Key key = key_of(writer, 0); key < key_of(writer, kPutsOfAWriter); ++key) {
        ASSERT_THAT(put_durably(store_, kind, key), Succeeds());
        oracle_.acknowledge(key);
      }
    });
  }
  void start_batches(std::uint64_t writer) {
    start_writer([this, writer] {
      for (std::uint64_t i = 0; i < kBatches; ++i) {
        const Key first = key_of(writer, i * kBatchSize);
        ASSERT_THAT(put_batch(store_, first, kBatchSize), Succeeds());
        for (Key key = first; key < first + kBatchSize; ++key) oracle_.acknowledge(key);
      }
    });
  }
  void start_reader(std::uint64_t seed) {
    start_companion([this, seed](std::uint64_t round) {
      std::mt19937_64 random(seed + round);
      const std::vector<Key> keys = oracle_.sample(random, 20);
      for (const Key key : keys) EXPECT_TRUE(holds(store_, key));
    });
  }
  void start_bulk_reader(std::uint64_t seed) {
    start_companion([this, seed](std::uint64_t round) {
      std::mt19937_64 random(seed + round);
      std::vector<ObjectId> ids;
      for (const Key key : oracle_.sample(random, 100)) {
        ids.push_back(ObjectId::of(content_of_key(key)));
      }
      const auto check = [](const ObjectId& id, const Result<ByteView>& content) {
        EXPECT_THAT(content, Succeeds());
        EXPECT_TRUE(content && ObjectId::of(*content) == id);
        return Status();
      };
      EXPECT_THAT(store_.read_many(ids, check), Succeeds());
    });
  }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  ScratchDirectory scratch_;
  Store store_;
  Oracle oracle_;
  std::atomic<int> writers_{0};
  std::vector<std::thread> threads_;
};

TEST_F(StoreThreads, LoseNothingWhileEverythingHappensAtOnce) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  start_putter(1, PutKind::kLoose);
  start_putter(2, PutKind::kPacked);
  start_putter(3, PutKind::kPacked);
  start_putter(4, PutKind::kBuffered);
  start_putter(5, PutKind::kPushed);
  start_batches(6);
  start_batches(7);
  start_reader(seed);
  start_bulk_reader(seed + 1);
  start_companion([this](std::uint64_t round) {
    Result<MaintenanceLock> lock = store_.lock_maintenance();
    ASSERT_THAT(lock, Succeeds());
    maintain(store_, *lock, round);
  });
  start_companion([this](std::uint64_t) { EXPECT_THAT(store_, IsUndamaged()); });
  start_companion([this](std::uint64_t) {
    const std::vector<Key> before = oracle_.all();
    ASSERT_THAT(store_.backup(scratch_ / "backup"), Succeeds());
    const Result<Store> copy = Store::open(scratch_ / "backup");
    ASSERT_THAT(copy, Succeeds());
    expect_holds_all(*copy, before);
  });
  join();

  EXPECT_EQ(oracle_.all().size(), 5 * kPutsOfAWriter + 2 * kBatches * kBatchSize);
  expect_holds_all(store_, oracle_.all());
  ASSERT_THAT(store_.lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(store_, IsSpotless());
}

// All writers put the same objects, in different ways and orders.
TEST_F(StoreThreads, KeepEqualObjectsOnce) {
  constexpr std::uint64_t kObjects = 60;
  for (std::uint64_t writer = 0; writer < 4; ++writer) {
    start_writer([this, writer] {
      for (std::uint64_t i = 0; i < kObjects; ++i) {
        const Key key = (i + writer * 7) % kObjects;
        const auto kind = static_cast<PutKind>((i + writer) % kPutKinds);
        ASSERT_THAT(put_durably(store_, kind, key), Succeeds());
        ASSERT_TRUE(holds(store_, key));
      }
    });
  }
  start_writer([this] { ASSERT_THAT(put_batch(store_, 0, kObjects), Succeeds()); });
  join();
  std::uint64_t listed = 0;
  const auto count = [&](const ObjectInfo&) {
    ++listed;
    return Status();
  };
  ASSERT_THAT(store_.for_each_object(count), Succeeds());
  EXPECT_EQ(listed, kObjects);
  EXPECT_THAT(store_, IsUndamaged());
}

// Each thread counts the ref on by one, again and again, from wherever it is: nothing is lost only
// if every successful move was from where the ref really was.
TEST_F(StoreThreads, MoveARefOneAfterTheOther) {
  constexpr std::uint64_t kMoves = 40;
  constexpr std::uint64_t kMovers = 3;
  std::vector<ObjectId> steps;
  for (Key key = 0; key <= kMovers * kMoves; ++key) {
    steps.push_back(ObjectId::of(content_of_key(key)));
  }
  ASSERT_THAT(put_batch(store_, 0, steps.size()), Succeeds());
  ASSERT_THAT(store_.refs().move("counter", {.from = {}, .to = steps[0]}), Succeeds());
  for (std::uint64_t mover = 0; mover < kMovers; ++mover) {
    start_writer([&] {
      for (std::uint64_t moved = 0; moved < kMoves;) {
        const auto at = store_.refs().find("counter").value().value();
        const auto step = std::ranges::find(steps, at) - steps.begin();
        ASSERT_LT(static_cast<std::size_t>(step) + 1, steps.size());
        const auto next = steps[static_cast<std::size_t>(step) + 1];
        const Status done = store_.refs().move("counter", {.from = at, .to = next});
        if (!done) {
          ASSERT_THAT(done, FailsWith(ErrorCode::kConflict));
        }
        if (done) ++moved;
      }
    });
  }
  join();
  EXPECT_EQ(store_.refs().find("counter").value(), steps.back());
}

}  // namespace
}  // namespace packstore::testing
