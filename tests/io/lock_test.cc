#include "io/lock.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "io_test_support.h"

namespace packstore::io {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr milliseconds kNoWait{0};
// Longer than any test lasts: only a lock that is not handed on lets a test run into it.
constexpr milliseconds kLongWait{60'000};

class HeldLockTest : public testing::Test {
 protected:
  Result<HeldLock> take(LockKind kind, milliseconds wait = kNoWait,
                        std::string_view operation = "test") {
    return HeldLock::take(*directory_, "lock", kind, wait, operation);
  }

  ScratchDirectory scratch_;
  std::unique_ptr<Directory> directory_ = scratch_.open();
};

TEST_F(HeldLockTest, ExclusiveHolderExcludesEverybodyUntilItIsGone) {
  {
    const auto held = take(LockKind::kExclusive);
    ASSERT_THAT(held, Succeeds());
    EXPECT_THAT(take(LockKind::kExclusive), FailsWith(ErrorCode::kBusy));
    EXPECT_THAT(take(LockKind::kShared), FailsWith(ErrorCode::kBusy));
  }
  EXPECT_THAT(take(LockKind::kExclusive), Succeeds());
}

TEST_F(HeldLockTest, SharedHoldersExcludeOnlyExclusiveOnes) {
  const auto first = take(LockKind::kShared);
  const auto second = take(LockKind::kShared);
  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(second, Succeeds());
  EXPECT_THAT(take(LockKind::kExclusive), FailsWith(ErrorCode::kBusy));
}

TEST_F(HeldLockTest, MovesWithTheObject) {
  auto held = take(LockKind::kExclusive);
  auto moved = std::make_unique<HeldLock>(std::move(held).value());
  EXPECT_THAT(take(LockKind::kExclusive), FailsWith(ErrorCode::kBusy));
  moved.reset();
  EXPECT_THAT(take(LockKind::kExclusive), Succeeds());
}

TEST_F(HeldLockTest, BusyNamesTheHolder) {
  const auto held = take(LockKind::kExclusive, kNoWait, "pack loose objects");
  ASSERT_THAT(held, Succeeds());
  const auto refused = take(LockKind::kExclusive);
  ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
  EXPECT_THAT(refused.error().message, HasSubstr("pid " + std::to_string(::getpid()) + " on "));
  EXPECT_THAT(refused.error().message, HasSubstr(": pack loose objects (since 2"));
  EXPECT_THAT(refused.error().message, HasSubstr((scratch_.path() / "lock").string()));
}

TEST_F(HeldLockTest, LineOfAnEarlierHolderIsGone) {
  ASSERT_THAT(take(LockKind::kExclusive, kNoWait, std::string(50, 'x')), Succeeds());
  ASSERT_THAT(take(LockKind::kExclusive, kNoWait, "second"), Succeeds());
  const std::string text = read_text(scratch_.path() / "lock");
  EXPECT_THAT(text, HasSubstr(": second (since "));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.back(), '\n');
}

// A file that was changed makes the next sync of any other dearer.
TEST_F(HeldLockTest, TakenAgainInTheSameSecondChangesNothing) {
  const std::filesystem::path file = scratch_.path() / "lock";
  std::string before;
  std::string after;
  do {
    ASSERT_THAT(take(LockKind::kExclusive), Succeeds());
    before = read_text(file);
    const auto changed_at = std::filesystem::last_write_time(file);
    ASSERT_THAT(take(LockKind::kExclusive), Succeeds());
    after = read_text(file);
    if (after == before) {
      EXPECT_EQ(std::filesystem::last_write_time(file), changed_at);
    }
  } while (after != before);
}

// What stands in the file may have been put there by anybody who can write it.
TEST_F(HeldLockTest, BusyQuotesAPlantedHolderHarmlessly) {
  write_text(scratch_.path() / "lock",
             "pid 1\x1b[2J\x07\xff" + std::string(100'000, 'A') + "\nsecond line\n");
  const auto held = take(LockKind::kShared);
  const auto refused = take(LockKind::kExclusive);
  ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
  const std::string& message = refused.error().message;
  EXPECT_THAT(message, HasSubstr("pid 1?[2J??AAAA"));
  EXPECT_THAT(message, Not(HasSubstr("second line")));
  EXPECT_LT(message.size(), 1000U);
  EXPECT_TRUE(
      std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

TEST_F(HeldLockTest, OperationCannotBreakTheLine) {
  const std::string operation = "bad\x1b name" + std::string(10'000, 'A');
  const auto held = take(LockKind::kExclusive, kNoWait, operation);
  ASSERT_THAT(held, Succeeds());
  const std::string text = read_text(scratch_.path() / "lock");
  EXPECT_THAT(text, HasSubstr(": bad? nameAAA"));
  EXPECT_LT(text.size(), 1000U);
}

TEST_F(HeldLockTest, WaiterGetsTheLockWhenTheHolderLetsGo) {
  auto held = std::make_unique<HeldLock>(take(LockKind::kExclusive).value());
  std::atomic<bool> taken = false;
  std::thread waiter([&] { taken = take(LockKind::kExclusive, kLongWait).has_value(); });
  EXPECT_THAT(take(LockKind::kExclusive, milliseconds(5)), FailsWith(ErrorCode::kBusy));
  held.reset();
  waiter.join();
  EXPECT_TRUE(taken);
}

TEST_F(HeldLockTest, TakesAFreeLockWhateverTheWait) {
  for (const milliseconds wait : {milliseconds::min(), milliseconds(-1), milliseconds::max()}) {
    EXPECT_THAT(take(LockKind::kExclusive, wait), Succeeds());
  }
}

TEST_F(HeldLockTest, HasOneHolderAmongManyThreads) {
  std::atomic<int> inside = 0;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto held = take(LockKind::kExclusive, kLongWait);
        if (!held || ++inside != 1) ++failures;
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(HeldLockTest, IsFreeTheMomentThatItsHolderIsKilled) {
  HoldingProcess holder([&] { return take(LockKind::kExclusive, kNoWait, "repack").value(); });
  const auto refused = take(LockKind::kExclusive);
  ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
  EXPECT_THAT(refused.error().message, HasSubstr("pid " + std::to_string(holder.id()) + " on "));
  holder.kill();
  EXPECT_THAT(take(LockKind::kExclusive), Succeeds());
}

TEST_F(HeldLockTest, RefusesAPlantedLink) {
  const ScratchDirectory outside;
  write_text(outside.path() / "file", "outside");
  std::filesystem::create_symlink(outside.path() / "file", scratch_.path() / "lock");
  EXPECT_THAT(take(LockKind::kExclusive), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(read_text(outside.path() / "file"), "outside");
}

// Maintenance may be what makes room on a full disk, so it gets its lock without a line to write.
TEST_F(HeldLockTest, IsTakenEvenIfTheHolderCannotBeWritten) {
  const int status = run_in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 0, .rlim_max = 0};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 100;
    return exit_status_of(take(LockKind::kExclusive));
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace packstore::io
