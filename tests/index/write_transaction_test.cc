#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "index/index.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::FailsWith;
using ::packstore::index::testing::id_of;
using ::packstore::index::testing::insert;
using ::packstore::index::testing::row_of;
using ::packstore::index::testing::sorted_rows;
using ::packstore::index::testing::StoreDirectory;
using ::packstore::index::testing::Succeeds;

class WriteTransactionTest : public ::testing::Test {
 protected:
  WriteTransactionTest() {
    store_.create();
    index_ = store_.open();
  }

  std::unique_ptr<WriteTransaction> begin(CommitSync sync = CommitSync::kLazy) {
    return index_->begin_write(sync).value();
  }

  StoreDirectory store_;
  std::unique_ptr<Index> index_;
};

TEST_F(WriteTransactionTest, IsInvisibleBeforeCommitAndVisibleAfter) {
  const auto transaction = begin();
  ASSERT_TRUE(transaction->insert(row_of(1)).value());
  EXPECT_EQ(transaction->find(id_of(1)).value(), row_of(1).at);
  EXPECT_EQ(index_->find(id_of(1)).value(), std::nullopt);
  ASSERT_THAT(transaction->commit(), Succeeds());
  EXPECT_EQ(index_->find(id_of(1)).value(), row_of(1).at);
}

TEST_F(WriteTransactionTest, DroppingRollsEverythingBack) {
  {
    const auto transaction = begin();
    ASSERT_TRUE(transaction->insert(row_of(1)).value());
    ASSERT_THAT(transaction->put_ref("head", {.id = id_of(1)}), Succeeds());
    ASSERT_THAT(transaction->put_pack({.pack = 1}), Succeeds());
  }
  EXPECT_EQ(index_->find(id_of(1)).value(), std::nullopt);
  EXPECT_EQ(index_->find_ref("head").value(), std::nullopt);
  EXPECT_FALSE(index_->find_pack(1).value());
}

TEST_F(WriteTransactionTest, InsertKeepsTheRowThatIsThere) {
  const auto transaction = begin();
  ObjectRow other = row_of(1);
  other.at.pack = 2;
  EXPECT_TRUE(transaction->insert(row_of(1)).value());
  EXPECT_FALSE(transaction->insert(other).value());
  EXPECT_EQ(transaction->find(id_of(1)).value(), row_of(1).at);
}

TEST_F(WriteTransactionTest, RefusesRowsBeyondTheLimitsAndGoesOn) {
  const auto transaction = begin();
  ObjectRow broken = row_of(1);
  broken.at.offset = ~std::uint64_t{0};
  EXPECT_THAT(transaction->insert(broken), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(transaction->put_pack({.pack = 0}), FailsWith(ErrorCode::kCorrupt));
  EXPECT_TRUE(transaction->insert(row_of(1)).value());
  EXPECT_THAT(transaction->move(id_of(1), row_of(1).at, broken.at), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(transaction->commit(), Succeeds());
  EXPECT_EQ(index_->find(id_of(1)).value(), row_of(1).at);
}

TEST_F(WriteTransactionTest, MovesOnlyWhatIsWhereItWas) {
  const Location there{
      .pack = 2, .offset = 64, .stored_size = 40, .size = 100, .codec = Codec::kZlib};
  const auto transaction = begin();
  ASSERT_TRUE(transaction->insert(row_of(1)).value());
  EXPECT_FALSE(transaction->move(id_of(1), there, row_of(1).at).value());
  EXPECT_TRUE(transaction->move(id_of(1), row_of(1).at, there).value());
  EXPECT_FALSE(transaction->move(id_of(2), row_of(1).at, there).value());
  EXPECT_EQ(transaction->find(id_of(1)).value(), there);
}

TEST_F(WriteTransactionTest, EraseReturnsWhereTheRowPointed) {
  const auto transaction = begin();
  ASSERT_TRUE(transaction->insert(row_of(1)).value());
  EXPECT_EQ(transaction->erase(id_of(1)).value(), row_of(1).at);
  EXPECT_EQ(transaction->erase(id_of(1)).value(), std::nullopt);
}

TEST_F(WriteTransactionTest, PackNumbersAscendAndAreNeverUsedAgain) {
  auto transaction = begin();
  EXPECT_EQ(transaction->allocate_pack().value(), 1);
  EXPECT_EQ(transaction->allocate_pack().value(), 2);
  ASSERT_THAT(transaction->put_pack({.pack = 2}), Succeeds());
  ASSERT_THAT(transaction->erase_pack(2), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
  transaction.reset();

  transaction = begin();
  EXPECT_EQ(transaction->allocate_pack().value(), 3);
  ASSERT_THAT(transaction->reserve_packs_through(10), Succeeds());
  ASSERT_THAT(transaction->reserve_packs_through(5), Succeeds());
  EXPECT_EQ(transaction->allocate_pack().value(), 11);
  ASSERT_THAT(transaction->put_pack({.pack = 20}), Succeeds());
  EXPECT_EQ(transaction->allocate_pack().value(), 21) << "above every pack that there is";
  EXPECT_THAT(transaction->reserve_packs_through(kPackMax), Succeeds());
  EXPECT_THAT(transaction->allocate_pack(), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(WriteTransactionTest, CountsDeadBytesWithoutOverflow) {
  const auto transaction = begin();
  ASSERT_THAT(transaction->put_pack({.pack = 1, .indexed_bytes = 500}), Succeeds());
  ASSERT_THAT(transaction->add_dead_bytes(1, 100), Succeeds());
  ASSERT_THAT(transaction->add_dead_bytes(1, 20), Succeeds());
  EXPECT_EQ(transaction->find_pack(1).value()->dead_bytes, 120);
  EXPECT_EQ(transaction->find_pack(1).value()->indexed_bytes, 500);
  ASSERT_THAT(transaction->add_dead_bytes(1, ~std::uint64_t{0}), Succeeds());
  EXPECT_EQ(transaction->find_pack(1).value()->dead_bytes, kOffsetMax);
  EXPECT_THAT(transaction->add_dead_bytes(2, 1), Succeeds());
  EXPECT_FALSE(transaction->find_pack(2).value());
}

TEST_F(WriteTransactionTest, KnowsWhetherRowsPointIntoAPack) {
  const auto transaction = begin();
  ASSERT_TRUE(transaction->insert(row_of(1)).value());
  EXPECT_TRUE(transaction->pack_has_rows(1).value());
  EXPECT_FALSE(transaction->pack_has_rows(2).value());
}

TEST_F(WriteTransactionTest, GenerationHasMovedOnWhenCommitReturnsAndIsEven) {
  const std::uint64_t before = index_->generation();
  EXPECT_EQ(before % 2, 0);
  const auto other = store_.open();
  insert(*index_, sorted_rows(1));
  EXPECT_GT(index_->generation(), before);
  EXPECT_EQ(index_->generation() % 2, 0);
  EXPECT_EQ(other->generation(), index_->generation()) << "one counter for every process";
}

TEST_F(WriteTransactionTest, GenerationStandsWhenNothingIsCommitted) {
  const std::uint64_t before = index_->generation();
  { const auto dropped = begin(); }
  EXPECT_EQ(index_->generation(), before);
}

// Sequence numbers written by a process that died inside COMMIT leave the generation odd.
TEST_F(WriteTransactionTest, GenerationBecomesEvenAgainAfterAProcessDiedInCommit) {
  store_.locks().open_counter("generation").value()->increment();
  ASSERT_EQ(index_->generation() % 2, 1);
  insert(*index_, sorted_rows(1));
  EXPECT_EQ(index_->generation() % 2, 0);
}

TEST_F(WriteTransactionTest, ASecondWriterWaitsForTheFirst) {
  auto first = begin();
  ASSERT_TRUE(first->insert(row_of(1)).value());
  std::thread second([&] {
    const auto transaction = index_->begin_write(CommitSync::kLazy).value();
    EXPECT_TRUE(transaction->find(id_of(1)).value()) << "it began after the first had committed";
  });
  ASSERT_THAT(first->commit(), Succeeds());
  second.join();
}

// The turn may be given back by another thread than the one that took it.
TEST_F(WriteTransactionTest, MayEndOnAnotherThread) {
  auto transaction = begin();
  std::thread([&] {
    EXPECT_TRUE(transaction->insert(row_of(1)).value());
    EXPECT_THAT(transaction->commit(), Succeeds());
    transaction.reset();
  }).join();
  insert(*index_, {{row_of(2)}});
  EXPECT_EQ(index_->totals().value().at(0).objects, 2);
}

}  // namespace
}  // namespace packstore::index
