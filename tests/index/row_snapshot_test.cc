#include "index/row_snapshot.h"

#include <utility>

#include "index/writer.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::insert;
using ::packstore::index::testing::sorted_rows;
using ::packstore::index::testing::StoreDirectory;
using ::packstore::index::testing::Succeeds;

// In memory, and in a temporary file: the argument is the limit between the two.
class RowSnapshotTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  RowSnapshotTest() {
    store_.create();
    index_ = store_.open();
  }

  std::unique_ptr<RowSnapshot> take(std::optional<std::span<const std::uint64_t>> packs) {
    const DatabaseFile file = database_in(io::posix_file_system(), store_.root());
    return make_row_snapshot(file, packs, GetParam()).value();
  }

  StoreDirectory store_;
  std::unique_ptr<Index> index_;
};

TEST_P(RowSnapshotTest, IsSortedByPlaceAndOfTheChosenPacks) {
  std::vector<ObjectRow> rows = sorted_rows(3000);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].at.pack = 1 + i % 3;
  insert(*index_, rows);
  const std::uint64_t chosen[] = {3, 1, 3, kPackMax + 1};
  const std::unique_ptr<RowSnapshot> snapshot = take(chosen);
  EXPECT_EQ(snapshot->size(), 2000);
  std::pair<std::uint64_t, std::uint64_t> last{0, 0};
  std::size_t count = 0;
  while (const std::optional<ObjectRow> row = snapshot->next().value()) {
    const std::pair place(row->at.pack, row->at.offset);
    EXPECT_LT(last, place);
    EXPECT_NE(place.first, 2);
    EXPECT_EQ(index_->find(row->id).value(), row->at);
    last = place;
    ++count;
  }
  EXPECT_EQ(count, 2000);
  EXPECT_FALSE(snapshot->next().value()) << "the end is the end";
  EXPECT_EQ(take(std::nullopt)->size(), 3000);
}

TEST_P(RowSnapshotTest, KeepsItsMomentAndDoesNotHoldTheLog) {
  insert(*index_, sorted_rows(1000));
  const std::unique_ptr<RowSnapshot> snapshot = take(std::nullopt);
  ASSERT_TRUE(snapshot->next().value());
  store_.tamper("DELETE FROM objects");
  EXPECT_THAT(index_->checkpoint(), Succeeds());
  EXPECT_EQ(store_.wal_bytes(), 0);
  std::size_t rest = 0;
  while (snapshot->next().value()) ++rest;
  EXPECT_EQ(rest, 999);
}

INSTANTIATE_TEST_SUITE_P(MemoryAndFile, RowSnapshotTest, ::testing::Values(kRowsInMemoryMax, 0));

}  // namespace
}  // namespace packstore::index
