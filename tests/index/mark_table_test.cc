#include <gmock/gmock.h>

#include "index/mark_table.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::testing::ElementsAre;
using testing::id_of;
using ::testing::IsEmpty;
using testing::row_of;
using testing::Succeeds;

using Reached = MarkTable::Reached;
using Step = MarkTable::Step;

class MarkTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_.create();
    index_ = store_.open();
    auto transaction = index_->begin_write(CommitSync::kDurable).value();
    for (std::uint64_t i = 0; i < 10; ++i) ASSERT_THAT(transaction->insert(row_of(i)), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
    marks_ = index_->begin_marking().value();
  }
  std::vector<ObjectId> unreached() {
    std::vector<ObjectId> ids;
    for (std::optional<ObjectId> after;;) {
      const auto page = marks_->unreached(after, 3).value();
      for (const auto& garbage : page) ids.push_back(garbage.id);
      if (page.size() < 3) return ids;
      after = page.back().id;
    }
  }

  testing::StoreDirectory store_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<MarkTable> marks_;
};

TEST_F(MarkTableTest, CandidatesAreWhatHadARowAndWhatWasAdded) {
  ASSERT_THAT(marks_->add_loose_candidate(id_of(3), 7), Succeeds());
  ASSERT_THAT(marks_->add_loose_candidate(id_of(50), 9), Succeeds());
  EXPECT_EQ(marks_->count_candidates().value(), 11);
  EXPECT_EQ(unreached().size(), 11U);
  EXPECT_TRUE(std::ranges::is_sorted(unreached()));
  std::uint64_t loose_bytes = 0;
  for (const auto& garbage : marks_->unreached(std::nullopt, 100).value()) {
    loose_bytes += garbage.loose_bytes.value_or(0);
  }
  EXPECT_EQ(loose_bytes, 16);
}

TEST_F(MarkTableTest, RowsThatComeLaterAreNoCandidates) {
  auto transaction = index_->begin_write(CommitSync::kLazy).value();
  ASSERT_THAT(transaction->insert(row_of(77)), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
  EXPECT_EQ(marks_->count_candidates().value(), 10);
  EXPECT_EQ(marks_->reach({.id = id_of(77)}).value(), Reached::kOther);
}

TEST_F(MarkTableTest, AnObjectIsReachedOnceAsEachKind) {
  EXPECT_EQ(marks_->reach({.id = id_of(1)}).value(), Reached::kCandidate);
  EXPECT_EQ(marks_->reach({.id = id_of(1)}).value(), Reached::kBefore);
  EXPECT_EQ(marks_->reach({id_of(1), NodeKind::kDagCbor}).value(), Reached::kCandidate);
  EXPECT_EQ(marks_->reach({id_of(1), NodeKind::kDagPb}).value(), Reached::kCandidate);
  EXPECT_EQ(marks_->reach({id_of(1), NodeKind::kDagCbor}).value(), Reached::kBefore);
  EXPECT_EQ(marks_->reach({.id = id_of(99)}).value(), Reached::kOther);
  EXPECT_EQ(marks_->reach({.id = id_of(99)}).value(), Reached::kBefore);
  EXPECT_EQ(unreached().size(), 9U);
}

TEST_F(MarkTableTest, TheLastNodesAreTakenFirst) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    Step step{.node = {id_of(i), NodeKind::kDagCbor}, .parent = {}};
    if (i != 0) step.parent = id_of(i - 1);
    ASSERT_THAT(marks_->push(step), Succeeds());
  }
  const std::vector<Step> last = marks_->pop(2).value();
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last[0].node, (Link{id_of(4), NodeKind::kDagCbor}));
  EXPECT_EQ(last[0].parent, id_of(3));
  EXPECT_EQ(last[1].node.id, id_of(3));
  EXPECT_EQ(marks_->pop(10).value().size(), 3U);
  EXPECT_THAT(marks_->pop(10).value(), IsEmpty());
}

TEST_F(MarkTableTest, WhatIsSetAsideComesBackOnce) {
  ASSERT_THAT(marks_->set_aside({.node = {id_of(1), NodeKind::kDagPb}, .parent = {}}), Succeeds());
  EXPECT_THAT(marks_->pop(10).value(), IsEmpty());
  ASSERT_THAT(marks_->take_back(), Succeeds());
  const std::vector<Step> back = marks_->pop(10).value();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].node, (Link{id_of(1), NodeKind::kDagPb}));
  EXPECT_FALSE(back[0].parent);
  ASSERT_THAT(marks_->take_back(), Succeeds());
  EXPECT_THAT(marks_->pop(10).value(), IsEmpty());
}

TEST_F(MarkTableTest, LeavesNoTransactionOpenOnTheIndex) {
  ASSERT_THAT(marks_->reach({.id = id_of(1)}), Succeeds());
  auto transaction = index_->begin_write(CommitSync::kLazy).value();
  ASSERT_THAT(transaction->keep(id_of(1)), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
  ASSERT_THAT(index_->checkpoint(), Succeeds());
  EXPECT_EQ(store_.wal_bytes(), 0);
}

TEST_F(MarkTableTest, KeptIdsArePagedAndForgotten) {
  auto transaction = index_->begin_write(CommitSync::kLazy).value();
  for (const std::uint64_t i : {1U, 2U, 3U, 2U})
    ASSERT_THAT(transaction->keep(id_of(i)), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
  const std::vector<ObjectId> first = index_->kept(std::nullopt, 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(index_->kept(first.back(), 2).value().size(), 1U);
  transaction = index_->begin_write(CommitSync::kLazy).value();
  ASSERT_THAT(transaction->clear_kept(), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
  EXPECT_THAT(index_->kept(std::nullopt, 2).value(), IsEmpty());
}

}  // namespace
}  // namespace packstore::index
