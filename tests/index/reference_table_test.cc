// Reference counts inside of a write transaction, and the recount beside it.
#include <gmock/gmock.h>

#include <map>
#include <utility>

#include "index/recount_table.h"
#include "index/reference_table.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::FailsWith;
using ::packstore::index::testing::id_of;
using ::packstore::index::testing::StoreDirectory;
using ::packstore::index::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Link node_of(std::uint64_t number) { return {id_of(number), NodeKind::kDagCbor}; }
Link raw_of(std::uint64_t number) { return {id_of(number), NodeKind::kRaw}; }

class ReferenceTableTest : public ::testing::Test {
 protected:
  ReferenceTableTest() {
    store_.create(io::posix_file_system(), ReferenceCounts::kExact);
    index_ = store_.open();
    begin();
  }

  void begin() {
    transaction_.reset();
    transaction_ = index_->begin_write(CommitSync::kLazy).value();
  }
  void commit() {
    ASSERT_THAT(transaction_->commit(), Succeeds());
    begin();
  }
  ReferenceTable& table() { return *transaction_->reference_table(); }

  StoreDirectory store_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<WriteTransaction> transaction_;
};

TEST_F(ReferenceTableTest, IsThereOnlyInIndexesThatWereCreatedWithCounts) {
  EXPECT_EQ(index_->reference_counts(), ReferenceCounts::kExact);
  StoreDirectory plain;
  plain.create();
  const auto index = plain.open();
  EXPECT_EQ(index->reference_counts(), ReferenceCounts::kNone);
  EXPECT_EQ(index->begin_write(CommitSync::kLazy).value()->reference_table(), nullptr);
}

TEST_F(ReferenceTableTest, SaysWhichReferenceIsTheFirstAndWhichTheLast) {
  EXPECT_TRUE(table().add(raw_of(1)).value());
  EXPECT_FALSE(table().add(raw_of(1)).value());
  EXPECT_TRUE(table().add(node_of(1)).value());  // Another link to the same object.
  commit();
  EXPECT_EQ(index_->count_references(raw_of(1)).value(), 2);
  EXPECT_EQ(index_->count_references(node_of(1)).value(), 1);
  EXPECT_EQ(index_->count_references(raw_of(2)).value(), 0);
  EXPECT_FALSE(table().drop(raw_of(1)).value());
  EXPECT_TRUE(table().drop(raw_of(1)).value());
  EXPECT_THAT(table().drop(raw_of(1)), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(ReferenceTableTest, ChangesNothingUntilTheCommit) {
  ASSERT_THAT(table().add(raw_of(1)), Succeeds());
  EXPECT_EQ(index_->count_references(raw_of(1)).value(), 0);
  begin();
  EXPECT_TRUE(table().add(raw_of(1)).value());
}

TEST_F(ReferenceTableTest, PagesStepsByIdAndKind) {
  const auto release = ReferenceStep::kRelease;
  for (const Link& link : {node_of(3), raw_of(3), node_of(1), raw_of(2)}) {
    ASSERT_THAT(table().put_step(release, link), Succeeds());
  }
  ASSERT_THAT(table().put_step(ReferenceStep::kFollowLater, node_of(9)), Succeeds());
  std::vector<Link> all;
  for (std::optional<Link> after;;) {
    const std::vector<Link> page = table().steps(release, after, 1).value();
    if (page.empty()) break;
    all.push_back(page.front());
    after = page.front();
  }
  EXPECT_EQ(all, table().steps(release, std::nullopt, 10).value());
  EXPECT_EQ(all.size(), 4);
  EXPECT_TRUE(table().erase_step(release, raw_of(3)).value());
  EXPECT_FALSE(table().erase_step(release, raw_of(3)).value());
  commit();
  EXPECT_EQ(index_->reference_steps(release, std::nullopt, 10).value().size(), 3);
}

TEST_F(ReferenceTableTest, HoldsObjectsAsWhateverKind) {
  ASSERT_THAT(table().add(node_of(1)), Succeeds());
  ASSERT_THAT(table().put_step(ReferenceStep::kRelease, node_of(2)), Succeeds());
  EXPECT_TRUE(table().holds(id_of(1)).value());
  EXPECT_TRUE(table().holds(id_of(2)).value());
  EXPECT_FALSE(table().holds(id_of(3)).value());
  EXPECT_TRUE(table().holds_links_of(node_of(1)).value());
  EXPECT_TRUE(table().holds_links_of(node_of(2)).value());
  EXPECT_FALSE(table().holds_links_of(raw_of(1)).value());
  ASSERT_THAT(table().clear(), Succeeds());
  EXPECT_FALSE(table().holds(id_of(1)).value());
  EXPECT_FALSE(table().holds(id_of(2)).value());
}

TEST_F(ReferenceTableTest, ARecountFindsWhatIsMissingAndWhatIsTooMuch) {
  ASSERT_THAT(transaction_->put_ref("head", node_of(1)), Succeeds());
  ASSERT_THAT(transaction_->put_ref("same", node_of(1)), Succeeds());
  for (const Link& link : {node_of(1), node_of(1), raw_of(3), raw_of(4), raw_of(5)}) {
    ASSERT_THAT(table().add(link), Succeeds());
  }
  ASSERT_THAT(table().put_step(ReferenceStep::kRelease, node_of(6)), Succeeds());
  commit();
  const auto recount = index_->begin_recount().value();
  std::vector<Link> taken = recount->take_nodes(10).value();
  ASSERT_EQ(taken.size(), 2);  // The target of the refs, and what waits for its release.
  ASSERT_THAT(recount->add(node_of(2)), Succeeds());  // Not counted.
  ASSERT_THAT(recount->add(raw_of(3)), Succeeds());   // As counted.
  ASSERT_THAT(recount->add(raw_of(4)), Succeeds());   // Once too few.
  ASSERT_THAT(recount->add(raw_of(4)), Succeeds());
  EXPECT_THAT(recount->take_nodes(10).value(), ElementsAre(node_of(2)));
  EXPECT_THAT(recount->take_nodes(10).value(), IsEmpty());
  std::map<ObjectId, std::pair<std::uint64_t, std::uint64_t>> differences;
  for (const auto& [link, claimed, found] : recount->differences(10).value()) {
    differences[link.id] = {claimed, found};
  }
  EXPECT_THAT(differences,
              ::testing::UnorderedElementsAre(::testing::Pair(id_of(2), ::testing::Pair(0, 1)),
                                              ::testing::Pair(id_of(4), ::testing::Pair(1, 2)),
                                              ::testing::Pair(id_of(5), ::testing::Pair(1, 0))));
}

TEST_F(ReferenceTableTest, ARecountDoesNotFollowWhatWasPutOff) {
  ASSERT_THAT(transaction_->put_ref("head", node_of(1)), Succeeds());
  ASSERT_THAT(table().add(node_of(1)), Succeeds());
  ASSERT_THAT(table().put_step(ReferenceStep::kFollowLater, node_of(1)), Succeeds());
  commit();
  const auto recount = index_->begin_recount().value();
  EXPECT_THAT(recount->take_nodes(10).value(), IsEmpty());
  EXPECT_THAT(recount->differences(10).value(), IsEmpty());
}

TEST_F(ReferenceTableTest, ACopyOfTheIndexHasTheCounts) {
  ASSERT_THAT(table().add(raw_of(1)), Succeeds());
  ASSERT_THAT(table().put_step(ReferenceStep::kRelease, node_of(2)), Succeeds());
  commit();
  transaction_.reset();
  StoreDirectory to;
  ASSERT_THAT(index_->copy_to(to.root(), to.locks()), Succeeds());
  const auto copied = to.open();
  EXPECT_EQ(copied->count_references(raw_of(1)).value(), 1);
  EXPECT_THAT(copied->reference_steps(ReferenceStep::kRelease, std::nullopt, 2).value(),
              ElementsAre(node_of(2)));
}

}  // namespace
}  // namespace packstore::index
