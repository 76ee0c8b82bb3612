#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "packstore/batch.h"
#include "store/put.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

const PutOptions kBuffered{.durability = Durability::kBuffered};

class BatchTest : public StoreFixture {
 protected:
  Batch begin(const BatchOptions& options = {}) { return store().begin_batch(options).value(); }
  std::uint64_t pack_size(std::uint64_t pack) const {
    return std::filesystem::file_size(pack_path(pack));
  }
};

TEST_F(BatchTest, ShowsNothingBeforeItsCommitAndEverythingAfter) {
  Batch batch = begin();
  const ObjectId one = batch.put(as_bytes("one")).value();
  const ObjectId two = batch.put(as_bytes("two")).value();
  EXPECT_FALSE(has(one));
  EXPECT_FALSE(open_other().contains(two).value());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(text_of(one), "one");
  EXPECT_EQ(as_text(open_other().get(two).value()), "two");
}

TEST_F(BatchTest, CutsItsPackBackWhenItIsDropped) {
  put_batch(0, 10);
  const std::uint64_t size = pack_size(1);
  {
    Batch batch = begin();
    for (std::uint64_t i = 10; i < 20; ++i) {
      ASSERT_THAT(batch.put(testing::content_of(i, 500)), Succeeds());
    }
    EXPECT_GT(pack_size(1), size);
  }
  EXPECT_EQ(pack_size(1), size);
  EXPECT_EQ(store().stats().value().packed_objects, 10);
  EXPECT_THAT(store(), IsSpotless());
}

// The first half may run in any thread while another one puts. Method: several threads prepare
// slices that overlap, and put each under a lock; everything must be there once.
TEST_F(BatchTest, IsPreparedByManyThreadsAtOnce) {
  Batch batch = begin({.compression = Compression::zlib()});
  std::mutex turn;
  std::vector<std::thread> threads;
  for (std::uint64_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::uint64_t slice = first; slice < 40; slice += 4) {
        std::vector<Bytes> contents;
        for (std::uint64_t i = 0; i < 20; ++i) {
          contents.push_back(testing::content_of(10 * slice + i, 500));
        }
        const std::vector<ByteView> views(contents.begin(), contents.end());
        PreparedPut prepared = batch.prepare(views).value();
        const std::scoped_lock lock(turn);
        EXPECT_THAT(batch.put(std::move(prepared)), Succeeds());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(batch.report().objects, 410);
  EXPECT_EQ(batch.report().duplicates, 390);
  ASSERT_THAT(batch.commit(), Succeeds());
  for (std::uint64_t i = 0; i < 410; ++i) {
    const Bytes content = testing::content_of(i, 500);
    EXPECT_EQ(store().get(ObjectId::of(content)).value(), content);
  }
  EXPECT_THAT(store(), IsSpotless());
}

// What is known to one batch alone must not pass for stored in another.
TEST_F(BatchTest, PreparesAgainWhatAnotherBatchHasPrepared) {
  const Bytes content = testing::content_of(1, 500);
  const ByteView view = content;
  std::optional<PreparedPut> prepared;
  {
    Batch dropped = begin({.compression = Compression::zlib()});
    ASSERT_THAT(dropped.put(view), Succeeds());
    prepared = dropped.prepare({&view, 1}).value();
  }
  Batch batch = begin();
  ASSERT_THAT(batch.put(std::move(*prepared)), Succeeds());
  EXPECT_EQ(batch.commit().value().objects, 1);
  EXPECT_EQ(store().get(ObjectId::of(content)).value(), content);
}

TEST_F(BatchTest, ReportsWhatItStored) {
  put("loose");
  put_packed("packed");
  Batch batch = begin();
  for (const char* text : {"loose", "packed", "new", "new", "newer"}) {
    ASSERT_THAT(batch.put(as_bytes(text)), Succeeds());
  }
  const BatchReport report = batch.commit().value();
  EXPECT_EQ(report.objects, 2);
  EXPECT_EQ(report.duplicates, 3);
  EXPECT_EQ(report.content_bytes, 3 + 5);
  EXPECT_EQ(report.stored_bytes, 2 * kRecordHeader + 3 + 5);
}

// Inside the batch, against loose objects, packed ones and an open batch's own pack.
TEST_F(BatchTest, LeavesNoDeadBytesForDuplicates) {
  const Objects loose = put_loose(0, 20);
  const Objects packed = put_batch(20, 20);
  const std::uint64_t before = store().stats().value().pack_file_bytes;
  Batch batch = begin();
  std::vector<ByteView> views;
  std::vector<Bytes> contents;
  for (std::uint64_t i = 0; i < 50; ++i) contents.push_back(testing::content_of(i, 500));
  for (int round = 0; round < 2; ++round) {
    for (const Bytes& content : contents) views.emplace_back(content);
  }
  ASSERT_THAT(batch.put_many(views), Succeeds());
  const BatchReport report = batch.commit().value();
  EXPECT_EQ(report.objects, 10);
  EXPECT_EQ(report.duplicates, 90);
  const StoreStats stats = store().stats().value();
  EXPECT_EQ(stats.dead_bytes, 0);
  EXPECT_EQ(stats.loose_objects, 20);
  constexpr std::uint64_t kCommitRecord = kRecordHeader;
  EXPECT_EQ(stats.pack_file_bytes, before + report.stored_bytes + kCommitRecord);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchTest, WritesNothingForDuplicatesOnly) {
  put_batch(0, 10);
  const std::uint64_t size = pack_size(1);
  Batch batch = begin();
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_THAT(batch.put(testing::content_of(i, 500)), Succeeds());
  }
  EXPECT_EQ(batch.commit().value().duplicates, 10);
  EXPECT_EQ(pack_size(1), size);
  EXPECT_THAT(begin().commit(), Succeeds());
}

TEST_F(BatchTest, GivesTheSameIdsForManyAsForEach) {
  std::vector<Bytes> contents;
  for (std::size_t i = 0; i < 600; ++i) contents.push_back(testing::content_of(i, i * i % 9'000));
  contents.push_back(testing::content_of(1, 6'000'000));
  const std::vector<ByteView> views(contents.begin(), contents.end());
  Batch batch = begin();
  const std::vector<ObjectId> ids = batch.put_many(views).value();
  ASSERT_EQ(ids.size(), contents.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ASSERT_EQ(ids[i], ObjectId::of(contents[i]));
    ASSERT_EQ(batch.put(contents[i]).value(), ids[i]);
  }
  EXPECT_THAT(batch.put_many({}).value(), ElementsAre());
  ASSERT_THAT(batch.commit(), Succeeds());
  for (std::size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(store().get(ids[i]).value(), contents[i]);
}

TEST_F(BatchTest, TakesStreamsOfAnyLength) {
  for (const Compression& compression : {Compression::none(), Compression::zstd()}) {
    Objects objects;
    Batch batch = begin({.compression = compression});
    for (const std::size_t size : {0U, 1'000U, 4U << 20, (4U << 20) + 1, 9'000'000U}) {
      Bytes content = testing::content_of(size + (compression.codec == Codec::kNone ? 0 : 2), size);
      ViewSource source(content);
      const ObjectId id = batch.put(source).value();
      EXPECT_EQ(id, ObjectId::of(content));
      ViewSource again(content);
      EXPECT_EQ(batch.put(again).value(), id);
      objects.emplace(id, std::move(content));
    }
    ASSERT_THAT(batch.commit(), Succeeds());
    expect_holds(objects);
  }
  EXPECT_EQ(store().stats().value().dead_bytes, 0);
  EXPECT_EQ(count_files("sandbox"), 0);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchTest, CompressesAsTheBatchSaysUnlessThePutSaysOtherwise) {
  const std::string text(5'000, 't');
  Batch batch = begin({.compression = Compression::zlib()});
  const ObjectId one = batch.put(as_bytes(text + "1")).value();
  const ObjectId two = batch.put(as_bytes(text + "2"), Compression::zstd()).value();
  const ObjectId three = batch.put(as_bytes(text + "3"), Compression::none()).value();
  const ObjectId random = batch.put(testing::content_of(1, 5'000)).value();
  EXPECT_THAT(batch.put(as_bytes("x"), Compression::zstd(20)),
              FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(store().info(one).value().codec, Codec::kZlib);
  EXPECT_EQ(store().info(two).value().codec, Codec::kZstd);
  EXPECT_EQ(store().info(three).value().codec, Codec::kNone);
  EXPECT_EQ(store().info(random).value().stored_size, 5'000);
  EXPECT_THAT(store().begin_batch({.compression = Compression::zlib(-1)}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(BatchTest, GoesOnBesideOthersInItsOwnPack) {
  Batch one = begin();
  Batch two = begin();
  Store other = open_other();
  Batch three = other.begin_batch().value();
  const ObjectId a = one.put(as_bytes("a")).value();
  const ObjectId b = two.put(as_bytes("b")).value();
  const ObjectId c = three.put(as_bytes("c")).value();
  for (Batch* batch : {&three, &one, &two}) ASSERT_THAT(batch->commit(), Succeeds());
  EXPECT_THAT((std::vector{location(a).pack, location(b).pack, location(c).pack}),
              ::testing::UnorderedElementsAre(1, 2, 3));
}

TEST_F(BatchTest, CountsTheSecondCopyOfTwoBatchesAsDead) {
  Batch one = begin();
  Batch two = begin();
  ASSERT_THAT(one.put(as_bytes("the same")), Succeeds());
  const ObjectId id = two.put(as_bytes("the same")).value();
  ASSERT_THAT(one.commit(), Succeeds());
  ASSERT_THAT(two.commit(), Succeeds());
  EXPECT_EQ(text_of(id), "the same");
  EXPECT_EQ(store().stats().value().dead_bytes, kRecordHeader + 8);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchTest, IsUsedUpByItsCommit) {
  Batch batch = begin();
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_THAT(batch.put(as_bytes("late")), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(batch.commit(), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(BatchTest, WritesALooseObjectAgainThatACrashedRemovalWillUnlink) {
  const ObjectId id = put("wanted again");
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    ASSERT_THAT(transaction->add_pending_unlink(id), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  Batch batch = begin();
  ASSERT_THAT(batch.put(as_bytes("wanted again")), Succeeds());
  EXPECT_EQ(batch.commit().value().objects, 1);
  reopen();
  EXPECT_FALSE(is_loose(id));
  EXPECT_EQ(text_of(id), "wanted again");
}

// Otherwise it would acknowledge, and point refs at, what nobody can read.
TEST_F(BatchTest, BringsACopyOfWhatIsDamagedAmongLooseObjects) {
  for (const std::size_t size : {1'000U, (4U << 20) + 1}) {
    for (const bool emptied : {true, false}) {
      const Bytes content = testing::content_of(size + (emptied ? 1 : 2), size);
      const ObjectId id = store().put(content).value();
      if (emptied) {
        std::filesystem::resize_file(loose_path(id), 0);
      } else {
        flip(loose_path(id), size / 2);
      }
      Batch batch = begin({.compression = Compression::zlib()});
      ViewSource source(content);
      ASSERT_EQ(batch.put(source).value(), id);
      ASSERT_THAT(batch.move_ref(id.to_hex(), {.from = std::nullopt, .to = id}), Succeeds());
      EXPECT_EQ(batch.commit().value().objects, 1);
      EXPECT_EQ(store().get(id).value(), content);
    }
  }
}

class BatchCrashTest : public BatchTest {};

// The lazy index commit of a batch may be lost in a power cut; its commit record is not.
TEST_F(BatchCrashTest, FindsAllOfABatchAgainWhoseIndexCommitIsLost) {
  Objects objects = put_batch(0, 20);
  save_index();
  objects.merge(put_batch(20, 300));
  const std::string loose = "a duplicate on the way";
  put(loose);
  restore_index();
  expect_holds(objects);
  EXPECT_EQ(store().stats().value().dead_bytes, 0);
  EXPECT_THAT(store(), IsSpotless());
}

// A new pack whose very number the index has forgotten.
TEST_F(BatchCrashTest, FindsABatchInAPackThatTheIndexNeverKnew) {
  static_cast<void>(store());
  save_index();
  const Objects objects = put_batch(0, 20);
  restore_index();
  expect_holds(objects);
  EXPECT_EQ(put_batch(20, 1).size(), 1);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchCrashTest, ForgetsABatchWhoseCommitRecordIsNotWhole) {
  const Objects before = put_batch(0, 20);
  save_index();
  const Objects torn = put_batch(20, 20);
  const std::uint64_t size = pack_size(1);
  for (const std::uint64_t cut : {std::uint64_t{1}, kRecordHeader, kRecordHeader + 200}) {
    restore_index();
    std::filesystem::resize_file(pack_path(1), size - cut);
    expect_holds(before);
    for (const auto& [id, content] : torn) EXPECT_FALSE(has(id)) << cut;
    EXPECT_THAT(store(), IsUndamaged());
  }
  EXPECT_EQ(lock().clean().value().tails_trimmed, 1);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchCrashTest, NeverTakesInABatchThatMovesRefsWithoutItsRefs) {
  put_batch(0, 5);
  save_index();
  Batch batch = begin();
  const ObjectId root = batch.put(as_bytes("root")).value();
  ASSERT_THAT(batch.move_ref("head", {.from = std::nullopt, .to = root}), Succeeds());
  ASSERT_THAT(batch.commit(), Succeeds());
  restore_index();
  EXPECT_FALSE(has(root));
  EXPECT_EQ(store().refs().find("head").value(), std::nullopt);
}

class BatchRefTest : public BatchTest {};

TEST_F(BatchRefTest, MovesRefsToItsOwnObjectsInTheSameCommit) {
  Batch batch = begin();
  const ObjectId root = batch.put(as_bytes("root")).value();
  ASSERT_THAT(batch.move_ref("head", {.from = std::nullopt, .to = root}), Succeeds());
  EXPECT_EQ(store().refs().find("head").value(), std::nullopt);
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(store().refs().find("head").value(), root);
  EXPECT_EQ(text_of(root), "root");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchRefTest, MovesRefsWithoutObjectsToo) {
  const ObjectId root = put("root");
  Batch batch = begin();
  ASSERT_THAT(batch.move_ref("head", {.from = std::nullopt, .to = root}), Succeeds());
  ASSERT_THAT(batch.move_ref("head", {.from = root, .to = std::nullopt}), Succeeds());
  ASSERT_THAT(batch.move_ref("tail", {.from = std::nullopt, .to = root}), Succeeds());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(store().refs().find("head").value(), std::nullopt);
  EXPECT_EQ(store().refs().find("tail").value(), root);
}

TEST_F(BatchRefTest, ShowsNothingWhenOneRefCannotMove) {
  const ObjectId wrong = ObjectId::of(as_bytes("never put"));
  const auto expect_nothing = [&](const RefMove& step, ErrorCode code) {
    const std::uint64_t size = store().stats().value().pack_file_bytes;
    {
      Batch batch = begin();
      const ObjectId id = batch.put(as_bytes("new")).value();
      ASSERT_THAT(batch.move_ref("good", {.from = std::nullopt, .to = id}), Succeeds());
      ASSERT_THAT(batch.move_ref("bad", step), Succeeds());
      EXPECT_THAT(batch.commit(), FailsWith(code));
      EXPECT_THAT(batch.commit(), FailsWith(code));
      EXPECT_FALSE(has(id));
    }
    EXPECT_EQ(store().refs().list().value().size(), 0);
    EXPECT_LE(store().stats().value().pack_file_bytes, std::max(size, kPackHeader));
  };
  expect_nothing({.from = wrong, .to = wrong}, ErrorCode::kConflict);
  expect_nothing({.from = std::nullopt, .to = wrong}, ErrorCode::kNotFound);
  EXPECT_THAT(begin().move_ref("../bad", {}), FailsWith(ErrorCode::kInvalidArgument));
}

class BatchStepsTest : public BatchTest {
 protected:
  void SetUp() override { core_ = open_watched(); }
  void TearDown() override { core_.reset(); }
  Batch begin_here() { return Batch::begin(*core_, {}).value(); }

  std::unique_ptr<StoreCore> core_;
};

TEST_F(BatchStepsTest, SyncOnceForThousands) {
  Batch batch = begin_here();
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    ASSERT_THAT(batch.put(testing::content_of(i, 50)), Succeeds());
  }
  ASSERT_THAT(batch.commit(), Succeeds());
  const auto log = watch().take_log();
  EXPECT_THAT(log, Contains("sync packs/0000000001.pack").Times(1));
  EXPECT_THAT(log, Contains("sync packs/").Times(1));
}

// What it relied on has to be as durable as what is new.
TEST_F(BatchStepsTest, SyncTheNamesOfLooseDuplicates) {
  const std::string hex = put("loose").to_hex();
  Batch batch = begin_here();
  ASSERT_THAT(batch.put(as_bytes("loose")), Succeeds());
  EXPECT_THAT(watch().take_log(), Not(Contains(StartsWith("sync loose/"))));
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_THAT(watch().take_log(), Contains("sync loose/" + hex.substr(0, 2) + "/"));
}

// What waits in this process may be lost with a sync that fails, whoever calls it.
TEST_F(BatchStepsTest, BringACopyOfWhatIsOnlyBuffered) {
  const ObjectId id = store::put(*core_, as_bytes("buffered"), kBuffered).value();
  Batch batch = begin_here();
  const ByteView view = as_bytes("buffered");
  PreparedPut prepared = batch.prepare({&view, 1}).value();
  watch().fail_at("sync packs/", ErrorCode::kIo);
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  ASSERT_THAT(batch.put(std::move(prepared)), Succeeds());
  EXPECT_EQ(batch.commit().value().objects, 1);
  EXPECT_EQ(text_of(id), "buffered");
}

// A failure to publish what others have buffered is none of the batch's.
TEST_F(BatchStepsTest, CommitWithoutWhatIsBuffered) {
  ASSERT_THAT(store::put(*core_, as_bytes("buffered"), kBuffered), Succeeds());
  Batch batch = begin_here();
  const ObjectId id = batch.put(as_bytes("batch")).value();
  watch().fail_at("sync packs/0000000001.pack", ErrorCode::kIo);
  EXPECT_THAT(batch.commit(), Succeeds());
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  EXPECT_EQ(text_of(id), "batch");
}

// Both copies come in; the second is counted as dead.
TEST_F(BatchStepsTest, LeaveABufferedCopyBesideTheirOwn) {
  const ObjectId id = store::put(*core_, as_bytes("buffered"), kBuffered).value();
  {
    Batch batch = begin_here();
    ASSERT_THAT(batch.put(as_bytes("buffered")), Succeeds());
    ASSERT_THAT(batch.commit(), Succeeds());
  }
  ASSERT_THAT(core_->packed_puts.sync(), Succeeds());
  core_.reset();  // And with it the room in its pack.
  EXPECT_EQ(text_of(id), "buffered");
  EXPECT_EQ(store().stats().value().dead_bytes, kRecordHeader + 8);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(BatchStepsTest, MakeABufferedTargetDurableBeforeItsRef) {
  const ObjectId id = store::put(*core_, as_bytes("buffered"), kBuffered).value();
  Batch batch = begin_here();
  ASSERT_THAT(batch.move_ref("head", {.from = std::nullopt, .to = id}), Succeeds());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(store().refs().find("head").value(), id);
  EXPECT_EQ(text_of(id), "buffered");
}

TEST_F(BatchStepsTest, EndTheBatchWhenOneFails) {
  for (const char* step : {"write packs/", "sync packs/"}) {
    Batch batch = begin_here();
    ASSERT_THAT(batch.put(as_bytes(std::string("first ") + step)), Succeeds());
    watch().fail_at(step, ErrorCode::kNoSpace);
    const auto second = batch.put(as_bytes(std::string("second ") + step));
    EXPECT_THAT(batch.commit(), FailsWith(ErrorCode::kNoSpace));
    watch().before = nullptr;
    EXPECT_THAT(batch.put(as_bytes("third")), FailsWith(ErrorCode::kNoSpace));
    EXPECT_THAT(batch.commit(), FailsWith(ErrorCode::kNoSpace));
    EXPECT_FALSE(has(ObjectId::of(as_bytes(std::string("first ") + step))));
    if (!second) {
      EXPECT_THAT(second, FailsWith(ErrorCode::kNoSpace));
    }
  }
  EXPECT_EQ(put_batch(0, 3).size(), 3);
  EXPECT_THAT(store(), IsUndamaged());
}

TEST_F(BatchStepsTest, LeaveTheBatchAliveWhenOnlyTheSourceFails) {
  class BrokenSource final : public ByteSource {
   public:
    Result<std::size_t> read(std::span<std::byte>) override {
      return fail(ErrorCode::kConflict, "the source broke off");
    }
  };
  Batch batch = begin_here();
  const ObjectId id = batch.put(as_bytes("good")).value();
  BrokenSource source;
  EXPECT_THAT(batch.put(source), FailsWith(ErrorCode::kConflict));
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(text_of(id), "good");
}

}  // namespace
}  // namespace packstore::store
