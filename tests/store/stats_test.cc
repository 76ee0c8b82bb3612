#include "store/stats.h"

#include "damaged_store.h"
#include "format/pack_record.h"

namespace packstore::store {
namespace {

constexpr std::uint64_t kHeader = format::PackRecord::kHeaderSize;

class StatsTest : public DamagedStoreTest {};

TEST_F(StatsTest, CountsWhatIsThere) {
  const StoreStats stats = store().stats().value();
  EXPECT_EQ(stats.loose_objects, 2U);
  EXPECT_EQ(stats.loose_bytes, loose_content_.size() + other_loose_content_.size());
  EXPECT_EQ(stats.packed_objects, 3U);
  EXPECT_EQ(stats.packed_content_bytes,
            first_content_.size() + squeezed_content_.size() + last_content_.size());
  EXPECT_EQ(stats.packed_stored_bytes,
            first_content_.size() + saboteur_.find(squeezed_).stored_size + last_content_.size());
  EXPECT_LT(stats.compression_ratio(), 1.0);
  EXPECT_EQ(stats.pack_file_bytes, std::filesystem::file_size(saboteur_.pack(1)));
  EXPECT_GT(stats.index_bytes, 0U);
  EXPECT_EQ(stats.refs, 1U);
  EXPECT_EQ(stats.sandbox_files, 0U);
}

TEST_F(StatsTest, CountsRemovedObjectsAndTornTailsAsDead) {
  const std::uint64_t removed = kHeader + std::string_view("an object that will be removed").size();
  EXPECT_EQ(store().stats().value().dead_bytes, removed);
  Saboteur::append(saboteur_.pack(1), "torn");
  const StoreStats stats = store().stats().value();
  ASSERT_EQ(stats.packs.size(), 1U);
  EXPECT_EQ(stats.packs[0].pack, 1U);
  EXPECT_EQ(stats.packs[0].objects, 3U);
  EXPECT_FALSE(stats.packs[0].sealed);
  EXPECT_EQ(stats.packs[0].dead_bytes, removed + 4);
}

TEST_F(StatsTest, CountsAPackWithoutAnEntryAsDead) {
  Saboteur::write(saboteur_.pack(9), std::string(100, 'x'));
  const StoreStats stats = store().stats().value();
  ASSERT_EQ(stats.packs.size(), 2U);
  EXPECT_EQ(stats.packs[1].pack, 9U);
  EXPECT_EQ(stats.packs[1].dead_bytes, 100U);
}

TEST_F(StatsTest, CountsLeftoversOfTheSandbox) {
  Saboteur::write(saboteur_.path() / "sandbox" / "put-1", "");
  EXPECT_EQ(store().stats().value().sandbox_files, 1U);
}

TEST(Stats, HasHarmlessRatiosForAnEmptyStore) {
  const ScratchPath scratch;
  const Store store = Store::create(scratch / "store").value();
  const StoreStats stats = store.stats().value();
  EXPECT_EQ(stats.packed_objects, 0U);
  EXPECT_EQ(stats.compression_ratio(), 1.0);
  EXPECT_EQ(stats.index_bytes_per_object(), 0.0);
}

}  // namespace
}  // namespace packstore::store
