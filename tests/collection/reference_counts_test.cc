// Stores that count references: what has lost its last reference goes at once, with everything that
// only it referenced, and nothing else does.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "collection/counting_fixture.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

class ReferenceCountsTest : public CountingFixture {
 protected:
  // Each node links to the one before it: as deep as it is long, and released in several
  // transactions.
  void put_history(std::uint64_t length) {
    Batch batch = store().begin_batch().value();
    std::vector<Link> previous;
    for (std::uint64_t i = 0; i < length; ++i) {
      const std::string text = node_text(std::to_string(i), previous);
      previous = {node(batch.put(as_bytes(text)).value())};
    }
    const Link head = previous.front();
    ASSERT_THAT(batch.move_ref("head", {.to = head.id, .kind = head.kind}), Succeeds());
    ASSERT_THAT(batch.commit(), Succeeds());
    EXPECT_EQ(count_objects(), length);
  }
};

TEST_F(ReferenceCountsTest, AStoreWithoutCountsSaysSo) {
  Store plain = Store::create(scratch_ / "plain").value();
  EXPECT_THAT(plain.refs().count(Link{}), FailsWith(ErrorCode::kUnsupported));
}

TEST_F(ReferenceCountsTest, RefsAndDistinctLinksOfReachedNodesCount) {
  const ObjectId leaf = put("leaf");
  const ObjectId inner = put_node("inner", {raw(leaf), raw(leaf)});
  const ObjectId root = put_node("root", {node(inner), raw(leaf)});
  EXPECT_EQ(count(raw(leaf)), 0);
  set_ref("head", node(root));
  EXPECT_EQ(count(raw(leaf)), 2);
  EXPECT_EQ(count(node(inner)), 1);
  EXPECT_EQ(count(node(root)), 1);
  set_ref("other", node(inner));
  set_ref("third", raw(leaf));
  EXPECT_EQ(count(raw(leaf)), 3);
  EXPECT_EQ(count(node(inner)), 2);
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, TheLastReferenceTakesNodesAndRawLeavesWithIt) {
  const ObjectId packed = put_packed("packed leaf");
  const ObjectId loose = put("loose leaf");
  const ObjectId inner = put_node("inner", {raw(packed)});
  const ObjectId root = put_node("root", {node(inner), raw(loose)});
  set_ref("head", node(root));
  EXPECT_EQ(store().refs().dereference("head").value(), root);
  for (const ObjectId& id : {packed, loose, inner, root}) EXPECT_FALSE(has(id));
  EXPECT_FALSE(std::filesystem::exists(loose_path(path(), loose)));
  EXPECT_EQ(count_objects(), 0);
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, WhatSomebodyElseReferencesStays) {
  const ObjectId shared = put("shared");
  const ObjectId own = put("own");
  const ObjectId first = put_node("first", {raw(shared), raw(own)});
  const ObjectId second = put_node("second", {raw(shared)});
  set_ref("first", node(first));
  set_ref("second", node(second));
  set_ref("first", std::nullopt);
  EXPECT_FALSE(has(first));
  EXPECT_FALSE(has(own));
  EXPECT_TRUE(has(second));
  EXPECT_EQ(count(raw(shared)), 1);
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, AMoveKeepsWhatOldAndNewTargetShare) {
  const ObjectId shared = put("shared");
  const ObjectId dropped = put("dropped");
  const ObjectId before = put_node("before", {raw(shared), raw(dropped)});
  const ObjectId after = put_node("after", {raw(shared)});
  set_ref("head", node(before));
  set_ref("head", node(after));
  EXPECT_TRUE(has(shared));
  EXPECT_FALSE(has(dropped));
  EXPECT_FALSE(has(before));
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, ABatchThatMovesARefCountsInItsCommit) {
  const ObjectId old_leaf = put("old leaf");
  set_ref("head", raw(old_leaf));
  Batch batch = store().begin_batch().value();
  const ObjectId leaf = batch.put(as_bytes("new leaf")).value();
  const std::string text = node_text("root", {raw(leaf)});
  const ObjectId root = batch.put(as_bytes(text)).value();
  ASSERT_THAT(batch.move_ref("head", {.from = old_leaf, .to = root, .kind = NodeKind::kDagCbor}),
              Succeeds());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(count(raw(leaf)), 1);
  EXPECT_FALSE(has(old_leaf));
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, WhatNoRefHasEverReachedStaysUntilACollection) {
  const ObjectId leaf = put("leaf");
  const ObjectId lonely = put_node("lonely", {raw(leaf)});
  set_ref("head", raw(put("something")));
  set_ref("head", std::nullopt);
  EXPECT_TRUE(has(leaf) && has(lonely));
  EXPECT_EQ(collect().value().removed, 2);
  EXPECT_FALSE(has(leaf) || has(lonely));
}

TEST_F(ReferenceCountsTest, ARefMovesOnlyToWhatIsThereAsAWhole) {
  const ObjectId leaf = ObjectId::of(as_bytes("leaf"));
  const ObjectId inner = put_node("inner", {raw(leaf)});
  const ObjectId root = put_node("root", {node(inner)});
  const Status moved = move("head", node(root));
  EXPECT_THAT(moved, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(moved.error().message, ::testing::HasSubstr(leaf.to_hex()));
  EXPECT_THAT(moved.error().message, ::testing::HasSubstr(inner.to_hex()));
  EXPECT_EQ(store().refs().find("head").value(), std::nullopt);
  EXPECT_EQ(count(node(inner)), 0);
  // Bytes that are no node of the kind that the ref says.
  EXPECT_THAT(move("head", node(put("no node"))), FailsWith(ErrorCode::kCorrupt));
  put("leaf");
  EXPECT_THAT(move("head", node(root)), Succeeds());
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, WithoutAFunctionThatFindsLinksOnlyRawObjectsAreReferenced) {
  const ObjectId root = put_node("root", {});
  options_.children_of = nullptr;
  reopen();
  EXPECT_THAT(move("head", node(root)), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(move("head", raw(root)), Succeeds());
  set_ref("head", std::nullopt);
  EXPECT_FALSE(has(root));
}

TEST_F(ReferenceCountsTest, WhatIsPinnedGoesWhenThePinDoes) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  std::optional<Pin> pin = store().pin().value();
  ASSERT_THAT(pin->add(node(root)), Succeeds());
  set_ref("head", std::nullopt);
  EXPECT_TRUE(has(root) && has(leaf));
  expect_exact(store());
  EXPECT_EQ(collect().value().removed, 0);
  EXPECT_TRUE(has(root) && has(leaf));
  pin.reset();
  reopen();
  EXPECT_FALSE(has(root) || has(leaf));
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, APinProtectsWhatItReachesThroughNodesThatNoRefReaches) {
  const ObjectId leaf = put("leaf");
  const ObjectId shared = put_node("shared", {raw(leaf)});
  set_ref("head", node(shared));
  Pin pin = store().pin().value();
  // Pinned before it is put.
  const std::string text = node_text("unfinished", {node(shared)});
  ASSERT_THAT(pin.add(node(ObjectId::of(as_bytes(text)))), Succeeds());
  const ObjectId unfinished = put_packed(text);
  set_ref("head", std::nullopt);
  EXPECT_TRUE(has(unfinished) && has(shared) && has(leaf));
  set_ref("head", node(unfinished));
  expect_exact(store());
}

TEST_F(ReferenceCountsTest, AReleaseThatWaitsIsCalledOffByANewReference) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  {
    Pin pin = store().pin().value();
    ASSERT_THAT(pin.add(node(root)), Succeeds());
    set_ref("head", std::nullopt);
    set_ref("again", node(root));
  }
  reopen();
  EXPECT_TRUE(has(root) && has(leaf));
  EXPECT_EQ(count(raw(leaf)), 1);
  expect_exact(store());
  set_ref("again", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
}

TEST_F(ReferenceCountsTest, WhatAnOpenBatchHasFoundStaysUntilItsCommit) {
  const ObjectId leaf = put("leaf");
  const ObjectId other = put("other");
  set_ref("head", raw(leaf));
  set_ref("other", raw(other));
  Batch batch = store().begin_batch().value();
  ASSERT_THAT(batch.put(as_bytes("leaf")), Succeeds());
  EXPECT_EQ(batch.report().duplicates, 1);
  set_ref("head", std::nullopt);
  set_ref("other", std::nullopt);
  EXPECT_TRUE(has(leaf));
  ASSERT_THAT(batch.move_ref("kept", {.to = leaf}), Succeeds());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_TRUE(has(leaf));
  EXPECT_FALSE(has(other));  // The end of the batch was what this one had waited for.
  expect_exact(store());
}

// Acknowledged after the last reference had gone: nobody may take it but a collection.
TEST_F(ReferenceCountsTest, WhatIsPutWhileItsReleaseWaitsStays) {
  const ObjectId leaf = put("leaf");
  const ObjectId other_leaf = put("other leaf");
  const ObjectId root = put_node("root", {raw(leaf), raw(other_leaf)});
  set_ref("head", node(root));
  {
    const MaintenanceLock lock = store().lock_maintenance().value();
    set_ref("head", std::nullopt);
    ASSERT_TRUE(has(root));  // It waits.
    put("leaf");
  }
  reopen();
  EXPECT_FALSE(has(root));
  EXPECT_FALSE(has(other_leaf));
  EXPECT_TRUE(has(leaf));
  expect_exact(store());

  set_ref("head", raw(leaf));
  set_ref("head", std::nullopt);
  EXPECT_FALSE(has(leaf));
}

TEST_F(ReferenceCountsTest, WhatABatchFindsWhileItsReleaseWaitsStays) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  {
    const MaintenanceLock lock = store().lock_maintenance().value();
    set_ref("head", std::nullopt);
    Batch batch = store().begin_batch().value();
    ASSERT_THAT(batch.put(as_bytes("leaf")), Succeeds());
    ASSERT_THAT(batch.commit(), Succeeds());
  }
  reopen();
  EXPECT_FALSE(has(root));
  EXPECT_TRUE(has(leaf));
  EXPECT_EQ(collect().value().removed, 1);
}

TEST_F(ReferenceCountsTest, ReleasesWaitForMaintenanceAndACollectionCarriesThemOut) {
  const ObjectId leaf = put("leaf");
  set_ref("head", raw(leaf));
  MaintenanceLock lock = store().lock_maintenance().value();
  set_ref("head", std::nullopt);
  EXPECT_TRUE(has(leaf));
  EXPECT_EQ(count(raw(leaf)), 0);
  const CollectReport report = lock.collect({.children_of = links_of}).value();
  EXPECT_EQ(report.released, 1);
  EXPECT_EQ(report.removed, 0);
  EXPECT_FALSE(has(leaf));
}

TEST_F(ReferenceCountsTest, ACollectionThatIsToldToStopBeforeItBeginsReleasesNothing) {
  const ObjectId leaf = put("leaf");
  set_ref("head", raw(leaf));
  MaintenanceLock lock = store().lock_maintenance().value();
  set_ref("head", std::nullopt);
  std::stop_source stop;
  stop.request_stop();
  std::uint64_t heard = 0;
  EXPECT_THAT(lock.collect({.children_of = links_of,
                            .on_garbage = [&](const ObjectId&) { ++heard; },
                            .control = {.stop = stop.get_token()}}),
              FailsWith(ErrorCode::kCancelled));
  EXPECT_TRUE(has(leaf));
  EXPECT_EQ(heard, 0);
}

TEST_F(ReferenceCountsTest, AStopEndsReleasesWithTheStepThatIsDoneAndEverythingThatWentIsTold) {
  constexpr std::uint64_t kLength = 20'000;
  put_history(kLength);
  MaintenanceLock lock = store().lock_maintenance().value();
  set_ref("head", std::nullopt);
  ASSERT_EQ(count_objects(), kLength);
  std::stop_source stop;
  std::uint64_t heard = 0;
  const auto on_garbage = [&](const ObjectId&) {
    ++heard;
    stop.request_stop();
  };
  EXPECT_THAT(lock.collect({.children_of = links_of,
                            .on_garbage = on_garbage,
                            .control = {.stop = stop.get_token()}}),
              FailsWith(ErrorCode::kCancelled));
  EXPECT_GT(heard, 0);
  EXPECT_LT(heard, kLength);
  EXPECT_EQ(count_objects(), kLength - heard);
  EXPECT_THAT(store(), IsUndamaged());
  EXPECT_EQ(lock.collect({.children_of = links_of}).value().released, kLength - heard);
}

TEST_F(ReferenceCountsTest, ADryRunSaysWhatWaitsForItsRelease) {
  const ObjectId own = put("own");
  const ObjectId shared = put("shared");
  const ObjectId pinned = put("pinned");
  const ObjectId root = put_node("root", {raw(own), raw(shared), raw(pinned)});
  set_ref("head", node(root));
  set_ref("other", raw(shared));
  const ObjectId lonely = put("lonely");
  Pin pin = store().pin().value();
  ASSERT_THAT(pin.add(raw(pinned)), Succeeds());
  MaintenanceLock lock = store().lock_maintenance().value();
  set_ref("head", std::nullopt);
  const auto collect_in = [&](CollectMode mode, std::vector<ObjectId>& heard) {
    return lock
        .collect({.children_of = links_of,
                  .mode = mode,
                  .on_garbage = [&](const ObjectId& id) { heard.push_back(id); }})
        .value();
  };
  std::vector<ObjectId> would_go;
  const CollectReport said = collect_in(CollectMode::kDryRun, would_go);
  EXPECT_EQ(count_objects(), 5);
  EXPECT_EQ(said.released, 2);
  EXPECT_EQ(said.removed, 1);
  EXPECT_EQ(said.reached, 2);
  EXPECT_EQ(said.loose_bytes, std::string("lonely").size());
  EXPECT_THAT(would_go, ::testing::UnorderedElementsAre(own, root, lonely));

  std::vector<ObjectId> went;
  const CollectReport done = collect_in(CollectMode::kRemove, went);
  EXPECT_EQ(done.released, said.released);
  EXPECT_EQ(done.removed, said.removed);
  EXPECT_EQ(done.reached, said.reached);
  EXPECT_EQ(done.loose_bytes, said.loose_bytes);
  EXPECT_THAT(went, ::testing::UnorderedElementsAreArray(would_go));
}

TEST_F(ReferenceCountsTest, RemovalRefusesWhatARefReaches) {
  const ObjectId leaf = put("leaf");
  set_ref("head", node(put_node("root", {raw(leaf)})));
  MaintenanceLock lock = store().lock_maintenance().value();
  EXPECT_THAT(lock.remove({&leaf, 1}), FailsWith(ErrorCode::kConflict));
  EXPECT_TRUE(has(leaf));
}

TEST_F(ReferenceCountsTest, ALongHistoryIsReleasedInBoundedSteps) {
  // Each node links to the one before it: as deep as it is long, and released in several
  // transactions.
  constexpr int kLength = 20'000;
  Batch batch = store().begin_batch().value();
  std::vector<Link> previous;
  for (int i = 0; i < kLength; ++i) {
    const std::string text = node_text(std::to_string(i), previous);
    previous = {node(batch.put(as_bytes(text)).value())};
  }
  const Link head = previous.front();
  ASSERT_THAT(batch.move_ref("head", {.to = head.id, .kind = head.kind}), Succeeds());
  ASSERT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(count_objects(), kLength);
  set_ref("head", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
  EXPECT_THAT(store(), IsUndamaged());
}

TEST_F(ReferenceCountsTest, RepackAndPackingLeaveCountsAlone) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  {
    MaintenanceLock lock = store().lock_maintenance().value();
    ASSERT_THAT(lock.pack_loose(), Succeeds());
    ASSERT_THAT(lock.repack(), Succeeds());
  }
  expect_exact(store());
  set_ref("head", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
}

class TamperedCounts : public CountingFixture {
 protected:
  // A tree whose leaf is referenced twice, once by a ref.
  void plant() {
    leaf_ = put("leaf");
    inner_ = put_node("inner", {raw(leaf_)});
    root_ = put_node("root", {node(inner_)});
    set_ref("head", node(root_));
    set_ref("leaf", raw(leaf_));
    expect_exact(store());
    close();
  }
  // Behind the back of the store.
  void tamper(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((path() / "index.sqlite").c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    EXPECT_EQ(sqlite3_changes(database), 1);
    sqlite3_close(database);
  }
  static std::string id_is(const ObjectId& id) { return "id = x'" + id.to_hex() + "'"; }

  // The finding, its repair, and then everything goes with the last ref.
  void expect_noticed_and_mended(const ObjectId& tampered) {
    const ValidationReport report = store().validate().value();
    ASSERT_EQ(report.findings.size(), 1);
    EXPECT_EQ(report.findings[0].kind, FindingKind::kReferenceCountWrong);
    EXPECT_EQ(report.findings[0].object, tampered);
    EXPECT_THAT(store().lock_maintenance().value().repair(report), Succeeds());
    EXPECT_THAT(store(), IsSpotless());
    expect_exact(store());
    set_ref("leaf", std::nullopt);
    EXPECT_TRUE(has(leaf_));
    set_ref("head", std::nullopt);
    EXPECT_EQ(count_objects(), 0);
  }

  ObjectId leaf_;
  ObjectId inner_;
  ObjectId root_;
};

// Twice is once too many: the leaf would never go.
TEST_F(TamperedCounts, ThatAreTooHighAreNoticedAndMended) {
  plant();
  tamper("UPDATE reference_counts SET count = 3 WHERE " + id_is(leaf_));
  expect_noticed_and_mended(leaf_);
}

// The leaf would go with its ref, though a node still needs it.
TEST_F(TamperedCounts, ThatAreTooLowAreNoticedAndMended) {
  plant();
  tamper("UPDATE reference_counts SET count = 1 WHERE " + id_is(leaf_));
  expect_noticed_and_mended(leaf_);
}

TEST_F(TamperedCounts, ThatAreMissingAreNoticedAndMended) {
  plant();
  tamper("DELETE FROM reference_counts WHERE " + id_is(inner_));
  expect_noticed_and_mended(inner_);
}

TEST_F(TamperedCounts, OfWhatNobodyReferencesAreNoticedAndMended) {
  plant();
  const ObjectId nobody = ObjectId::of(as_bytes("nobody"));
  tamper("INSERT INTO reference_counts(id, kind, count) VALUES(x'" + nobody.to_hex() + "', 85, 1)");
  expect_noticed_and_mended(nobody);
}

TEST_F(ReferenceCountsTest, ARecoveredStoreCountsAnew) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  close();
  ASSERT_THAT(Store::recover(path()), Succeeds());
  expect_exact(store());
  EXPECT_EQ(count(raw(leaf)), 1);
  set_ref("head", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
}

TEST_F(ReferenceCountsTest, AStoreThatLostItsIndexStillCounts) {
  set_ref("head", raw(put("leaf")));
  close();
  std::filesystem::remove(path() / "index.sqlite");
  std::filesystem::remove(path() / "index.sqlite-wal");
  ASSERT_THAT(Store::recover(path()), Succeeds());
  EXPECT_EQ(count(raw(ObjectId::of(as_bytes("leaf")))), 0);
  set_ref("head", raw(ObjectId::of(as_bytes("leaf"))));
  set_ref("head", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
}

TEST_F(ReferenceCountsTest, ABackupCountsWhatItsOwnRefsReach) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  ASSERT_THAT(store().backup(scratch_ / "backup"), Succeeds());
  set_ref("head", std::nullopt);
  Store backup = Store::open(scratch_ / "backup", options_).value();
  EXPECT_EQ(backup.refs().count(raw(leaf)).value(), 1);
  expect_exact(backup);
  ASSERT_THAT(backup.refs().dereference("head"), Succeeds());
  EXPECT_FALSE(backup.contains(root).value() || backup.contains(leaf).value());
}

TEST_F(ReferenceCountsTest, ADamagedNodeStopsReleasesOfWhatItMayReference) {
  const ObjectId leaf = put("leaf");
  const std::string text = node_text("root", {raw(leaf)});
  const ObjectId root = put(text);  // Loose, so that it can be taken away.
  set_ref("head", node(root));
  set_ref("other", raw(leaf));
  close();
  std::filesystem::remove(loose_path(path(), root));
  ASSERT_THAT(Store::recover(path()), Succeeds());
  // The ref went with its target; with the target comes the ref back.
  EXPECT_THAT(store().put(as_bytes(text)), Succeeds());
  set_ref("head", node(root));
  close();
  std::filesystem::remove(loose_path(path(), root));
  set_ref("other", std::nullopt);
  EXPECT_TRUE(has(leaf));
  EXPECT_EQ(count(raw(leaf)), 1);
  set_ref("head", std::nullopt);
  EXPECT_TRUE(has(leaf));
  EXPECT_THAT(collect(), FailsWith(ErrorCode::kNotFound));
  // Put again, it can be released.
  put(text);
  reopen();
  EXPECT_EQ(count_objects(), 0);
}

}  // namespace
}  // namespace packstore::testing
