#include "store/packed_puts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "store/put.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::Contains;
using ::testing::StartsWith;

const PutOptions kPacked{.placement = Placement::kPacked};
const PutOptions kBuffered{.durability = Durability::kBuffered};

class PackedPutsTest : public StoreFixture {
 protected:
  void SetUp() override { core_ = open_watched(); }
  void TearDown() override { core_.reset(); }

  Result<ObjectId> put_here(std::string_view text, const PutOptions& options) {
    return store::put(*core_, as_bytes(text), options);
  }
  static std::uint64_t syncs_of(const std::vector<std::string>& log) {
    return static_cast<std::uint64_t>(std::ranges::count(log, "sync packs/0000000001.pack"));
  }

  std::unique_ptr<StoreCore> core_;
};

TEST_F(PackedPutsTest, AreVisibleToEverybodyOnReturn) {
  const ObjectId id = put_here("text", kPacked).value();
  EXPECT_EQ(text_of(id), "text");
}

TEST_F(PackedPutsTest, AreHereAtOnceAndElsewhereAfterSyncWhenBuffered) {
  const ObjectId id = put_here("text", kBuffered).value();
  ASSERT_TRUE(core_->packed_puts.find_waiting(id).has_value());
  EXPECT_FALSE(has(id));
  ASSERT_THAT(core_->packed_puts.sync(), Succeeds());
  EXPECT_FALSE(core_->packed_puts.find_waiting(id).has_value());
  EXPECT_EQ(text_of(id), "text");
}

TEST_F(PackedPutsTest, TakeBufferedOnesAlongWithTheNextSyncedOne) {
  const ObjectId buffered = put_here("buffered", kBuffered).value();
  ASSERT_THAT(put_here("synced", kPacked), Succeeds());
  EXPECT_EQ(text_of(buffered), "buffered");
}

TEST_F(PackedPutsTest, MakeBufferedOnesVisibleWhenTheStoreIsClosed) {
  const ObjectId id = put_here("text", kBuffered).value();
  core_.reset();
  EXPECT_EQ(text_of(id), "text");
}

// A crash forgets a buffered object whole: what it left is garbage, and its absence no damage.
TEST_F(PackedPutsTest, AreForgottenWholeWhenTheirProcessDiesBeforeSync) {
  const ObjectId kept = put_here("kept", kPacked).value();
  core_.reset();
  const std::uint64_t size = std::filesystem::file_size(pack_path(1));
  append(pack_path(1), "half a record");
  reopen();
  EXPECT_EQ(text_of(kept), "kept");
  EXPECT_THAT(store(), IsUndamaged());
  EXPECT_EQ(lock().clean().value().tails_trimmed, 1);
  EXPECT_EQ(std::filesystem::file_size(pack_path(1)), size);
}

// Threads that arrive while one commits form the next group: the first holds its sync until all
// others have queued.
TEST_F(PackedPutsTest, ShareOneFlushAmongThreadsThatWait) {
  constexpr int kThreads = 8;
  ASSERT_THAT(put_here("the shards are there", {}), Succeeds());
  ASSERT_THAT(put_here("the pack is there", kPacked), Succeeds());
  watch().take_log();
  std::atomic<int> arrived = 0;
  std::atomic<bool> first = true;
  watch().before = [&](const std::string& step) -> Status {
    if (step.starts_with("sync packs/") && first.exchange(false)) {
      // A look into loose/ is what a put does last before it queues.
      while (arrived < kThreads) std::this_thread::yield();
    }
    if (step.starts_with("open loose/")) ++arrived;
    return {};
  };
  std::vector<std::jthread> threads;
  std::vector<Status> statuses(kThreads);
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const auto id = put_here("thread " + std::to_string(i), kPacked);
      if (!id) statuses[i] = id.error();
    });
  }
  threads.clear();
  for (const Status& status : statuses) EXPECT_THAT(status, Succeeds());
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_TRUE(has(ObjectId::of(as_bytes("thread " + std::to_string(i)))));
  }
  EXPECT_LT(syncs_of(watch().take_log()), kThreads);
}

// What has its length and its blocks already is synced in half the time.
TEST_F(PackedPutsTest, MakeTheirPackLongerOnlyNowAndThen) {
  ASSERT_THAT(put_here(std::string(2000, 'x'), kPacked), Succeeds());
  const std::uint64_t size = std::filesystem::file_size(pack_path(1));
  for (int i = 0; i < 10; ++i) ASSERT_THAT(put_here(std::to_string(i), kPacked), Succeeds());
  EXPECT_EQ(std::filesystem::file_size(pack_path(1)), size);
  for (int i = 10; i < 40; ++i) ASSERT_THAT(put_here(std::to_string(i), kPacked), Succeeds());
  EXPECT_GT(std::filesystem::file_size(pack_path(1)), size);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(has(ObjectId::of(as_bytes(std::to_string(i)))));
}

TEST_F(PackedPutsTest, LeaveNoRoomBehindThemWhenTheStoreIsClosed) {
  ASSERT_THAT(put_here("text", kPacked), Succeeds());
  core_.reset();
  EXPECT_EQ(std::filesystem::file_size(pack_path(1)), kPackHeader + kRecordHeader + 4);
  EXPECT_THAT(store(), IsSpotless());
}

// The room that a killed process leaves is nobody's data: the next writer goes on in its place.
TEST_F(PackedPutsTest, GoOnWhereAKilledProcessHasLeftRoom) {
  const ObjectId kept = put_here("kept", kPacked).value();
  core_.reset();
  append(pack_path(1), std::string(5000, '\0'));
  EXPECT_THAT(store(), IsUndamaged());
  const ObjectId next = put_packed("next");
  EXPECT_EQ(location(next).pack, 1);
  close();
  EXPECT_EQ(std::filesystem::file_size(pack_path(1)), kPackHeader + 2 * (kRecordHeader + 4));
  EXPECT_EQ(text_of(kept), "kept");
  EXPECT_EQ(text_of(next), "next");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PackedPutsTest, WriteEqualContentOfManyThreadsOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        EXPECT_THAT(put_here(std::to_string(j), kPacked), Succeeds());
      }
    });
  }
  threads.clear();
  const StoreStats stats = store().stats().value();
  EXPECT_EQ(stats.packed_objects, 20);
  // Two groups may both have missed the other's row; what both wrote is counted.
  EXPECT_EQ(stats.pack_file_bytes,
            kPackHeader + 20 * kRecordHeader + 10 * 1 + 10 * 2 + stats.dead_bytes);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PackedPutsTest, TakeAnotherPackWhenTheirsIsFull) {
  core_->options.packs.bytes_target = 1'000;
  std::vector<ObjectId> ids;
  for (int i = 0; i < 30; ++i) {
    ids.push_back(put_here(std::string(100, static_cast<char>('A' + i)), kPacked).value());
  }
  EXPECT_GT(core_->packs.list().value().size(), 3);
  for (const ObjectId& id : ids) EXPECT_TRUE(has(id));
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PackedPutsTest, KeepTheirPackUntilItIsReleased) {
  ASSERT_THAT(put_here("one", kPacked), Succeeds());
  put("two", kPacked);
  EXPECT_EQ(location(ObjectId::of(as_bytes("two"))).pack, 2);
  ASSERT_THAT(core_->packed_puts.release(), Succeeds());
  const auto third = open_core();
  ASSERT_THAT(store::put(*third, as_bytes("three"), kPacked), Succeeds());
  EXPECT_EQ(location(ObjectId::of(as_bytes("three"))).pack, 1);
}

TEST_F(PackedPutsTest, FailTogetherAndAreCutOffBeforeLaterOnes) {
  ASSERT_THAT(put_here("before", kPacked), Succeeds());
  watch().fail_at("sync packs/", ErrorCode::kIo);
  EXPECT_THAT(put_here("failed", kPacked), FailsWith(ErrorCode::kIo));
  EXPECT_FALSE(has(ObjectId::of(as_bytes("failed"))));
  watch().before = nullptr;
  const ObjectId after = put_here("after", kPacked).value();
  // A second sync of its bytes might succeed without having written them.
  EXPECT_FALSE(has(ObjectId::of(as_bytes("failed"))));
  EXPECT_EQ(text_of(after), "after");
  EXPECT_EQ(text_of(ObjectId::of(as_bytes("before"))), "before");
}

// Whoever relies on sync() hears that something before it was lost, once.
TEST_F(PackedPutsTest, TellTheNextSyncThatBufferedOnesAreLost) {
  const ObjectId lost = put_here("lost", kBuffered).value();
  watch().fail_at("write packs/", ErrorCode::kNoSpace);
  EXPECT_THAT(put_here("failed", kBuffered), FailsWith(ErrorCode::kNoSpace));
  watch().before = nullptr;
  EXPECT_FALSE(core_->packed_puts.find_waiting(lost).has_value());
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kNoSpace));
  EXPECT_THAT(core_->packed_puts.sync(), Succeeds());
  EXPECT_FALSE(has(lost));
}

// Nobody knows which thread relies on which object.
TEST_F(PackedPutsTest, TellEveryThreadThatSyncsThatBufferedOnesAreLostOnce) {
  ASSERT_THAT(put_here("lost", kBuffered), Succeeds());
  watch().fail_at("sync packs/", ErrorCode::kIo);
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  std::jthread([&] {
    EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
    EXPECT_THAT(core_->packed_puts.sync(), Succeeds());
    // Another loss is heard of again, here and there.
    EXPECT_THAT(put_here("lost as well", kBuffered), Succeeds());
    watch().fail_at("sync packs/", ErrorCode::kNoSpace);
    EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kNoSpace));
    watch().before = nullptr;
    EXPECT_THAT(core_->packed_puts.sync(), Succeeds());
  }).join();
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kNoSpace));
  EXPECT_THAT(core_->packed_puts.sync(), Succeeds());
}

// Whoever publishes on the way to something else has no part in what was lost before, and leaves
// it to sync() to tell.
TEST_F(PackedPutsTest, TellTheirLossBySyncAndNothingElse) {
  ASSERT_THAT(put_here("lost", kBuffered), Succeeds());
  watch().fail_at("sync packs/", ErrorCode::kIo);
  EXPECT_THAT(core_->packed_puts.publish(), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  EXPECT_THAT(core_->packed_puts.publish(), Succeeds());
  EXPECT_THAT(core_->packed_puts.release(), Succeeds());
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(core_->packed_puts.sync(), Succeeds());
}

// What is told is the past: what waits now becomes durable all the same.
TEST_F(PackedPutsTest, AreDurableAfterASyncThatTellsOfALossBeforeThem) {
  ASSERT_THAT(put_here("lost", kBuffered), Succeeds());
  watch().fail_at("sync packs/", ErrorCode::kIo);
  EXPECT_THAT(core_->packed_puts.publish(), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  const ObjectId id = put_here("later", kBuffered).value();
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(text_of(id), "later");
}

TEST_F(PackedPutsTest, AreLostWithASyncThatFailsAndThatSyncSaysSo) {
  const ObjectId lost = put_here("lost", kBuffered).value();
  watch().fail_at("sync packs/", ErrorCode::kIo);
  EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  EXPECT_FALSE(has(lost));
  EXPECT_THAT(core_->packed_puts.sync(), Succeeds());
  const ObjectId again = put_here("lost", kPacked).value();
  EXPECT_EQ(text_of(again), "lost");
}

}  // namespace
}  // namespace packstore::store
