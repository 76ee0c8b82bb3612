#include "store/repack.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "store_fixture.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RepackTest : public StoreFixture {
 protected:
  RepackReport repack(const RepackOptions& options = {}) { return lock().repack(options).value(); }
  void remove(const std::vector<ObjectId>& ids) { ASSERT_THAT(lock().remove(ids), Succeeds()); }

  // Removes every second object of `objects`.
  void remove_half(Objects& objects) {
    std::vector<ObjectId> ids;
    for (auto it = objects.begin(); it != objects.end(); ++it) {
      ids.push_back(it->first);
      it = objects.erase(it);
      if (it == objects.end()) break;
    }
    remove(ids);
  }
  // A batch in a pack of its own.
  Objects put_pack(std::uint64_t first, std::uint64_t count, std::size_t size = 500,
                   const Compression& compression = {}) {
    // Another batch that holds the packs there are.
    std::vector<Batch> others;
    const std::size_t packs = store().stats().value().packs.size();
    for (std::size_t i = 0; i < packs; ++i) {
      others.push_back(store().begin_batch().value());
      EXPECT_THAT(others.back().put(as_bytes("held " + std::to_string(i))), Succeeds());
    }
    return put_batch(first, count, size, compression);
  }
  std::vector<std::uint64_t> pack_numbers() {
    std::vector<std::uint64_t> numbers;
    for (const PackStats& pack : store().stats().value().packs) numbers.push_back(pack.pack);
    return numbers;
  }
};

TEST_F(RepackTest, GivesTheSpaceOfRemovedObjectsBack) {
  Objects objects = put_batch(0, 200);
  const std::uint64_t before = std::filesystem::file_size(pack_path(1));
  remove_half(objects);
  EXPECT_EQ(std::filesystem::file_size(pack_path(1)), before);
  const RepackReport report = repack();
  EXPECT_THAT(report.packs_rewritten, ElementsAre(1));
  EXPECT_EQ(report.objects, 100);
  EXPECT_EQ(report.bytes_before, before);
  EXPECT_EQ(report.bytes_after, 100 * (kRecordHeader + 500));
  EXPECT_THAT(pack_numbers(), ElementsAre(2));
  EXPECT_EQ(std::filesystem::file_size(pack_path(2)), kPackHeader + report.bytes_after);
  EXPECT_EQ(store().stats().value().dead_bytes, 0);
  expect_holds(objects);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(RepackTest, RemovesAPackOfWhichNothingIsWanted) {
  const Objects objects = put_batch(0, 5);
  std::vector<ObjectId> ids;
  for (const auto& [id, content] : objects) ids.push_back(id);
  remove(ids);
  EXPECT_THAT(repack().packs_rewritten, ElementsAre(1));
  EXPECT_THAT(pack_numbers(), IsEmpty());
  EXPECT_EQ(count_files("packs"), 0);
}

TEST_F(RepackTest, HasNothingToDoInAnEmptyStore) {
  EXPECT_THAT(repack().packs_rewritten, IsEmpty());
}

TEST_F(RepackTest, TakesOnlyPacksAboveAShareOfDeadBytes) {
  Objects wasteful = put_pack(0, 20);
  Objects thrifty = put_pack(100, 20);
  remove_half(wasteful);
  remove({thrifty.begin()->first});
  thrifty.erase(thrifty.begin());
  EXPECT_THAT(repack({.dead_ratio_min = 0.4}).packs_rewritten, ElementsAre(1));
  EXPECT_THAT(pack_numbers(), ElementsAre(2, 3));
  expect_holds(wasteful);
  expect_holds(thrifty);
}

TEST_F(RepackTest, MergesPacksThatAreTooSmall) {
  Objects objects = put_pack(0, 5);
  objects.merge(put_pack(100, 5));
  objects.merge(put_pack(200, 500));
  EXPECT_THAT(repack({.pack_bytes_min = 10'000}).packs_rewritten, ElementsAre(1, 2));
  EXPECT_THAT(pack_numbers(), ElementsAre(3, 4));
  expect_holds(objects);
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_THAT(repack({.pack_bytes_min = 10'000}).packs_rewritten, IsEmpty());
}

TEST_F(RepackTest, KeepsItsBudget) {
  Objects one = put_pack(0, 20);
  Objects two = put_pack(100, 20);
  remove_half(two);
  EXPECT_THAT(repack({.bytes_max = 15 * 564}).packs_rewritten, ElementsAre(2));
  expect_holds(one);
  expect_holds(two);
}

// A pack ends with the slice that fills it: 256 records here.
TEST_F(RepackTest, FillsSeveralPacks) {
  const Objects objects = put_batch(0, 300);
  options_.packs.bytes_target = 50'000;
  reopen();
  repack();
  EXPECT_THAT(pack_numbers(), ElementsAre(2, 3));
  expect_holds(objects);
  EXPECT_THAT(store(), IsSpotless());
}

// From every codec to every other, short records and long ones, what shrinks and what does not.
TEST_F(RepackTest, RecodesWithoutLossAndWithoutGrowth) {
  const std::vector<Compression> codecs = {Compression::none(), Compression::zlib(1),
                                           Compression::zstd(1), Compression::automatic()};
  for (const Compression& first : codecs) {
    Objects objects = put_batch(0, 40, 3'000, first);
    objects.merge(put_batch(100, 2, 4'300'000, first));
    for (const Compression& then : codecs) {
      EXPECT_EQ(repack({.compression = then}).objects, objects.size());
      expect_holds(objects);
      for (const auto& [id, content] : objects) {
        const ObjectInfo info = store().info(id).value();
        EXPECT_LE(info.stored_size, content.size());
        if (then.codec == Codec::kNone) {
          EXPECT_EQ(info.codec, Codec::kNone);
        }
      }
    }
    std::vector<ObjectId> ids;
    for (const auto& [id, content] : objects) ids.push_back(id);
    remove(ids);
  }
}

TEST_F(RepackTest, CopiesStoredBytesAsTheyAreWhenNoCodecIsNamed) {
  Objects objects = put_batch(0, 10, 3'000, Compression::zlib());
  objects.merge(put_batch(100, 1, 40'000'000, Compression::zstd()));
  objects.merge(put_batch(101, 1, 5'000'000, Compression::zstd()));
  std::map<ObjectId, ObjectInfo> before;
  for (const auto& [id, content] : objects) before[id] = store().info(id).value();
  repack();
  for (const auto& [id, info] : before) {
    EXPECT_EQ(store().info(id).value().codec, info.codec);
    EXPECT_EQ(store().info(id).value().stored_size, info.stored_size);
    EXPECT_EQ(store().info(id).value().pack, 2);
  }
  expect_holds(objects);
}

// Damage is never copied under a fresh checksum: record, row and file stay for repair().
TEST_F(RepackTest, LeavesADamagedRecordWhereItIs) {
  for (const std::size_t size : {500U, 5'000'000U}) {
    Objects objects = put_pack(size, 4, size);
    const ObjectId bad = objects.begin()->first;
    const index::Location at = location(bad);
    damage_packed(bad);
    const RepackReport report = repack();
    EXPECT_THAT(report.packs_damaged, ElementsAre(at.pack));
    ASSERT_THAT(report.damaged, SizeIs(1));
    EXPECT_EQ(report.damaged[0].kind, FindingKind::kRecordDamaged);
    EXPECT_EQ(report.damaged[0].object, bad);
    EXPECT_EQ(report.damaged[0].offset, at.offset);
    EXPECT_EQ(location(bad), at);
    EXPECT_THAT(store().get(bad), FailsWith(ErrorCode::kCorrupt));
    objects.erase(bad);
    expect_holds(objects);
    for (const auto& [id, content] : objects) EXPECT_NE(location(id).pack, at.pack);
    remove({bad});
  }
}

TEST_F(RepackTest, LeavesADamagedCompressedRecordWhereItIs) {
  // Incompressible halves, so that the stored bytes are streamed too.
  Bytes content = testing::content_of(1, 6'000'000);
  content.resize(12'000'000);
  Batch batch = store().begin_batch({.compression = Compression::zlib()}).value();
  const ObjectId bad = batch.put(content).value();
  ASSERT_THAT(batch.commit(), Succeeds());
  ASSERT_GT(location(bad).stored_size, 4 << 20);
  damage_packed(bad);
  EXPECT_THAT(repack().damaged, SizeIs(1));
  EXPECT_EQ(location(bad).pack, 1);
}

// A damaged index hides rows without saying so; their records would go with the file.
TEST_F(RepackTest, LeavesAPackOfWhichTheIndexDoesNotKnowEveryRecord) {
  const Objects objects = put_batch(0, 10);
  const ObjectId& hidden = objects.begin()->first;
  testing::run_sql(path(), fmt::format("DELETE FROM objects WHERE id = x'{}'", hidden.to_hex()));
  const RepackReport report = repack();
  EXPECT_THAT(report.packs_rewritten, IsEmpty());
  EXPECT_THAT(report.packs_damaged, ElementsAre(1));
  ASSERT_THAT(report.damaged, SizeIs(1));
  EXPECT_EQ(report.damaged[0].kind, FindingKind::kDeadBytesWrong);
  close();
  ASSERT_THAT(Store::recover(path()), Succeeds());
  reopen();
  expect_holds(objects);
}

TEST_F(RepackTest, LeavesAPackThatIsNotOurs) {
  put_batch(0, 3);
  flip(pack_path(1), 20);
  const RepackReport report = repack();
  EXPECT_THAT(report.packs_damaged, ElementsAre(1));
  EXPECT_EQ(report.damaged.at(0).kind, FindingKind::kPackHeaderDamaged);
  EXPECT_TRUE(std::filesystem::exists(pack_path(1)));
}

TEST_F(RepackTest, LeavesAPackThatABatchHolds) {
  const Objects objects = put_batch(0, 10);
  Batch batch = store().begin_batch().value();
  const ObjectId id = batch.put(as_bytes("in progress")).value();
  const RepackReport report = repack();
  EXPECT_THAT(report.packs_in_use, ElementsAre(1));
  EXPECT_THAT(report.packs_rewritten, IsEmpty());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(text_of(id), "in progress");
  expect_holds(objects);
}

// The tail appears after the store was opened: of a process that died after the sync of its batch.
TEST_F(RepackTest, TakesInWhatACrashedBatchHasCommitted) {
  Objects objects = put_batch(0, 10);
  const index::PackRow before = open_core()->index->find_pack(1).value().value();
  objects.merge(put_batch(10, 1));
  const ObjectId tail = ObjectId::of(testing::content_of(10, 500));
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    ASSERT_THAT(transaction->erase(tail), Succeeds());
    ASSERT_THAT(transaction->put_pack(before), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  ASSERT_FALSE(has(tail));
  EXPECT_THAT(repack().packs_rewritten, ElementsAre(1));
  expect_holds(objects);
}

// The file goes with its tail, and somebody's data may stand there behind damage.
TEST_F(RepackTest, CopiesWholeGroupsBehindDamageInATail) {
  static_cast<void>(store());
  save_index();
  put_packed("damaged");
  const ObjectId behind = put_packed("acknowledged");
  restore_index();
  flip(pack_path(1), kPackHeader + kRecordHeader);
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    const index::PackRow empty{.pack = 1, .indexed_bytes = kPackHeader};
    ASSERT_THAT(transaction->put_pack(empty), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  EXPECT_THAT(repack().packs_rewritten, ElementsAre(1));
  EXPECT_EQ(text_of(behind), "acknowledged");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(RepackTest, StopsWhenAskedAndLeavesAValidStore) {
  const Objects objects = put_batch(0, 1'000);
  std::stop_source stop;
  RepackOptions options;
  options.control.stop = stop.get_token();
  options.control.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.phase, "repack");
    EXPECT_GT(progress.total, 0);
    stop.request_stop();
  };
  EXPECT_THAT(lock().repack(options), FailsWith(ErrorCode::kCancelled));
  expect_holds(objects);
  EXPECT_THAT(store(), IsUndamaged());
  repack();
  expect_holds(objects);
}

TEST_F(RepackTest, RefusesACompressionOutOfItsLimits) {
  EXPECT_THAT(lock().repack({.compression = Compression::zstd(99)}),
              FailsWith(ErrorCode::kInvalidArgument));
}

class RepackCrashTest : public RepackTest {
 protected:
  // A copy of pack 1, to put back what a crash would have left.
  void save_pack() { std::filesystem::copy_file(pack_path(1), scratch_ / "pack"); }
  void restore_pack() { std::filesystem::copy_file(scratch_ / "pack", pack_path(1)); }
};

// After the new pack was synced, before its rows were switched: they point at the old pack, and the
// new one holds an unfinished group.
TEST_F(RepackCrashTest, BeforeTheSwitchLeavesEverythingAtTheOldPlace) {
  Objects objects = put_batch(0, 50);
  remove_half(objects);
  save_pack();
  save_index();
  repack();
  restore_index();
  restore_pack();
  expect_holds(objects);
  EXPECT_THAT(store(), IsUndamaged());
  EXPECT_EQ(lock().clean().value().packs_dropped, 1);
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_THAT(repack().packs_rewritten, ElementsAre(1));
  expect_holds(objects);
}

// After the rows were switched, before the old pack was retired.
TEST_F(RepackCrashTest, AfterTheSwitchLeavesAnOldPackThatIsGarbage) {
  Objects objects = put_batch(0, 50);
  remove_half(objects);
  save_pack();
  repack();
  close();
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    const std::uint64_t bytes = std::filesystem::file_size(scratch_ / "pack");
    // Half removed, half moved away.
    const index::PackRow row{
        .pack = 1, .indexed_bytes = bytes, .dead_bytes = 50 * (kRecordHeader + 500)};
    ASSERT_THAT(transaction->put_pack(row), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  restore_pack();
  reopen();
  expect_holds(objects);
  EXPECT_EQ(store().stats().value().packed_objects, objects.size());
  EXPECT_EQ(lock().clean().value().packs_dropped, 1);
  EXPECT_FALSE(std::filesystem::exists(pack_path(1)));
  EXPECT_THAT(store(), IsSpotless());
}

// After the old pack was retired, before it was unlinked: its records must not come back.
TEST_F(RepackCrashTest, AfterRetiringDoesNotBringRemovedObjectsBack) {
  Objects objects = put_batch(0, 50);
  const ObjectId removed = objects.begin()->first;
  remove({removed});
  objects.erase(removed);
  save_pack();
  repack();
  close();
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    const index::PackRow row{
        .pack = 1, .state = index::PackState::kRetired, .indexed_bytes = kPackHeader};
    ASSERT_THAT(transaction->put_pack(row), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  restore_pack();
  reopen();
  EXPECT_FALSE(has(removed));
  expect_holds(objects);
  EXPECT_EQ(lock().clean().value().packs_dropped, 1);
  EXPECT_FALSE(std::filesystem::exists(pack_path(1)));
  EXPECT_THAT(store(), IsSpotless());
}

class RepackStepsTest : public RepackTest {
 protected:
  void SetUp() override {
    objects_ = put_batch(0, 100);
    remove_half(objects_);
    core_ = open_watched();
  }
  void TearDown() override { core_.reset(); }

  Objects objects_;
  std::unique_ptr<StoreCore> core_;
};

// I3: the old pack goes after the new one is synced and nothing points at the old one any more.
TEST_F(RepackStepsTest, UnlinkTheOldPackLast) {
  bool retired = false;
  watch().before = [&](const std::string& step) -> Status {
    if (step != "remove packs/0000000001.pack") return {};
    const auto other = open_core();
    retired = other->index->find_pack(1).value()->state == index::PackState::kRetired;
    for (const auto& [id, content] : objects_) {
      retired = retired && other->index->find(id).value()->pack == 2;
    }
    return {};
  };
  ASSERT_THAT(store::repack(*core_, {}), Succeeds());
  EXPECT_TRUE(retired);
  const auto log = watch().take_log();
  EXPECT_THAT(
      log, ElementsAre("create packs/0000000002.pack", "write packs/0000000002.pack",
                       "write packs/0000000002.pack", "sync packs/0000000002.pack", "sync packs/",
                       "sync ", "remove packs/0000000001.pack", "sync packs/"));
}

TEST_F(RepackStepsTest, LoseNothingWhicheverFails) {
  for (const char* step : {"create packs/", "write packs/", "sync packs/", "remove packs/"}) {
    watch().fail_at(step, ErrorCode::kIo);
    EXPECT_THAT(store::repack(*core_, {}), FailsWith(ErrorCode::kIo)) << step;
    watch().before = nullptr;
    expect_holds(objects_);
    EXPECT_THAT(store(), IsUndamaged()) << step;
  }
  ASSERT_THAT(store::repack(*core_, {}), Succeeds());
  core_.reset();
  ASSERT_THAT(lock().clean(), Succeeds());
  expect_holds(objects_);
  EXPECT_THAT(store(), IsSpotless());
}

}  // namespace
}  // namespace packstore::store
