// Threads that put, read, remove, pack and repack the same few objects at once. Method: each object
// has a referee, a lock and what the last one who held it has done. Who holds the lock knows what a
// read must give; who does not knows that it gives the content or kNotFound, nothing else.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "concurrency/oracle.h"

namespace packstore::testing {
namespace {

constexpr Key kObjects = 24;
constexpr std::uint64_t kPutsOfAWriter = 60;
constexpr std::uint64_t kBatches = 20;
constexpr std::size_t kRemovedAtOnce = 4;

struct Referee {
  std::shared_mutex mutex;
  bool present = false;
};

class ContestedObjects : public ::testing::Test {
 protected:
  ContestedObjects()
      : store_(Store::create(scratch_ / "store", {.open = {.packs = {.bytes_target = 8 << 10}}})
                   .value()) {}

  static ObjectId id_of(Key key) { return ObjectId::of(content_of_key(key)); }

  void put_under_referee(Key key, PutKind kind) {
    Referee& referee = referees_[key];
    const std::unique_lock lock(referee.mutex);
    ASSERT_THAT(put_durably(store_, kind, key), Succeeds());
    referee.present = true;
    EXPECT_TRUE(holds(store_, key));
  }
  // `count` neighbours in one batch; their referees first, so that nobody waits for the batch.
  void put_batch_under_referees(Key first, std::uint64_t count) {
    std::vector<std::unique_lock<std::shared_mutex>> locks;
    for (Key key = first; key < first + count; ++key) locks.emplace_back(referees_[key].mutex);
    ASSERT_THAT(put_batch(store_, first, count), Succeeds());
    for (Key key = first; key < first + count; ++key) referees_[key].present = true;
  }
  void remove_under_referees(MaintenanceLock& maintenance, Key first) {
    std::vector<std::unique_lock<std::shared_mutex>> locks;
    std::vector<ObjectId> ids;
    for (Key key = first; key < first + kRemovedAtOnce; ++key) {
      locks.emplace_back(referees_[key].mutex);
      ids.push_back(id_of(key));
    }
    ASSERT_THAT(maintenance.remove(ids, std::chrono::seconds(60)), Succeeds());
    for (Key key = first; key < first + kRemovedAtOnce; ++key) {
      referees_[key].present = false;
      EXPECT_THAT(store_.get(id_of(key)), FailsWith(ErrorCode::kNotFound)) << key;
    }
  }
  void read_under_referee(Key key) {
    Referee& referee = referees_[key];
    const std::shared_lock lock(referee.mutex);
    if (referee.present) {
      EXPECT_TRUE(holds(store_, key));
    } else {
      EXPECT_THAT(store_.get(id_of(key)), FailsWith(ErrorCode::kNotFound)) << key;
    }
  }
  void read_without(Key key) {
    const Result<Bytes> read = store_.get(id_of(key));
    if (read) {
      EXPECT_EQ(*read, content_of_key(key));
    } else {
      EXPECT_EQ(read.error().code, ErrorCode::kNotFound) << read.error().message;
    }
    if (Result<ObjectReader> reader = store_.open_object(id_of(key))) {
      Bytes front(10);
      EXPECT_THAT(reader->read_at(0, front), Succeeds());
    }
  }
  // Whatever becomes of these, nobody knows; they are in everybody's way.
  void put_wild(Key key) { EXPECT_THAT(put_durably(store_, PutKind::kPacked, key), Succeeds()); }

  template <typename Work>
  void start_writer(Work work) {
    ++writers_;
    threads_.emplace_back([this, work]() mutable {
      work();
      --writers_;
    });
  }
  template <typename Work>
  void start_companion(Work work) {
    threads_.emplace_back([this, work]() mutable {
      for (std::uint64_t round = 0; writers_ > 0 && !HasFailure(); ++round) work(round);
    });
  }

  ScratchDirectory scratch_;
  Store store_;
  std::array<Referee, kObjects> referees_;
  std::atomic<int> writers_{0};
  std::vector<std::thread> threads_;
};

TEST_F(ContestedObjects, AreWhatTheLastOneMadeOfThem) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  for (std::uint64_t writer = 0; writer < 3; ++writer) {
    start_writer([this, random = std::mt19937_64(seed + writer)]() mutable {
      for (std::uint64_t i = 0; i < kPutsOfAWriter && !HasFailure(); ++i) {
        put_under_referee(random() % kObjects, static_cast<PutKind>(random() % kPutKinds));
        put_wild(kObjects + random() % 4);
      }
    });
  }
  start_writer([this, random = std::mt19937_64(seed + 10)]() mutable {
    for (std::uint64_t i = 0; i < kBatches && !HasFailure(); ++i) {
      put_batch_under_referees(random() % (kObjects - 6), 6);
    }
  });
  start_companion([this, seed](std::uint64_t round) {
    read_under_referee(std::mt19937_64(seed + 20 + round)() % kObjects);
  });
  start_companion([this, seed](std::uint64_t round) {
    read_without(std::mt19937_64(seed + 30 + round)() % (kObjects + 4));
  });
  start_companion([this, seed](std::uint64_t round) {
    std::mt19937_64 random(seed + 40 + round);
    MaintenanceLock lock = store_.lock_maintenance().value();
    remove_under_referees(lock, random() % (kObjects - kRemovedAtOnce));
    EXPECT_THAT(lock.remove({{id_of(kObjects + random() % 4)}}, std::chrono::seconds(60)),
                Succeeds());
    EXPECT_THAT(lock.pack_loose({.objects_max = 5}), Succeeds());
    EXPECT_THAT(lock.repack(), Succeeds());
    EXPECT_THAT(lock.clean(), Succeeds());
  });
  for (std::thread& thread : threads_) thread.join();
  for (Key key = 0; key < kObjects; ++key) read_under_referee(key);
  EXPECT_THAT(store_.lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(store_, IsSpotless());
}

}  // namespace
}  // namespace packstore::testing
