#include "store/remove.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "io/lock.h"
#include "store/list.h"
#include "store/lookup.h"
#include "store/put.h"
#include "store/read.h"
#include "store/unlinks.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class RemoveTest : public StoreFixture {
 protected:
  static constexpr std::chrono::milliseconds kAtOnce{0};

  Result<RemoveReport> remove(const std::vector<ObjectId>& ids) {
    return lock().remove(ids, kAtOnce);
  }
  // The first half of a removal, as a process leaves it that dies in between.
  void remove_without_unlinking(const ObjectId& id) {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    ASSERT_THAT(transaction->erase(id), Succeeds());
    ASSERT_THAT(transaction->add_pending_unlink(id), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }

  // A pack with `text`, committed, whose writer died before the index knew; the store was open
  // then.
  ObjectId put_and_die(std::string_view text, std::string_view damaged_in_front = {}) {
    static_cast<void>(store());
    save_index();
    if (!damaged_in_front.empty()) put_packed(damaged_in_front);
    const ObjectId id = put_packed(text);
    close();
    std::string pack = testing::read_file(pack_path(1));
    if (!damaged_in_front.empty()) pack[kPackHeader + kRecordHeader] ^= 0x10;
    std::filesystem::remove(pack_path(1));
    restore_index();
    static_cast<void>(store());
    testing::write_file(pack_path(1), pack);
    EXPECT_FALSE(has(id));
    return id;
  }

  const ObjectId absent_ = ObjectId::of(as_bytes("absent"));
};

TEST_F(RemoveTest, RemovesLooseAndPackedAndReportsWhatWasAbsent) {
  const ObjectId loose = put("loose");
  const ObjectId packed = put_packed("packed");
  const ObjectId kept = put_packed("kept");
  const RemoveReport report = remove({packed, absent_, loose, packed}).value();
  EXPECT_EQ(report.removed, 2);
  EXPECT_THAT(report.absent, ElementsAre(absent_));
  EXPECT_FALSE(has(loose));
  EXPECT_FALSE(has(packed));
  EXPECT_FALSE(is_loose(loose));
  EXPECT_EQ(text_of(kept), "kept");
  EXPECT_EQ(reopen().stats().value().dead_bytes, kRecordHeader + 6);
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_THAT(remove({loose, packed}).value().absent, ::testing::SizeIs(2));
  EXPECT_EQ(remove({}).value().removed, 0);
}

TEST_F(RemoveTest, RemovesBothCopiesOfOneObject) {
  const ObjectId id = put_packed("both");
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "both");
  EXPECT_EQ(remove({id}).value().removed, 1);
  EXPECT_FALSE(has(id));
  EXPECT_FALSE(is_loose(id));
}

TEST_F(RemoveTest, RemovesBufferedObjectsOfThisStore) {
  const ObjectId id = put("waits", {.durability = Durability::kBuffered});
  EXPECT_EQ(remove({id}).value().removed, 1);
  EXPECT_FALSE(has(id));
  ASSERT_THAT(store().sync(), Succeeds());
  EXPECT_FALSE(has(id));
}

TEST_F(RemoveTest, TakesAnObjectBackThatIsPutAgain) {
  const ObjectId packed = put_packed("text");
  ASSERT_THAT(remove({packed}), Succeeds());
  EXPECT_EQ(put_packed("text"), packed);
  EXPECT_EQ(text_of(packed), "text");
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(RemoveTest, RemovesNothingWhenARefPointsAtOneOfThem) {
  const ObjectId wanted = put("wanted");
  const ObjectId other = put_packed("other");
  ASSERT_THAT(store().refs().move("head", {.from = std::nullopt, .to = wanted}), Succeeds());
  const auto refused = remove({other, wanted});
  ASSERT_THAT(refused, FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(refused.error().message, HasSubstr("ref head"));
  EXPECT_TRUE(has(other));
  EXPECT_TRUE(has(wanted));
  ASSERT_THAT(store().refs().move("head", {.from = wanted, .to = std::nullopt}), Succeeds());
  EXPECT_EQ(remove({other, wanted}).value().removed, 2);
}

// What a batch found in the store must be there when it commits.
TEST_F(RemoveTest, WaitsForOpenBatches) {
  const ObjectId id = put_packed("relied upon");
  Batch batch = store().begin_batch().value();
  ASSERT_THAT(batch.put(as_bytes("relied upon")), Succeeds());
  const auto refused = remove({id});
  ASSERT_THAT(refused, FailsWith(ErrorCode::kBusy));
  EXPECT_TRUE(has(id));
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_TRUE(has(id));
  EXPECT_EQ(remove({id}).value().removed, 1);
}

TEST_F(RemoveTest, WaitsNoLongerForABatchThatIsDropped) {
  const ObjectId id = put_packed("text");
  { const Batch batch = store().begin_batch().value(); }
  EXPECT_THAT(remove({id}), Succeeds());
}

TEST_F(RemoveTest, KeepsAwayWhatADeadWriterHadCommittedInItsPack) {
  const ObjectId id = put_and_die("content");
  EXPECT_EQ(remove({id}).value().removed, 1);
  EXPECT_FALSE(has(id));
  EXPECT_THAT(reopen(), IsSpotless());
  EXPECT_FALSE(has(id));
}

// Whoever takes in, or copies, what stands behind damage in the tail of a pack must not bring back
// what was removed in between.
TEST_F(RemoveTest, KeepsAwayWhatStandsBehindDamageInATail) {
  const ObjectId id = put_and_die("content", "damaged");
  ASSERT_EQ(put("content"), id);
  EXPECT_EQ(remove({id}).value().removed, 1);
  EXPECT_FALSE(has(id));
  ASSERT_THAT(lock().clean(), Succeeds());
  EXPECT_FALSE(has(id));
  EXPECT_THAT(reopen(), IsSpotless());
}

TEST_F(RemoveTest, KeepsAwayWhatACollectionTookFromBehindDamageInATail) {
  const ObjectId id = put_and_die("content", "damaged");
  const auto no_links = [](NodeKind, ByteView) { return std::vector<Link>(); };
  EXPECT_EQ(lock().collect({.children_of = no_links}).value().removed, 1);
  ASSERT_THAT(lock().clean(), Succeeds());
  EXPECT_FALSE(has(id));
  EXPECT_THAT(reopen(), IsSpotless());
}

// Nothing else in it is anybody's business but clean()'s.
TEST_F(RemoveTest, LeavesATailWithoutWholeGroupsToClean) {
  const ObjectId id = put_packed("content");
  close();
  append(pack_path(1), "damage");
  const auto size = std::filesystem::file_size(pack_path(1));
  EXPECT_EQ(remove({id}).value().removed, 1);
  EXPECT_EQ(std::filesystem::file_size(pack_path(1)), size);
}

TEST_F(RemoveTest, KeepsAwayWhatACollectionTookAndADeadWriterHadCommittedInItsPack) {
  const ObjectId id = put_and_die("content");
  const auto no_links = [](NodeKind, ByteView) { return std::vector<Link>(); };
  EXPECT_EQ(lock().collect({.children_of = no_links}).value().removed, 1);
  EXPECT_FALSE(has(id));
  EXPECT_THAT(reopen(), IsSpotless());
  EXPECT_FALSE(has(id));
}

TEST_F(RemoveTest, NotesWhatIsToGoBeforeItUnlinksAndForgetsTheNotesAfterwards) {
  const ObjectId id = put("loose");
  // Held as whoever removes holds it: an opener leaves the unlinks to the holder.
  const MaintenanceLock held = lock();
  const auto core = open_watched();
  std::vector<ObjectId> noted;
  watch().before = [&](const std::string& step) -> Status {
    if (step.starts_with("remove loose/")) noted = open_core()->index->pending_unlinks().value();
    return {};
  };
  ASSERT_THAT(store::remove(*core, {{id}}, kAtOnce), Succeeds());
  const std::string shard = "loose/" + id.to_hex().substr(0, 2) + "/";
  EXPECT_THAT(noted, ElementsAre(id));
  EXPECT_THAT(
      watch().take_log(),
      ::testing::IsSupersetOf({"remove " + shard + id.to_hex().substr(2), "sync " + shard}));
  EXPECT_THAT(core->index->pending_unlinks().value(), IsEmpty());
}

// With the commit of the removal all are removed, whatever happens to the unlinks.
TEST_F(RemoveTest, FinishesTheUnlinksOfACrashedRemovalWhenTheStoreIsOpened) {
  const ObjectId id = put("loose");
  remove_without_unlinking(id);
  reopen();
  EXPECT_FALSE(has(id));
  EXPECT_FALSE(is_loose(id));
  EXPECT_THAT(open_core()->index->pending_unlinks().value(), IsEmpty());
}

// A file that cannot be unlinked is an obstacle for whoever has to unlink it, and for nobody else.
TEST_F(RemoveTest, KeepsNobodyFromOpeningAndReadingByAnUnlinkThatCannotBeDone) {
  const ObjectId gone = put("gone");
  const ObjectId kept = put("kept");
  remove_without_unlinking(gone);
  watch().fail_at("remove loose/", ErrorCode::kIo);
  const auto core = open_watched();
  EXPECT_TRUE(is_loose(gone));
  EXPECT_THAT(core->index->pending_unlinks().value(), ElementsAre(gone));
  EXPECT_THAT(MaintenanceLock::take(*core, {}), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(read_object(*core, kept, Verify::kContent), Succeeds());

  // What is noted is removed, for every way to ask.
  EXPECT_THAT(read_object(*core, gone, Verify::kContent), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(locate(*core, gone).value(), std::nullopt);
  EXPECT_THAT(find_presence(*core, {{gone, kept}}).value(),
              ElementsAre(Presence::kAbsent, Presence::kLoose));
  std::vector<ObjectId> listed;
  const auto visit = [&](const ObjectInfo& info) -> Status {
    listed.push_back(info.id);
    return {};
  };
  ASSERT_THAT(for_each_object(*core, visit), Succeeds());
  EXPECT_THAT(listed, ElementsAre(kept));

  // Until it is put again.
  ASSERT_THAT(store::put(*core, as_bytes("gone"), {}), Succeeds());
  EXPECT_THAT(read_object(*core, gone, Verify::kContent), Succeeds());
  EXPECT_THAT(MaintenanceLock::take(*core, {}), Succeeds());
  EXPECT_TRUE(is_loose(gone));
}

TEST_F(RemoveTest, FinishesTheUnlinksOfACrashedRemovalWhenTheLockIsTaken) {
  const ObjectId id = put("loose");
  remove_without_unlinking(id);
  EXPECT_EQ(lock().pack_loose().value().objects, 0);
  EXPECT_FALSE(has(id));
}

TEST_F(RemoveTest, LeavesTheUnlinksToWhoHoldsTheLock) {
  const ObjectId id = put("loose");
  const MaintenanceLock held = lock();
  remove_without_unlinking(id);
  const Store other = open_other();
  EXPECT_TRUE(is_loose(id));
}

// So writers of the index wait for a part of them only, and a failure leaves a part only.
TEST_F(RemoveTest, UnlinksThousandsInSeveralTransactions) {
  constexpr int kNotes = 2'500;
  put("makes the shards");
  std::vector<ObjectId> ids;
  for (int i = 0; i < kNotes; ++i) ids.push_back(ObjectId::of(as_bytes(std::to_string(i))));
  std::ranges::sort(ids);
  const auto core = open_watched();
  {
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    for (const ObjectId& id : ids) ASSERT_THAT(transaction->add_pending_unlink(id), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  const std::string last = ids.back().to_hex();
  watch().fail_at("remove loose/" + last.substr(0, 2) + "/" + last.substr(2), ErrorCode::kIo);
  EXPECT_THAT(finish_unlinks(*core), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(core->index->pending_unlinks().value(), ::testing::SizeIs(kNotes - 2 * 1'024));
  watch().before = nullptr;
  EXPECT_THAT(finish_unlinks(*core), Succeeds());
  EXPECT_THAT(core->index->pending_unlinks().value(), IsEmpty());
}

TEST_F(RemoveTest, CanBeFinishedAfterAnUnlinkThatFailed) {
  const ObjectId one = put("one");
  const ObjectId two = put("two");
  const auto core = open_watched();
  watch().fail_at("remove loose/", ErrorCode::kIo);
  EXPECT_THAT(store::remove(*core, {{one, two}}, kAtOnce), FailsWith(ErrorCode::kIo));
  watch().before = nullptr;
  EXPECT_THAT(core->index->pending_unlinks().value(), ::testing::SizeIs(2));
  ASSERT_THAT(finish_unlinks(*core), Succeeds());
  EXPECT_FALSE(has(one));
  EXPECT_FALSE(has(two));
}

}  // namespace
}  // namespace packstore::store
