#include "store/row_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace packstore::store {
namespace {

// Ids whose first bytes are alike, so that all of them want the same slot.
ObjectId crowded_id(std::uint32_t number) {
  ObjectId id;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[28 + i] = static_cast<std::byte>(number >> 8 * i);
  return id;
}

ObjectId spread_id(std::uint32_t number) { return ObjectId::of(as_bytes(std::to_string(number))); }

index::ObjectRow row(const ObjectId& id, std::uint64_t offset) { return {id, {.offset = offset}}; }

TEST(RowTable, IsEmptyAtFirst) {
  const RowTable table;
  EXPECT_TRUE(table.empty());
  EXPECT_FALSE(table.contains({}));
}

// Past several growths.
TEST(RowTable, FindsWhatWasAddedAndNothingElse) {
  constexpr std::uint32_t kRows = 20'000;
  RowTable table;
  for (std::uint32_t i = 0; i < kRows; ++i) {
    ASSERT_FALSE(table.contains(spread_id(i)));
    table.add(row(spread_id(i), i));
  }
  EXPECT_EQ(table.size(), kRows);
  for (std::uint32_t i = 0; i < kRows; ++i) ASSERT_TRUE(table.contains(spread_id(i)));
  for (std::uint32_t i = kRows; i < 2 * kRows; ++i) ASSERT_FALSE(table.contains(spread_id(i)));
}

TEST(RowTable, TellsIdsApartThatWantTheSamePlace) {
  constexpr std::uint32_t kRows = 2'000;
  RowTable table;
  for (std::uint32_t i = 0; i < kRows; ++i) table.add(row(crowded_id(i), i));
  for (std::uint32_t i = 0; i < kRows; ++i) ASSERT_TRUE(table.contains(crowded_id(i)));
  EXPECT_FALSE(table.contains(crowded_id(kRows)));
}

TEST(RowTable, GivesItsRowsAwayInTheirOrderAndIsEmptyThen) {
  RowTable table;
  for (std::uint32_t i = 0; i < 100; ++i) table.add(row(spread_id(i), i));
  const std::vector<index::ObjectRow> rows = table.take_rows();
  ASSERT_EQ(rows.size(), 100);
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(rows[i].at.offset, i);
  EXPECT_TRUE(table.empty());
  EXPECT_FALSE(table.contains(spread_id(5)));
  table.add(row(spread_id(5), 5));
  EXPECT_TRUE(table.contains(spread_id(5)));
}

}  // namespace
}  // namespace packstore::store
