#include "io/posix_counter.h"

#include <thread>
#include <vector>

#include "io_test_support.h"

namespace packstore::io {
namespace {

class PosixCounterTest : public testing::Test {
 protected:
  std::unique_ptr<SharedCounter> open() { return directory_->open_counter("counter").value(); }

  ScratchDirectory scratch_;
  std::unique_ptr<Directory> directory_ = scratch_.open();
};

TEST_F(PosixCounterTest, StartsAtZeroAndIsOneForAllWhoOpenIt) {
  const auto first = open();
  const auto second = open();
  EXPECT_EQ(first->load(), 0U);
  first->increment();
  second->increment();
  EXPECT_EQ(first->load(), 2U);
  EXPECT_EQ(second->load(), 2U);
}

TEST_F(PosixCounterTest, KeepsItsValueWhenNobodyHasItOpen) {
  open()->increment();
  EXPECT_EQ(open()->load(), 1U);
}

TEST_F(PosixCounterTest, IsSharedWithOtherProcesses) {
  const auto counter = open();
  const int status = run_in_child([&] {
    counter->increment();
    open()->increment();
    return 0;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(counter->load(), 2U);
}

// Every thread creates the file if it can; a creator that came late must not undo what was counted.
TEST_F(PosixCounterTest, LosesNoCountWhileManyCreateIt) {
  constexpr unsigned kThreads = 8;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([&] { open()->increment(); });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(open()->load(), kThreads);
    ASSERT_THAT(directory_->remove_file("counter"), Succeeds());
  }
}

TEST_F(PosixCounterTest, RefusesAFileOfAnotherSize) {
  for (const char* content : {"1", "1234567", "123456789"}) {
    write_text(scratch_.path() / "counter", content);
    EXPECT_THAT(directory_->open_counter("counter"), FailsWith(ErrorCode::kCorrupt));
    EXPECT_EQ(read_text(scratch_.path() / "counter"), content);
  }
}

}  // namespace
}  // namespace packstore::io
