// One holder over all threads and processes, known by name, and free the instant that it dies.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <new>
#include <string>
#include <thread>

#include "concurrency/oracle.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

using ::testing::HasSubstr;

// Counts in memory that forked processes share.
class SharedCount {
 public:
  SharedCount() {
    void* memory = ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    count_ = new (memory) std::atomic<int>(0);
  }
  ~SharedCount() { ::munmap(count_, sizeof *count_); }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;
  std::atomic<int>& operator*() const { return *count_; }

 private:
  std::atomic<int>* count_;
};

class MaintenanceLockTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(Store::create(path_), Succeeds()); }

  // Holds the lock until it is killed.
  ChildProcess start_holder(const Pipe& told) const {
    return ChildProcess([&] {
      Result<Store> store = Store::open(path_);
      if (!store) return 1;
      const Result<MaintenanceLock> lock =
          store->lock_maintenance({.operation = "counting every grain"});
      if (!lock || !told.tell('h')) return 1;
      static_cast<void>(::pause());
      return 0;
    });
  }

  ScratchDirectory scratch_;
  const std::filesystem::path path_ = scratch_ / "store";
};

TEST_F(MaintenanceLockTest, HasOneHolderOverThreadsAndProcesses) {
  constexpr int kTurns = 20;
  const SharedCount inside;
  const SharedCount turns;
  const auto take_turns = [&](Store& store) {
    for (int i = 0; i < kTurns; ++i) {
      const Result<MaintenanceLock> lock =
          store.lock_maintenance({.wait = std::chrono::seconds(60)});
      EXPECT_THAT(lock, Succeeds());
      EXPECT_EQ(++*inside, 1);
      std::this_thread::yield();
      ++*turns;
      --*inside;
    }
  };
  std::vector<ChildProcess> children;
  for (int i = 0; i < 3; ++i) {
    children.emplace_back([&] {
      Result<Store> store = Store::open(path_);
      if (!store) return 1;
      std::thread other([&] { take_turns(*store); });
      take_turns(*store);
      other.join();
      return HasFailure() ? 1 : 0;
    });
  }
  for (ChildProcess& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(*turns, 3 * 2 * kTurns);
}

TEST_F(MaintenanceLockTest, NamesItsHolderAndIsFreeOnceThatIsKilled) {
  const Pipe told;
  ChildProcess holder = start_holder(told);
  ASSERT_TRUE(told.hear<char>());
  Store store = Store::open(path_).value();
  const Result<MaintenanceLock> refused = store.lock_maintenance();
  ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
  EXPECT_THAT(refused.error().message, HasSubstr("counting every grain"));
  EXPECT_THAT(refused.error().message, HasSubstr("pid " + std::to_string(holder.pid())));
  EXPECT_THAT(store.lock_maintenance({.wait = std::chrono::milliseconds(20)}),
              FailsWith(ErrorCode::kBusy));
  ASSERT_TRUE(holder.kill());
  EXPECT_THAT(store.lock_maintenance(), Succeeds());
}

TEST_F(MaintenanceLockTest, ExcludesTheOwnThreadAndASecondStoreObject) {
  Store store = Store::open(path_).value();
  Store other = Store::open(path_).value();
  {
    const MaintenanceLock lock = store.lock_maintenance({.operation = "the first"}).value();
    for (Store* asker : {&store, &other}) {
      const Result<MaintenanceLock> refused = asker->lock_maintenance();
      ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
      EXPECT_THAT(refused.error().message, HasSubstr("the first"));
    }
  }
  EXPECT_THAT(other.lock_maintenance(), Succeeds());
}

TEST_F(MaintenanceLockTest, KeepsNobodyFromReadingAndWriting) {
  const Pipe told;
  const ChildProcess holder = start_holder(told);
  ASSERT_TRUE(told.hear<char>());
  Store store = Store::open(path_).value();
  for (Key key = 0; key < 2 * kPutKinds; ++key) {
    ASSERT_THAT(put_durably(store, static_cast<PutKind>(key % kPutKinds), key), Succeeds());
    EXPECT_TRUE(holds(store, key));
  }
  EXPECT_THAT(put_batch(store, 100, 5), Succeeds());
  EXPECT_THAT(store.backup(scratch_ / "backup"), Succeeds());
  EXPECT_THAT(store, IsUndamaged());
}

}  // namespace
}  // namespace packstore::testing
