#include "store/repair.h"

#include <algorithm>

#include "damaged_store.h"
#include "format/pack_record.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::uint64_t kHeader = format::PackRecord::kHeaderSize;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class RepairTest : public DamagedStoreTest {
 protected:
  std::filesystem::path quarantine(const std::string& name) const {
    return saboteur_.path() / "quarantine" / name;
  }

  void expect_valid() { EXPECT_THAT(describe(validate()), IsEmpty()); }

  // Everything but `lost` can be read.
  void expect_rest_readable(const std::vector<ObjectId>& lost) {
    for (const auto& [id, content] : objects()) {
      if (std::find(lost.begin(), lost.end(), id) == lost.end()) expect_readable(id);
    }
    expect_no_wrong_read();
  }
};

TEST_F(RepairTest, DoesNothingToASoundStore) {
  const RepairReport report = repair();
  EXPECT_EQ(report.moved_aside + report.rows_dropped + report.rows_added, 0U);
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(saboteur_.path() / "quarantine"));
}

TEST_F(RepairTest, LooksAgainBeforeItActs) {
  const index::Location at = saboteur_.find(last_);
  Saboteur::flip(saboteur_.pack(1), at.offset + kHeader);
  const ValidationReport found = store().validate().value();
  Saboteur::flip(saboteur_.pack(1), at.offset + kHeader);
  const RepairReport report = store().lock_maintenance().value().repair(found).value();
  EXPECT_EQ(report.moved_aside + report.rows_dropped, 0U);
  expect_rest_readable({});
}

TEST_F(RepairTest, SetsADamagedRecordAside) {
  const index::Location at = saboteur_.find(last_);
  Saboteur::flip(saboteur_.pack(1), at.offset + kHeader + 2);
  const RepairReport report = repair();
  EXPECT_THAT(report.lost, ElementsAre(last_));
  EXPECT_EQ(report.moved_aside, 1U);
  EXPECT_EQ(report.rows_dropped, 1U);
  const std::string kept = content_of(quarantine(last_.to_hex() + ".record"));
  ASSERT_EQ(kept.size(), kHeader + last_content_.size());
  EXPECT_NE(kept.substr(kHeader), last_content_);
  EXPECT_EQ(kept.substr(kHeader + 3), last_content_.substr(3));
  EXPECT_FALSE(store().contains(last_).value());
  expect_valid();
  expect_rest_readable({last_});
}

TEST_F(RepairTest, KeepsADamagedRecordsObjectThroughItsLooseCopy) {
  Saboteur::flip(saboteur_.pack(1), saboteur_.find(last_).offset + kHeader);
  Saboteur::write(saboteur_.loose(last_), last_content_);
  const RepairReport report = repair();
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_EQ(report.rows_dropped, 1U);
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, SetsADamagedLooseFileAsideUnderANameOfItsOwn) {
  for (const std::string suffix : {".loose", ".loose.1"}) {
    Saboteur::flip(saboteur_.loose(loose_), 1);
    EXPECT_THAT(repair().lost, ElementsAre(loose_));
    EXPECT_TRUE(std::filesystem::exists(quarantine(loose_.to_hex() + suffix)));
    EXPECT_FALSE(std::filesystem::exists(saboteur_.loose(loose_)));
    expect_valid();
    ASSERT_TRUE(store().put(as_bytes(loose_content_)));
  }
}

TEST_F(RepairTest, KeepsADamagedLooseFilesObjectThroughItsRecord) {
  Saboteur::write(saboteur_.loose(first_), "something else");
  const RepairReport report = repair();
  EXPECT_EQ(report.moved_aside, 1U);
  EXPECT_THAT(report.lost, IsEmpty());
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, DropsTheRowsOfAMissingPack) {
  close();
  std::filesystem::remove(saboteur_.pack(1));
  reopen();
  const RepairReport report = repair();
  EXPECT_EQ(report.rows_dropped, 3U);
  EXPECT_THAT(report.lost, UnorderedElementsAre(first_, squeezed_, last_));
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kRefBroken, first_)));
  expect_rest_readable({first_, squeezed_, last_});
}

TEST_F(RepairTest, SavesWhatACutPackStillHas) {
  const index::Location at = saboteur_.find(last_);
  close();
  std::filesystem::resize_file(saboteur_.pack(1), at.offset + kHeader + 7);
  reopen();
  EXPECT_THAT(repair().lost, ElementsAre(last_));
  EXPECT_EQ(content_of(quarantine(last_.to_hex() + ".record")).size(), kHeader + 7);
  expect_valid();
  expect_rest_readable({last_});
}

TEST_F(RepairTest, SealsAPackThatLostWholeRecords) {
  const index::Location at = saboteur_.find(last_);
  close();
  std::filesystem::resize_file(saboteur_.pack(1), at.offset);
  reopen();
  EXPECT_THAT(repair().lost, ElementsAre(last_));
  expect_valid();
  expect_rest_readable({last_});
  EXPECT_EQ(saboteur_.find_pack(1).state, index::PackState::kSealed);
}

TEST_F(RepairTest, FindsTheRecordOfARowThatPointedElsewhere) {
  const index::Location right = saboteur_.find(last_);
  index::Location wrong = saboteur_.find(first_);
  wrong.offset += 10;
  saboteur_.edit_index(
      [&](auto& transaction) { EXPECT_TRUE(transaction.move(last_, right, wrong).value()); });
  const RepairReport report = repair();
  EXPECT_EQ(report.rows_dropped, 1U);
  EXPECT_EQ(report.rows_added, 1U);
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_EQ(saboteur_.find(last_), right);
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, FindsTheRecordOfARowThatNamedAPackThatNeverWas) {
  const index::Location right = saboteur_.find(squeezed_);
  index::Location wrong = right;
  wrong.pack = 77;
  saboteur_.edit_index(
      [&](auto& transaction) { EXPECT_TRUE(transaction.move(squeezed_, right, wrong).value()); });
  EXPECT_THAT(repair().lost, IsEmpty());
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, ReplacesARowThatBreaksALimit) {
  close();
  testing::run_sql(saboteur_.path(), "UPDATE objects SET codec = 9");
  reopen();
  const RepairReport report = repair();
  EXPECT_EQ(report.rows_dropped, 3U);
  EXPECT_EQ(report.rows_added, 3U);
  EXPECT_THAT(report.lost, IsEmpty());
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, DoesNotBringRemovedObjectsBack) {
  saboteur_.edit_index([&](auto& transaction) { EXPECT_TRUE(transaction.add_dead_bytes(1, 7)); });
  EXPECT_EQ(repair().rows_added, 0U);
  expect_valid();
  EXPECT_FALSE(store().contains(removed_).value());
}

TEST_F(RepairTest, GivesADamagedHeaderAnew) {
  const std::string before = content_of(saboteur_.pack(1));
  close();
  Saboteur::flip(saboteur_.pack(1), 3);
  const std::string damaged = content_of(saboteur_.pack(1));
  reopen();
  EXPECT_FALSE(store().get(first_));
  const RepairReport report = repair();
  EXPECT_EQ(report.moved_aside, 1U);
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_EQ(content_of(quarantine(pack_file_name(1))), damaged);
  EXPECT_EQ(content_of(saboteur_.pack(1)).substr(64), before.substr(64));
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, LeavesAForeignPackThatRowsPointInto) {
  Store other = Store::create(scratch_ / "other").value();
  const ObjectId first = first_;
  fill(other);
  EXPECT_EQ(first, first_);
  close();
  const std::filesystem::path aside = scratch_ / "aside";
  std::filesystem::rename(saboteur_.pack(1), aside);
  std::filesystem::copy_file(Saboteur(scratch_ / "other").pack(1), saboteur_.pack(1));
  reopen();
  const RepairReport report = repair();
  EXPECT_EQ(report.moved_aside + report.rows_dropped, 0U);
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kPackForeign)));
  // The operator puts the right file back.
  close();
  std::filesystem::rename(aside, saboteur_.pack(1));
  reopen();
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, SetsPacksAsideThatAreNotOurs) {
  Saboteur::write(saboteur_.pack(5), std::string(500, 'x'));
  std::filesystem::create_symlink("/etc/passwd", saboteur_.pack(6));
  const RepairReport report = repair();
  EXPECT_EQ(report.moved_aside, 2U);
  EXPECT_EQ(content_of(quarantine(pack_file_name(5))), std::string(500, 'x'));
  EXPECT_TRUE(std::filesystem::is_symlink(quarantine(pack_file_name(6))));
  expect_valid();
}

TEST_F(RepairTest, TakesInAPackThatTheIndexDoesNotKnow) {
  saboteur_.edit_index([&](auto& transaction) {
    for (const ObjectId& id : {first_, squeezed_, last_}) EXPECT_TRUE(transaction.erase(id));
    EXPECT_TRUE(transaction.erase_pack(1));
  });
  const RepairReport report = repair();
  // The removed one as well: nothing in a pack says that an object was removed.
  EXPECT_EQ(report.rows_added, 4U);
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, TakesInWholeRecordsBehindTheIndexedPart) {
  Batch batch = store().begin_batch().value();
  const ObjectId id = batch.put(as_bytes("one more")).value();
  const index::PackRow before = saboteur_.find_pack(1);
  ASSERT_TRUE(batch.commit());
  saboteur_.edit_index([&](auto& transaction) {
    EXPECT_TRUE(transaction.erase(id));
    EXPECT_TRUE(transaction.put_pack(before));
  });
  EXPECT_EQ(repair().rows_added, 1U);
  expect_valid();
  expect_readable(id);
}

TEST_F(RepairTest, WritesWrongEntriesAnew) {
  const index::PackRow right = saboteur_.find_pack(1);
  const auto break_entry = [&](const auto& change) {
    saboteur_.edit_index([&](auto& transaction) {
      index::PackRow row = right;
      change(row);
      EXPECT_TRUE(transaction.put_pack(row));
    });
    EXPECT_THAT(validate(), Not(IsEmpty()));
    EXPECT_THAT(repair().lost, IsEmpty());
    expect_valid();
    EXPECT_EQ(saboteur_.find_pack(1).dead_bytes, right.dead_bytes);
  };
  break_entry([](index::PackRow& row) { row.dead_bytes = 1'000'000; });
  break_entry([](index::PackRow& row) { row.indexed_bytes = 100; });
  break_entry([](index::PackRow& row) { row.indexed_bytes += 100; });
  break_entry([](index::PackRow& row) { row.state = index::PackState::kRetired; });
  saboteur_.edit_index([&](auto& transaction) { EXPECT_TRUE(transaction.erase_pack(1)); });
  EXPECT_THAT(repair().lost, IsEmpty());
  expect_valid();
  expect_rest_readable({});
}

TEST_F(RepairTest, MovesWhatCannotBeAnObjectOutOfLoose) {
  Saboteur::write(saboteur_.path() / "loose" / "notes.txt", "mine");
  Saboteur::write(saboteur_.path() / "loose" / "ab" / "short", "too");
  EXPECT_EQ(repair().moved_aside, 2U);
  EXPECT_EQ(content_of(quarantine("notes.txt")), "mine");
  EXPECT_EQ(content_of(quarantine("short")), "too");
  expect_valid();
}

TEST_F(RepairTest, LeavesGarbageForTheCleaner) {
  Saboteur::append(saboteur_.pack(1), "torn");
  Saboteur::write(saboteur_.pack(7), "");
  Saboteur::write(saboteur_.loose(first_), first_content_);
  const RepairReport report = repair();
  EXPECT_EQ(report.moved_aside + report.rows_dropped + report.rows_added, 0U);
  EXPECT_EQ(validate().size(), 3U);
  ASSERT_TRUE(store().lock_maintenance().value().clean());
  expect_valid();
}

TEST_F(RepairTest, LeavesBrokenRefs) {
  saboteur_.edit_index(
      [&](auto& transaction) { EXPECT_TRUE(transaction.put_ref("lost", {.id = removed_})); });
  repair();
  EXPECT_EQ(store().refs().find("lost").value(), removed_);
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kRefBroken, removed_)));
}

TEST_F(RepairTest, LeavesAPackThatABatchHolds) {
  Batch batch = store().begin_batch().value();
  const ObjectId id = batch.put(as_bytes("in the open batch")).value();
  const index::Location at = saboteur_.find(last_);
  Saboteur::flip(saboteur_.pack(at.pack), at.offset + kHeader);
  EXPECT_THAT(repair().lost, ElementsAre(last_));
  ASSERT_TRUE(batch.commit());
  expect_readable(id);
  expect_valid();
}

// One flipped byte costs at most the object that it belongs to, and the store is sound afterwards.
TEST_F(RepairTest, LosesOnlyTheObjectOfAFlippedByte) {
  const index::Location first = saboteur_.find(first_);
  const index::Location squeezed = saboteur_.find(squeezed_);
  const index::Location last = saboteur_.find(last_);
  const auto owner_of = [&](std::uint64_t offset) {
    std::vector<ObjectId> owner;
    for (const auto& [id, at] :
         {std::pair(first_, first), std::pair(squeezed_, squeezed), std::pair(last_, last)}) {
      const std::uint64_t end = at.offset + kHeader + at.stored_size;
      if (offset >= at.offset && offset < end) owner.push_back(id);
    }
    return owner;
  };
  close();
  const std::filesystem::path pristine = scratch_ / "pristine";
  std::filesystem::copy(saboteur_.path(), pristine, std::filesystem::copy_options::recursive);
  const std::uint64_t size = std::filesystem::file_size(saboteur_.pack(1));
  for (std::uint64_t offset = 0; offset < size; offset += 9) {
    SCOPED_TRACE(offset);
    Saboteur::flip(saboteur_.pack(1), offset);
    reopen();
    const std::vector<ObjectId> lost = repair().lost;
    EXPECT_EQ(lost, owner_of(offset));
    const std::vector<Finding> left = validate();
    for (const Finding& finding : left) {
      EXPECT_THAT(finding, IsAbout(FindingKind::kRefBroken, first_));
    }
    expect_rest_readable(lost);
    close();
    std::filesystem::remove_all(saboteur_.path());
    std::filesystem::copy(pristine, saboteur_.path(), std::filesystem::copy_options::recursive);
  }
}

}  // namespace
}  // namespace packstore::store
