#include "store/clean.h"

#include <gmock/gmock.h>

#include "hash/xxh3.h"
#include "store_fixture.h"
#include "support/child_process.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

using format::PackRecord;
using testing::ChildProcess;
using testing::Pipe;

class CleanTest : public StoreFixture {
 protected:
  CleanReport clean() { return lock().clean().value(); }
  static void expect_nothing_done(const CleanReport& report) {
    EXPECT_EQ(report.sandbox_files, 0);
    EXPECT_EQ(report.loose_redundant, 0);
    EXPECT_EQ(report.packs_dropped, 0);
    EXPECT_EQ(report.tails_trimmed, 0);
    EXPECT_EQ(report.bytes_freed, 0);
  }
  // A whole record of a single put, where it would stand at `offset` of `pack`.
  std::string record_at(std::uint64_t pack, std::uint64_t offset, std::string_view content) {
    const PackRecord record{.kind = PackRecord::Kind::kSingle,
                            .size = content.size(),
                            .stored_size = content.size(),
                            .id = ObjectId::of(as_bytes(content)),
                            .stored_xxh3 = hash::xxh3(as_bytes(content))};
    const format::Uuid uuid = open_core()->uuid;
    const auto header = encode(record, {uuid, pack, offset});
    return std::string(as_text(header)) + std::string(content);
  }
  std::uint64_t pack_size(std::uint64_t pack) const {
    return std::filesystem::file_size(pack_path(pack));
  }
};

TEST_F(CleanTest, FindsNothingToDoInAStoreWithoutGarbage) {
  expect_nothing_done(clean());
  Objects objects = put_loose(0, 10);
  objects.merge(put_batch(10, 10));
  put("buffered", {.durability = Durability::kBuffered});
  expect_nothing_done(clean());
  expect_holds(objects);
}

TEST_F(CleanTest, RemovesTheSandboxFilesOfDeadWritersOnly) {
  static_cast<void>(store());
  Pipe ready;
  Pipe never;
  const auto write = [&](bool lives) {
    Store own = Store::open(path()).value();
    ObjectWriter writer = own.begin_put().value();
    if (!writer.write(as_bytes("unfinished")) || !ready.tell(lives)) return 1;
    if (lives) static_cast<void>(never.hear<char>());
    ::_exit(0);
  };
  close();
  ChildProcess dead([&] { return write(false); });
  ChildProcess live([&] { return write(true); });
  ASSERT_EQ(dead.wait(), 0);
  ASSERT_TRUE(ready.hear<bool>() && ready.hear<bool>());
  ObjectWriter own = store().begin_put().value();
  const CleanReport report = clean();
  EXPECT_EQ(report.sandbox_files, 1);
  EXPECT_EQ(report.bytes_freed, 10);
  EXPECT_EQ(count_files("sandbox"), 2);
  ASSERT_TRUE(live.kill());
  EXPECT_EQ(clean().sandbox_files, 1);
  EXPECT_THAT(own.finish(), Succeeds());
}

// A batch whose process dies leaves an unfinished tail.
TEST_F(CleanTest, EmptiesTheLogOfTheIndex) {
  put_batch(0, 100);
  EXPECT_GT(std::filesystem::file_size(path() / "index.sqlite-wal"), 0);
  ASSERT_THAT(lock().clean(), Succeeds());
  EXPECT_EQ(std::filesystem::file_size(path() / "index.sqlite-wal"), 0);
}

TEST_F(CleanTest, CutsOffTheTailOfADeadBatch) {
  const Objects objects = put_batch(0, 10);
  close();
  const std::uint64_t size = pack_size(1);
  ChildProcess child([&] {
    Store own = Store::open(path()).value();
    Batch batch = own.begin_batch().value();
    if (!batch.put(testing::content_of(99, 10'000))) return 1;
    ::_exit(0);
  });
  ASSERT_EQ(child.wait(), 0);
  EXPECT_GT(pack_size(1), size);
  expect_holds(objects);
  EXPECT_THAT(store(), IsUndamaged());
  const CleanReport report = clean();
  EXPECT_EQ(report.tails_trimmed, 1);
  EXPECT_EQ(report.bytes_freed, 10'000 + kRecordHeader);
  EXPECT_EQ(pack_size(1), size);
  EXPECT_THAT(store(), IsSpotless());
  put_batch(10, 10);
  EXPECT_EQ(store().stats().value().packs.size(), 1);
}

TEST_F(CleanTest, LeavesThePackOfALiveBatchAlone) {
  put_batch(0, 10);
  Batch batch = store().begin_batch().value();
  const ObjectId id = batch.put(as_bytes("in progress")).value();
  expect_nothing_done(clean());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(text_of(id), "in progress");
}

TEST_F(CleanTest, RemovesLooseCopiesOfGoodPackedObjectsOnly) {
  const ObjectId good = put_packed("good");
  const ObjectId bad = put_packed("badly damaged");
  const ObjectId loose = put("loose");
  make_loose(good, "good");
  make_loose(bad, "badly damaged");
  damage_packed(bad);
  const CleanReport report = clean();
  EXPECT_EQ(report.loose_redundant, 1);
  EXPECT_EQ(report.bytes_freed, 4);
  EXPECT_EQ(text_of(good), "good");
  EXPECT_EQ(text_of(bad), "badly damaged");
  EXPECT_EQ(text_of(loose), "loose");
  ASSERT_THAT(report.damaged, ::testing::SizeIs(1));
  EXPECT_EQ(report.damaged[0].object, bad);
}

// What it cannot open it leaves alone, with the loose copy, and says so.
TEST_F(CleanTest, GoesOnBehindDamagedRowsAndPacks) {
  options_.packs.bytes_target = 100;
  const ObjectId behind_header = put_packed(std::string(200, 'a'));
  const ObjectId behind_row = put_packed(std::string(200, 'b'));
  const ObjectId good = put_packed(std::string(200, 'c'));
  make_loose(behind_header, std::string(200, 'a'));
  make_loose(behind_row, std::string(200, 'b'));
  make_loose(good, std::string(200, 'c'));
  ASSERT_EQ(location(behind_header).pack, 1);
  close();
  flip(pack_path(1), 20);
  testing::run_sql(path(),
                   "UPDATE objects SET codec = 9 WHERE id = x'" + behind_row.to_hex() + "'");
  const CleanReport report = clean();
  EXPECT_EQ(report.loose_redundant, 1);
  EXPECT_FALSE(is_loose(good));
  std::vector<std::pair<FindingKind, ObjectId>> damaged;
  for (const Finding& finding : report.damaged) {
    damaged.emplace_back(finding.kind, finding.object.value());
  }
  EXPECT_THAT(damaged, ::testing::UnorderedElementsAre(
                           std::pair(FindingKind::kPackHeaderDamaged, behind_header),
                           std::pair(FindingKind::kRowInvalid, behind_row)));
  EXPECT_EQ(text_of(behind_header), std::string(200, 'a'));
  EXPECT_EQ(text_of(behind_row), std::string(200, 'b'));
}

TEST_F(CleanTest, TakesInWhatWasCommittedInsteadOfDroppingIt) {
  put_batch(0, 10);
  append(pack_path(1), record_at(1, pack_size(1), "acknowledged"));
  expect_nothing_done(clean());
  EXPECT_EQ(text_of(ObjectId::of(as_bytes("acknowledged"))), "acknowledged");
}

// After a power cut some sectors of what was not synced are there and others are not; after damage
// to what was, somebody's data stands behind it.
TEST_F(CleanTest, CopiesWholeGroupsBehindDamageBeforeItCutsTheTail) {
  put_batch(0, 10);
  const std::uint64_t size = pack_size(1);
  append(pack_path(1), "damage");
  append(pack_path(1), record_at(1, pack_size(1), "acknowledged"));
  const CleanReport report = clean();
  EXPECT_EQ(report.tails_trimmed, 1);
  EXPECT_EQ(pack_size(1), size);
  EXPECT_EQ(text_of(ObjectId::of(as_bytes("acknowledged"))), "acknowledged");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(CleanTest, CutsOffNothingThatARowPointsInto) {
  const Objects objects = put_batch(0, 10);
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    index::PackRow row = transaction->find_pack(1).value().value();
    row.indexed_bytes = kPackHeader;
    ASSERT_THAT(transaction->put_pack(row), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
    ASSERT_THAT(store::clean(*core), Succeeds());
  }
  expect_holds(objects);
}

TEST_F(CleanTest, CopiesThemOutOfAPackThatTheIndexDoesNotKnow) {
  static_cast<void>(store());
  const format::Uuid uuid = open_core()->uuid;
  testing::write_file(pack_path(5), as_text(encode(format::PackHeader{uuid, 5, 0})));
  append(pack_path(5), "damage");
  append(pack_path(5), record_at(5, pack_size(5), "acknowledged"));
  EXPECT_EQ(clean().packs_dropped, 1);
  EXPECT_EQ(text_of(ObjectId::of(as_bytes("acknowledged"))), "acknowledged");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(CleanTest, DropsPacksThatNothingReaches) {
  static_cast<void>(store());
  const format::Uuid uuid = open_core()->uuid;
  // Of batches that died before the header was whole, and before their commit.
  testing::write_file(pack_path(4), std::string(1'000, '\0'));
  testing::write_file(pack_path(5), "PSPA");
  testing::write_file(pack_path(6), as_text(encode(format::PackHeader{uuid, 6, 0})));
  append(pack_path(6), "unfinished");
  const CleanReport report = clean();
  EXPECT_EQ(report.packs_dropped, 3);
  EXPECT_EQ(report.bytes_freed, 1'000 + 4 + kPackHeader + 10);
  EXPECT_EQ(count_files("packs"), 0);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(CleanTest, DropsThePackThatARemovalHasEmptied) {
  const ObjectId id = put_packed("text");
  ASSERT_THAT(lock().remove({{id}}), Succeeds());
  EXPECT_EQ(clean().packs_dropped, 1);
  EXPECT_EQ(count_files("packs"), 0);
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_EQ(location(put_packed("text")).pack, 2);
}

TEST_F(CleanTest, LeavesAPackWhoseRowsTheIndexHides) {
  const Objects objects = put_batch(0, 10);
  testing::run_sql(path(), "DELETE FROM objects");
  EXPECT_EQ(clean().packs_dropped, 0);
  close();
  ASSERT_THAT(Store::recover(path()), Succeeds());
  reopen();
  expect_holds(objects);
}

TEST_F(CleanTest, NeverDropsDamage) {
  const format::Uuid other = format::make_uuid().value();
  static_cast<void>(store());
  testing::write_file(pack_path(5), as_text(encode(format::PackHeader{other, 5, 0})));
  testing::write_file(pack_path(6), std::string(1'000, '?'));
  expect_nothing_done(clean());
  EXPECT_TRUE(std::filesystem::exists(pack_path(5)));
  EXPECT_TRUE(std::filesystem::exists(pack_path(6)));
}

TEST_F(CleanTest, ForgetsPacksWhoseFileIsGoneAndThatNothingNeeds) {
  const ObjectId kept = put_packed("kept");
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    ASSERT_THAT(transaction->put_pack({.pack = 7, .indexed_bytes = kPackHeader}), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  ASSERT_THAT(lock().clean(), Succeeds());
  EXPECT_FALSE(open_core()->index->find_pack(7).value().has_value());
  EXPECT_TRUE(open_core()->index->find_pack(1).value().has_value());
  EXPECT_EQ(text_of(kept), "kept");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(CleanTest, KeepsThePackRowOfALostPackThatRowsPointInto) {
  const ObjectId lost = put_packed("lost");
  close();
  std::filesystem::remove(pack_path(1));
  ASSERT_THAT(lock().clean(), Succeeds());
  EXPECT_TRUE(open_core()->index->find_pack(1).value().has_value());
  EXPECT_THAT(store().get(lost), FailsWith(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace packstore::store
