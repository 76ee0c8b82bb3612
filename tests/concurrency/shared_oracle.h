// What processes were told, in memory that they share and that outlives each of them: whoever dies
// right after an acknowledgement has noted it, or has not been told.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>

namespace packstore::testing {

// What one process has done. Its operations are numbered from 0.
struct Account {
  std::atomic<std::uint64_t> trade{0};
  std::atomic<std::uint64_t> begun{0};         // Operations that may have happened.
  std::atomic<std::uint64_t> acknowledged{0};  // Operations that have.
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class SharedOracle {
 public:
  static constexpr std::uint64_t kAccountsMax = 1 << 14;

  SharedOracle() {
    void* memory =
        ::mmap(nullptr, sizeof(Book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    book_ = new (memory) Book;
  }
  ~SharedOracle() { ::munmap(book_, sizeof *book_); }
  SharedOracle(const SharedOracle&) = delete;
  SharedOracle& operator=(const SharedOracle&) = delete;

  // Opened before the process that it is for is forked.
  std::uint64_t open_account(std::uint64_t trade) {
    const std::uint64_t number = book_->opened;
    EXPECT_LT(number, kAccountsMax);
    book_->accounts[number].trade = trade;
    ++book_->opened;
    return number;
  }
  bool is_full() const { return book_->opened == kAccountsMax; }
  std::uint64_t opened() const { return book_->opened; }
  Account& account(std::uint64_t number) const { return book_->accounts[number]; }

  std::uint64_t total_acknowledged() const {
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < opened(); ++i) total += account(i).acknowledged;
    return total;
  }

 private:
  struct Book {
    std::atomic<std::uint64_t> opened{0};
    Account accounts[kAccountsMax];
  };
  Book* book_;
};

}  // namespace packstore::testing
