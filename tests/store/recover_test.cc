#include "store/recover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>

#include "format/pack_header.h"
#include "format/pack_record.h"
#include "store/recover_fixture.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::size_t kPackHeaderSize = format::PackHeader::kSize;
constexpr std::size_t kRecordSize = format::PackRecord::kHeaderSize + 600;

struct IndexDamage {
  std::string name;
  void (*inflict)(const fs::path& index);
};
void PrintTo(const IndexDamage& damage, std::ostream* out) { *out << damage.name; }

class RecoverFromDamageTest : public RecoverTest,
                              public ::testing::WithParamInterface<IndexDamage> {};

TEST_P(RecoverFromDamageTest, FindsEveryObject) {
  fill();
  GetParam().inflict(path_ / "index.sqlite");
  // The log of a database that is gone, or is another now.
  ASSERT_TRUE(fs::exists(path_ / "index.sqlite-wal"));
  EXPECT_EQ(Store::open(path_).error().code, ErrorCode::kCorrupt);
  const bool had_index = fs::exists(path_ / "index.sqlite");
  const std::string old_index = read_file(path_ / "index.sqlite");

  const RecoveryReport report = recover();
  EXPECT_EQ(report.packs, 2U);
  EXPECT_EQ(report.packed_objects, 61U);
  EXPECT_EQ(report.loose_objects, 11U);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_TRUE(report.refs_lost);
  EXPECT_THAT(report.refs_kept, IsEmpty());
  EXPECT_EQ(report.old_index, fs::canonical(path_) / "quarantine" / "index-1");
  EXPECT_EQ(fs::exists(path_ / "quarantine" / "index-1" / "index.sqlite"), had_index);
  EXPECT_EQ(read_file(path_ / "quarantine" / "index-1" / "index.sqlite"), old_index);
  EXPECT_TRUE(fs::is_empty(path_ / "sandbox"));
  expect_all_there();
}

INSTANTIATE_TEST_SUITE_P(
    Index, RecoverFromDamageTest,
    ::testing::Values(IndexDamage{"Deleted", [](const fs::path& index) { fs::remove(index); }},
                      IndexDamage{"Emptied",
                                  [](const fs::path& index) {
                                    // SQLite would build an empty file up again from its log.
                                    fs::resize_file(index, 0);
                                    write_file(index.string() + "-wal", "no log");
                                  }},
                      IndexDamage{"Truncated",
                                  [](const fs::path& index) {
                                    write_file(index.string() + "-wal", "no log");
                                    fs::resize_file(index, fs::file_size(index) / 2 + 100);
                                  }},
                      IndexDamage{"Garbage",
                                  [](const fs::path& index) {
                                    write_file(index, std::string(fs::file_size(index), '?'));
                                  }},
                      IndexDamage{"Zeroed",
                                  [](const fs::path& index) {
                                    write_file(index, std::string(fs::file_size(index), '\0'));
                                  }}),
    [](const auto& param_info) { return param_info.param.name; });

TEST_F(RecoverTest, KeepsTheRefsOfAnIndexThatCanBeRead) {
  fill();
  const RecoveryReport report = recover();
  EXPECT_FALSE(report.refs_lost);
  EXPECT_THAT(report.candidate_heads, IsEmpty());
  EXPECT_EQ(report.refs_kept.size(), 2U);
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
  expect_all_there();
}

TEST_F(RecoverTest, DropsARefWhoseTargetIsGone) {
  fill();
  fs::remove(loose_path(path_, loose_[0]));
  contents_.erase(loose_[0]);
  const RecoveryReport report = recover();
  ASSERT_EQ(report.refs_dropped.size(), 1U);
  EXPECT_EQ(report.refs_dropped[0].name, "loose");
  EXPECT_EQ(report.refs_dropped[0].id, loose_[0]);
  ASSERT_EQ(report.refs_kept.size(), 1U);
  EXPECT_EQ(report.refs_kept[0].name, "packed");
  expect_all_there();
}

// Two roots over shared leaves, one packed and one loose, one naming in bytes and one in text.
TEST_F(RecoverTest, ReportsWhatLostRefsMayHavePointedAt) {
  fill();
  ObjectId packed_root;
  ObjectId loose_root;
  {
    Store store = Store::open(path_).value();
    Bytes list;
    for (const ObjectId& id : packed_) list.insert(list.end(), id.bytes.begin(), id.bytes.end());
    Batch batch = store.begin_batch({.compression = Compression::zlib()}).value();
    const ObjectId node = batch.put(list).value();
    packed_root = batch.put(as_bytes("tree " + node.to_hex() + "\n")).value();
    batch.commit().value();
    loose_root = store.put(as_bytes("parent: " + packed_[3].to_hex() + "; v2")).value();
  }
  remove_index();
  const RecoveryReport report = recover();
  EXPECT_TRUE(report.refs_lost);
  EXPECT_THAT(report.candidate_heads, UnorderedElementsAre(packed_root, loose_root));

  remove_index();
  const RecoveryReport brief =
      Store::recover(path_, {.find_candidate_heads = false, .control = {}}).value();
  EXPECT_THAT(brief.candidate_heads, IsEmpty());
}

TEST_F(RecoverTest, DoneTwiceChangesNothing) {
  fill();
  remove_index();
  const RecoveryReport first = recover();
  const std::string pack = read_file(packs_in(path_).at(0));
  const RecoveryReport second = recover();
  EXPECT_EQ(second.packs, first.packs);
  EXPECT_EQ(second.packed_objects, first.packed_objects);
  EXPECT_EQ(second.loose_objects, first.loose_objects);
  EXPECT_THAT(second.findings, IsEmpty());
  EXPECT_FALSE(second.refs_lost);
  EXPECT_EQ(second.old_index, fs::canonical(path_) / "quarantine" / "index-1");
  EXPECT_EQ(recover().old_index, fs::canonical(path_) / "quarantine" / "index-2");
  EXPECT_EQ(read_file(packs_in(path_).at(0)), pack);
  expect_all_there();
}

TEST_F(RecoverTest, LosesOnlyWhatADamagedPackLost) {
  fill();
  const fs::path pack = packs_in(path_).at(1);
  // The fifth of thirty records: in its stored bytes.
  flip_byte(pack, kPackHeaderSize + 4 * kRecordSize + 300);
  // And the tenth, in its header.
  flip_byte(pack, kPackHeaderSize + 9 * kRecordSize + 20);
  contents_.erase(packed_[4]);
  contents_.erase(packed_[9]);
  const RecoveryReport report = recover();
  EXPECT_THAT(kinds_of(report),
              ElementsAre(FindingKind::kRecordDamaged, FindingKind::kRecordDamaged));
  EXPECT_EQ(report.findings.at(0).offset, kPackHeaderSize + 4 * kRecordSize);
  EXPECT_EQ(report.findings.at(1).offset, kPackHeaderSize + 9 * kRecordSize);
  Store store = Store::open(path_).value();
  EXPECT_EQ(contents_of(store), contents_);
  EXPECT_TRUE(store.stats().value().packs.at(1).sealed);
  // The damage stays visible, and nothing else is wrong.
  expect_valid(store, [](FindingKind kind) { return kind == FindingKind::kGapDamaged; });
}

TEST_F(RecoverTest, GivesAPackWithADamagedHeaderANewOne) {
  fill();
  const fs::path pack = packs_in(path_).at(0);
  flip_byte(pack, 3);
  const std::string damaged = read_file(pack);
  const RecoveryReport report = recover();
  EXPECT_THAT(kinds_of(report), ElementsAre(FindingKind::kPackHeaderDamaged));
  EXPECT_EQ(read_file(path_ / "quarantine" / pack.filename()), damaged);
  expect_all_there();
}

TEST_F(RecoverTest, LeavesAPackOfAnotherStoreAlone) {
  fill();
  Store other = Store::create(directory_ / "other").value();
  const std::vector<ObjectId> foreign_ids = put_batch(other, 5000, 3);
  const fs::path foreign = path_ / "packs" / "0000000077.pack";
  fs::copy_file(packs_in(directory_ / "other").at(0), foreign);
  // One of this store under the number of another.
  const fs::path renamed = path_ / "packs" / "0000000078.pack";
  fs::copy_file(packs_in(path_).at(0), renamed);
  remove_index();
  const RecoveryReport report = recover();
  EXPECT_THAT(kinds_of(report), ElementsAre(FindingKind::kPackForeign, FindingKind::kPackForeign));
  EXPECT_EQ(read_file(foreign), read_file(packs_in(directory_ / "other").at(0)));
  EXPECT_TRUE(fs::exists(renamed));
  Store store = Store::open(path_).value();
  EXPECT_EQ(contents_of(store), contents_);
  EXPECT_FALSE(store.contains(foreign_ids[0]).value());
  // Numbers go on behind the highest that was seen.
  Batch held = store.begin_batch().value();
  held.put(make_content(5000)).value();
  Batch second = store.begin_batch().value();
  second.put(make_content(5001)).value();
  Batch third = store.begin_batch().value();
  third.put(make_content(5002)).value();
  third.commit().value();
  EXPECT_TRUE(fs::exists(path_ / "packs" / "0000000079.pack"));
}

TEST_F(RecoverTest, SealsAPackWithATornTail) {
  fill();
  const fs::path pack = packs_in(path_).at(1);
  const std::string whole = read_file(pack);
  write_file(pack, whole + std::string(100, 'x'));
  remove_index();
  const RecoveryReport report = recover();
  EXPECT_THAT(kinds_of(report), ElementsAre(FindingKind::kTornTail));
  {
    Store store = Store::open(path_).value();
    expect_valid(store, is_garbage);
    put_batch(store, 700, 1);
    EXPECT_EQ(read_file(pack), whole + std::string(100, 'x'));
    store.lock_maintenance().value().clean().value();
    EXPECT_EQ(read_file(pack), whole);
    expect_valid(store);
  }
}

TEST_F(RecoverTest, FindsTheObjectsOfAPackThatEndsInsideARecord) {
  fill();
  const fs::path pack = packs_in(path_).at(1);
  fs::resize_file(pack, kPackHeaderSize + 10 * kRecordSize + 100);
  for (std::size_t i = 10; i < packed_.size(); ++i) contents_.erase(packed_[i]);
  recover();
  const Store store = Store::open(path_).value();
  EXPECT_EQ(contents_of(store), contents_);
  expect_valid(store, is_garbage);
}

// Two batches that are open at a time store the same content; the index takes one of them.
TEST_F(RecoverTest, CountsTheSecondCopyOfAnObjectAsDead) {
  {
    Store store = Store::create(path_).value();
    Batch first = store.begin_batch().value();
    Batch second = store.begin_batch().value();
    first.put(make_content(1)).value();
    second.put(make_content(1)).value();
    second.put(make_content(2)).value();
    first.commit().value();
    second.commit().value();
    contents_ = contents_of(store);
  }
  remove_index();
  EXPECT_EQ(recover().packed_objects, 2U);
  const Store store = Store::open(path_).value();
  EXPECT_EQ(store.stats().value().dead_bytes, kRecordSize);
  expect_all_there();
}

TEST_F(RecoverTest, BringsBackWhatWasRemovedButIsStillInAPack) {
  fill();
  {
    Store store = Store::open(path_).value();
    store.lock_maintenance().value().remove(std::vector{packed_[5], loose_[5]}).value();
  }
  contents_.erase(loose_[5]);
  remove_index();
  recover();
  expect_all_there();
}

TEST_F(RecoverTest, ReportsDamagedLooseObjects) {
  fill();
  flip_byte(loose_path(path_, loose_[0]), 10);
  write_file(path_ / "loose" / "stray", "?");
  const RecoveryReport report = recover();
  EXPECT_THAT(kinds_of(report),
              UnorderedElementsAre(FindingKind::kContentMismatch, FindingKind::kLooseMisplaced));
  EXPECT_EQ(report.loose_objects, 10U);
  // Nothing good is left of the target.
  ASSERT_EQ(report.refs_dropped.size(), 1U);
  EXPECT_EQ(report.refs_dropped[0].id, loose_[0]);
}

TEST_F(RecoverTest, WritesALostFormatAnewWhenThePacksSayWhichStoreItIs) {
  fill();
  const std::string format = read_file(path_ / "FORMAT");
  for (const std::string& damaged : {std::string(), std::string("packstore 1\nuuid zero\n")}) {
    SCOPED_TRACE(damaged);
    write_file(path_ / "FORMAT", damaged);
    recover();
    EXPECT_EQ(read_file(path_ / "FORMAT"), format);
  }
  fs::remove(path_ / "FORMAT");
  recover();
  EXPECT_EQ(read_file(path_ / "FORMAT"), format);
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
  expect_all_there();
}

TEST_F(RecoverTest, WritesALostFormatAnewWhenOnlyTheIndexSaysWhichStoreItIs) {
  std::string uuid;
  {
    Store store = Store::create(path_).value();
    uuid = store.uuid();
    store.put(make_content(1000)).value();
  }
  fs::remove(path_ / "FORMAT");
  recover();
  EXPECT_EQ(Store::open(path_).value().uuid(), uuid);
}

TEST_F(RecoverTest, MakesDirectoriesThatACopyLeftOut) {
  fill();
  fs::remove_all(path_ / "sandbox");
  fs::remove_all(path_ / "locks");
  recover();
  expect_all_there();
}

TEST_F(RecoverTest, RefusesADirectoryThatIsNoStore) {
  fs::create_directory(path_);
  write_file(path_ / "letter", "dear");
  EXPECT_EQ(failure(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(std::distance(fs::directory_iterator(path_), fs::directory_iterator()), 1);
  fs::remove_all(path_);
  EXPECT_EQ(failure(), ErrorCode::kNotFound);
}

TEST_F(RecoverTest, RefusesAStoreOfANewerVersion) {
  fill();
  const std::string newer = "packstore 2\nsomething else\n";
  write_file(path_ / "FORMAT", newer);
  EXPECT_EQ(failure(), ErrorCode::kUnsupported);
  EXPECT_EQ(read_file(path_ / "FORMAT"), newer);
}

TEST_F(RecoverTest, IsBusyWhileSomebodyWritesOrMaintains) {
  fill();
  Store store = Store::open(path_).value();
  {
    Batch batch = store.begin_batch().value();
    batch.put(make_content(1000)).value();
    const auto report = Store::recover(path_);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::kBusy);
    EXPECT_THAT(report.error().message, ::testing::HasSubstr("pack 1"));
  }
  {
    const Batch batch = store.begin_batch().value();
    EXPECT_EQ(failure(), ErrorCode::kBusy) << "a batch that has not written yet";
  }
  {
    const MaintenanceLock lock = store.lock_maintenance().value();
    EXPECT_EQ(failure(), ErrorCode::kBusy);
  }
  EXPECT_FALSE(fs::exists(path_ / "quarantine"));
  EXPECT_EQ(contents_of(store), contents_);
}

TEST_F(RecoverTest, StoppedLeavesTheIndexAsItWas) {
  fill();
  std::stop_source stop;
  stop.request_stop();
  RecoverOptions options;
  options.control.stop = stop.get_token();
  EXPECT_EQ(failure(options), ErrorCode::kCancelled);
  EXPECT_FALSE(fs::exists(path_ / "quarantine"));
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
  expect_all_there();
}

// The one moment of a recovery in which no index is in place: the new one is waiting.
TEST_F(RecoverTest, KeepsTheRefsOverACrashBetweenTheTwoIndexes) {
  fill();
  recover();
  fs::rename(path_ / "index.sqlite", path_ / "index.sqlite.recovered");
  write_file(path_ / "index.sqlite-wal", "what is left of an older log");
  EXPECT_EQ(Store::open(path_).error().code, ErrorCode::kCorrupt);
  const RecoveryReport report = recover();
  EXPECT_FALSE(report.refs_lost);
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
  EXPECT_FALSE(fs::exists(path_ / "index.sqlite.recovered"));
  expect_all_there();
}

// Cuts the power right before each step of a recovery in turn. What can be opened afterwards must
// be whole, and the next recovery must find everything, refs included.
TEST_F(RecoverTest, CutOffAtAnyStepLosesNothing) {
  fill();
  const fs::path pack = packs_in(path_).at(0);
  flip_byte(pack, 3);
  const std::string damaged = read_file(pack);
  remove_empty_shards(path_);
  fs::rename(path_, directory_ / "original");
  WatchedFileSystem files(directory_.path().string());
  std::string at = "the beginning";
  int step = 0;
  for (; !at.empty() && !HasFailure(); ++step) {
    fs::remove_all(path_);
    fs::copy(directory_ / "original", path_, fs::copy_options::recursive);
    {
      const PowerCut cut(files.watch(), step);
      const bool is_done = store::recover(files, path_, {}).has_value();
      at = cut.at();
      EXPECT_TRUE(is_done || !at.empty());
    }
    SCOPED_TRACE(at);
    {
      const Result<Store> store = Store::open(path_);
      EXPECT_EQ(store ? refs_of(*store) : refs_, refs_);
    }
    EXPECT_FALSE(recover().refs_lost);
    EXPECT_EQ(read_file(path_ / "quarantine" / pack.filename()), damaged);
    const Store store = Store::open(path_).value();
    EXPECT_EQ(refs_of(store), refs_);
    EXPECT_EQ(contents_of(store), contents_);
    expect_valid(store, is_garbage);
  }
  EXPECT_GT(step, 20);
}

TEST_F(RecoverTest, ForgetsAnIndexThatWaitsWhileTheOldOneIsThere) {
  fill();
  write_file(path_ / "index.sqlite.recovered", "a crash before the old one went");
  recover();
  EXPECT_FALSE(fs::exists(path_ / "index.sqlite.recovered"));
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
}

// A backup whose packs are shared with another generation must not let them grow.
TEST_F(RecoverTest, DoesNotLetAPackGrowThatABackupShares) {
  fill();
  const fs::path second = directory_ / "second";
  {
    Store store = Store::open(path_).value();
    store.backup(directory_ / "first").value();
    store.backup(second, {.previous = directory_ / "first", .control = {}}).value();
  }
  const std::string before = read_file(packs_in(second).at(0));
  Store::recover(second).value();
  Store store = Store::open(second).value();
  EXPECT_EQ(contents_of(store), contents_);
  put_batch(store, 900, 3);
  EXPECT_EQ(read_file(packs_in(directory_ / "first").at(0)), before);
  expect_valid(Store::open(directory_ / "first").value());
}

// Copies what stands in a directory at the moment when it is listed; what vanishes is left out.
void copy_plainly(const fs::path& from, const fs::path& to) {
  fs::create_directory(to);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path target = to / entry.path().filename();
    if (entry.is_directory(ignored)) {
      copy_plainly(entry.path(), target);
    } else {
      fs::copy_file(entry.path(), target, ignored);
    }
  }
}

// Threads put, pack and remove while the directory is copied file by file, in no particular order.
// A copy taken beside writers, without repack, holds what was acknowledged before.
TEST_F(RecoverTest, MakesAStoreOfAPlainCopyTakenUnderLoad) {
  const std::uint64_t seed = testing::test_seed();
  Store store = Store::create(path_).value();
  std::mutex mutex;
  std::vector<ObjectId> acknowledged;
  std::vector<std::jthread> threads;
  for (unsigned writer = 0; writer < 3; ++writer) {
    threads.emplace_back([&, writer](const std::stop_token& stop) {
      std::mt19937_64 random(seed + writer);
      std::optional<ObjectId> head;
      while (!stop.stop_requested()) {
        const std::uint64_t kind = random() % 3;
        std::vector<ObjectId> ids;
        if (kind == 0) ids = put_loose(store, random(), 2);
        if (kind == 1) ids = put_batch(store, random(), 20, Compression::automatic());
        if (kind == 2) ids = {put_packed(store, random())};
        store.refs().move("head" + std::to_string(writer), {.from = head, .to = ids[0]}).value();
        head = ids[0];
        const std::lock_guard lock(mutex);
        acknowledged.insert(acknowledged.end(), ids.begin(), ids.end());
      }
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int copies = 0;
  for (; std::chrono::steady_clock::now() < end && !HasFailure(); ++copies) {
    const fs::path copy = directory_ / ("copy-" + std::to_string(copies));
    std::vector<ObjectId> promised;
    {
      const std::lock_guard lock(mutex);
      promised = acknowledged;
    }
    copy_plainly(path_, copy);
    Store::recover(copy).value();
    const Store recovered = Store::open(copy).value();
    expect_holds(recovered, promised);
    expect_valid(recovered, is_garbage);
    fs::remove_all(copy);
  }
  threads.clear();  // Stops and joins the writers, who own the list until then.
  std::cout << copies << " copies, " << acknowledged.size() << " objects at the end\n";
  EXPECT_GT(copies, 0);
}

// The same beside everything that moves objects: nothing is promised but a store.
TEST_F(RecoverTest, MakesAStoreOfAPlainCopyTakenBesideMaintenance) {
  const std::uint64_t seed = testing::test_seed();
  Store store = Store::create(path_).value();
  std::jthread writer([&](const std::stop_token& stop) {
    std::mt19937_64 random(seed);
    while (!stop.stop_requested()) {
      put_loose(store, random(), 3);
      const std::vector<ObjectId> ids = put_batch(store, random(), 20);
      MaintenanceLock lock = store.lock_maintenance().value();
      lock.pack_loose().value();
      lock.remove(ids).value();
      lock.repack().value();
    }
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (int copies = 0; std::chrono::steady_clock::now() < end && !HasFailure(); ++copies) {
    const fs::path copy = directory_ / ("copy-" + std::to_string(copies));
    copy_plainly(path_, copy);
    Store::recover(copy).value();
    const Store recovered = Store::open(copy).value();
    contents_of(recovered);
    expect_valid(recovered, is_garbage);
    fs::remove_all(copy);
  }
}

}  // namespace
}  // namespace packstore::store
