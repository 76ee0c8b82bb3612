// A removal waits until no batch is open. It gets in where there always is one, as long as each of
// them is short; and it keeps nobody waiting for long behind one that is not.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/oracle.h"
#include "io/file.h"
#include "io/lock.h"
#include "store/layout.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

// Longer than any test lasts: only a removal that never gets in lets a test run into it.
constexpr std::chrono::seconds kLongWait{60};
constexpr std::uint64_t kWriters = 6;
constexpr std::uint64_t kBatchSize = 5;
constexpr Key kUnwanted = 1;

class Removal : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(Store::create(path_), Succeeds());
    unwanted_ = ObjectId::of(content_of_key(kUnwanted));
  }

  // One batch behind the other, with hardly a moment between them.
  static bool put_batch_after_batch(Store& store, std::uint64_t writer, auto goes_on) {
    bool well = true;
    for (Key first = key_of(writer, 0); well && goes_on(); first += kBatchSize) {
      well = put_batch(store, first, kBatchSize).has_value();
    }
    return well;
  }

  Result<RemoveReport> remove(Store& store, std::chrono::milliseconds wait) const {
    Result<MaintenanceLock> lock = store.lock_maintenance({.wait = kLongWait});
    if (!lock) return lock.error();
    return lock->remove({{unwanted_}}, wait);
  }

  void put_unwanted(Store& store) const {
    ASSERT_THAT(put_durably(store, PutKind::kPacked, kUnwanted), Succeeds());
  }

  // Whether somebody makes new batches wait just now.
  bool makes_others_wait() const {
    const auto locks = io::posix_file_system().open_directory((path_ / "locks").string()).value();
    return !io::HeldLock::take(*locks, store::kWaitingLock, io::LockKind::kShared,
                               std::chrono::milliseconds(0), "test");
  }

  ScratchDirectory scratch_;
  const std::filesystem::path path_ = scratch_ / "store";
  ObjectId unwanted_;
};

TEST_F(Removal, GetsInBetweenTheBatchesOfManyThreads) {
  Store store = Store::open(path_).value();
  std::atomic<bool> over = false;
  std::atomic<std::uint64_t> failures = 0;
  std::array<std::atomic<bool>, kWriters> began = {};
  std::vector<std::thread> writers;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      const auto goes_on = [&] {
        began[writer] = true;
        return !over;
      };
      if (!put_batch_after_batch(store, writer + 1, goes_on)) ++failures;
    });
  }
  for (const std::atomic<bool>& each : began) {
    while (!each) std::this_thread::yield();
  }
  for (int round = 0; round < 5 && !HasFailure(); ++round) {
    put_unwanted(store);
    EXPECT_THAT(remove(store, kLongWait), Succeeds());
    EXPECT_FALSE(store.contains(unwanted_).value());
  }
  over = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failures, 0);
  EXPECT_THAT(store, IsUndamaged());
}

TEST_F(Removal, GetsInBetweenTheBatchesOfManyProcesses) {
  const Pipe told;
  std::vector<ChildProcess> writers;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&] {
      Result<Store> store = Store::open(path_);
      if (!store) return 1;
      bool first = true;
      const auto goes_on = [&] { return !std::exchange(first, false) || told.tell('b'); };
      static_cast<void>(put_batch_after_batch(*store, writer + 1, goes_on));
      return 1;
    });
  }
  for (std::uint64_t i = 0; i < kWriters; ++i) ASSERT_TRUE(told.hear<char>());
  Store store = Store::open(path_).value();
  for (int round = 0; round < 3 && !HasFailure(); ++round) {
    put_unwanted(store);
    EXPECT_THAT(remove(store, kLongWait), Succeeds());
    EXPECT_FALSE(store.contains(unwanted_).value());
  }
  for (ChildProcess& writer : writers) EXPECT_TRUE(writer.kill()) << "the writer had failed";
}

TEST_F(Removal, BehindALongBatchLetsOthersBeginAndComesInTheEnd) {
  Store store = Store::open(path_).value();
  put_unwanted(store);
  std::optional<Batch> batch = store.begin_batch().value();
  Result<RemoveReport> refused = remove(store, std::chrono::milliseconds(20));
  ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("20 ms"));

  std::atomic<bool> over = false;
  std::thread remover([&] {
    EXPECT_THAT(remove(store, kLongWait), Succeeds());
    over = true;
  });
  while (!makes_others_wait()) std::this_thread::yield();
  EXPECT_THAT(put_batch(store, key_of(1, 0), kBatchSize), Succeeds());
  EXPECT_FALSE(over);
  batch.reset();
  remover.join();
  EXPECT_FALSE(store.contains(unwanted_).value());
}

TEST_F(Removal, FrozenWhileItWaitsKeepsNobodyFromWriting) {
  Pipe told;
  Pipe go;
  ChildProcess remover([&] {
    Result<Store> store = Store::open(path_);
    if (!store || !told.tell('o') || !go.hear<char>()) return 1;
    static_cast<void>(remove(*store, kLongWait));
    return 1;
  });
  ASSERT_TRUE(told.hear<char>());
  Store store = Store::open(path_).value();
  const Batch batch = store.begin_batch().value();
  ASSERT_TRUE(go.tell('g'));
  // Frozen in a moment in which it does hold others off.
  for (remover.freeze(); !makes_others_wait(); remover.freeze()) remover.thaw();
  EXPECT_THAT(put_batch(store, key_of(1, 0), kBatchSize), Succeeds());
  EXPECT_TRUE(makes_others_wait());
  EXPECT_TRUE(remover.kill());
  EXPECT_FALSE(makes_others_wait());
}

}  // namespace
}  // namespace packstore::testing
