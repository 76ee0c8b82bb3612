// Index::copy_to(): an index becomes a copy of another one, at once.
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
using ::testing::ElementsAre;
using ::testing::SizeIs;

class CopyTest : public ::testing::Test {
 protected:
  CopyTest() {
    from_.create();
    source_ = from_.open();
    insert(*source_, sorted_rows(1000));
    const auto transaction = source_->begin_write(CommitSync::kLazy).value();
    EXPECT_EQ(transaction->allocate_pack().value(), 1);
    transaction->put_pack({.pack = 1, .indexed_bytes = 500, .dead_bytes = 5}).value();
    transaction->put_pack({.pack = 2, .state = PackState::kRetired}).value();
    transaction->put_ref("head", {.id = id_of(3)}).value();
    transaction->add_pending_unlink(id_of(4)).value();
    transaction->commit().value();
  }

  Status copy() { return source_->copy_to(to_.root(), to_.locks()); }

  StoreDirectory from_;
  StoreDirectory to_;
  std::unique_ptr<Index> source_;
};

TEST_F(CopyTest, MakesTheIndexWhereThereIsNone) {
  ASSERT_THAT(copy(), Succeeds());
  const auto copied = to_.open();
  EXPECT_EQ(copied->totals().value().at(0).objects, 1000);
  EXPECT_EQ(copied->find(id_of(7)).value(), row_of(7).at);
  EXPECT_EQ(copied->find_ref("head").value(), id_of(3));
  EXPECT_THAT(copied->pending_unlinks().value(), ElementsAre(id_of(4)));
  EXPECT_THAT(copied->integrity_complaints().value(), SizeIs(0));
  EXPECT_EQ(copied->begin_write(CommitSync::kLazy).value()->allocate_pack().value(), 3);
}

TEST_F(CopyTest, SealsOpenPacks) {
  ASSERT_THAT(copy(), Succeeds());
  const PackRow sealed = to_.open()->find_pack(1).value().value();
  EXPECT_EQ(sealed.state, PackState::kSealed);
  EXPECT_EQ(sealed.indexed_bytes, 500);
  EXPECT_EQ(sealed.dead_bytes, 5);
  EXPECT_EQ(to_.open()->find_pack(2).value()->state, PackState::kRetired);
  EXPECT_EQ(source_->find_pack(1).value()->state, PackState::kOpen) << "the source stays";
}

TEST_F(CopyTest, LeavesTheLogEmpty) {
  ASSERT_THAT(copy(), Succeeds());
  EXPECT_EQ(to_.wal_bytes(), 0);
}

TEST_F(CopyTest, ReplacesAnEarlierCopy) {
  ASSERT_THAT(copy(), Succeeds());
  const auto transaction = source_->begin_write(CommitSync::kLazy).value();
  ASSERT_TRUE(transaction->erase(id_of(1)).value());
  ASSERT_TRUE(transaction->insert(row_of(2000)).value());
  ASSERT_THAT(transaction->erase_ref("head"), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
  ASSERT_THAT(copy(), Succeeds());
  const auto copied = to_.open();
  EXPECT_EQ(copied->find(id_of(1)).value(), std::nullopt);
  EXPECT_EQ(copied->find(id_of(2000)).value(), row_of(2000).at);
  EXPECT_EQ(copied->find_ref("head").value(), std::nullopt);
  EXPECT_THAT(copied->page(std::nullopt, 2000).value(), SizeIs(1000));
}

TEST_F(CopyTest, IsSeenByWhoeverHasTheDestinationOpen) {
  to_.create();
  const auto open_before = to_.open();
  ASSERT_EQ(open_before->find(id_of(1)).value(), std::nullopt);
  const std::uint64_t generation = open_before->generation();
  ASSERT_THAT(copy(), Succeeds());
  EXPECT_EQ(open_before->find(id_of(1)).value(), row_of(1).at);
  EXPECT_GT(open_before->generation(), generation);
  EXPECT_EQ(open_before->generation() % 2, 0);
}

TEST_F(CopyTest, RefusesADestinationThatIsAnotherIndexAndLeavesItAlone) {
  ASSERT_THAT(Index::create(io::posix_file_system(), to_.root(), "another"), Succeeds());
  EXPECT_THAT(copy(), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(Index::open(io::posix_file_system(), to_.root(), to_.locks(), "another"), Succeeds());
}

// The copy is of one moment: batches of ten rows are in it whole or not at all.
TEST_F(CopyTest, HoldsOnlyWholeCommitsBesideAWriter) {
  std::thread writer([&] {
    for (std::uint64_t batch = 0; batch < 100; ++batch) {
      std::vector<ObjectRow> rows;
      for (std::uint64_t i = 0; i < 10; ++i) rows.push_back(row_of(10'000 + 10 * batch + i));
      insert(*source_, rows);
    }
  });
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(copy(), Succeeds());
    EXPECT_EQ(to_.open()->totals().value().at(0).objects % 10, 0);
  }
  writer.join();
  ASSERT_THAT(copy(), Succeeds());
  EXPECT_EQ(to_.open()->totals().value().at(0).objects, 2000);
}

}  // namespace
}  // namespace packstore::index
