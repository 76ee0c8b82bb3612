#include "store/pack_loose.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "store/loose_selection.h"
#include "store/read.h"
#include "store_fixture.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PackLooseTest : public StoreFixture {
 protected:
  PackReport pack(const PackOptions& options = {}) { return lock().pack_loose(options).value(); }
  std::vector<ObjectId> loose_ids() {
    std::vector<ObjectId> ids;
    const auto visit = [&](const ObjectInfo& info) -> Status {
      if (!info.pack) ids.push_back(info.id);
      return {};
    };
    EXPECT_THAT(store().for_each_object(visit), Succeeds());
    return ids;
  }
  static std::vector<ObjectId> ids_of(const Objects& objects) {
    std::vector<ObjectId> ids;
    for (const auto& [id, content] : objects) ids.push_back(id);
    return ids;
  }
  // Packs with `options`, and expects exactly the objects of `expected` to be packed.
  void expect_packs(const PackOptions& options, std::vector<ObjectId> expected) {
    const std::vector<ObjectId> before = loose_ids();
    EXPECT_EQ(pack(options).objects, expected.size());
    const std::vector<ObjectId> after = loose_ids();
    std::vector<ObjectId> packed;
    std::ranges::set_difference(before, after, std::back_inserter(packed));
    std::ranges::sort(expected);
    EXPECT_EQ(packed, expected);
  }
};

TEST_F(PackLooseTest, MovesEveryLooseObjectIntoAPack) {
  Objects objects = put_loose(0, 300);
  objects.merge(put_loose(1'000, 2, 5'000'000));
  const PackReport report = pack();
  EXPECT_EQ(report.objects, 302);
  EXPECT_EQ(report.content_bytes, 300 * 500 + 2 * 5'000'000);
  EXPECT_EQ(report.stored_bytes, report.content_bytes + 302 * kRecordHeader);
  EXPECT_EQ(count_files("loose"), 0);
  expect_holds(objects);
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_EQ(pack().objects, 0);
}

TEST_F(PackLooseTest, UnlinksOnSeveralThreads) {
  const Objects objects = put_loose(0, 300);
  EXPECT_EQ(pack({.threads = 4}).objects, 300);
  EXPECT_EQ(count_files("loose"), 0);
  expect_holds(objects);
}

TEST_F(PackLooseTest, HasNothingToDoInAnEmptyStore) {
  const PackReport report = pack();
  EXPECT_EQ(report.objects, 0);
  EXPECT_EQ(count_files("packs"), 0);
}

TEST_F(PackLooseTest, PacksTheIdsOfAList) {
  const std::vector<ObjectId> ids = ids_of(put_loose(0, 20));
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  expect_packs({.ids = {{ids[7], absent, ids[3], ids[7]}}}, {ids[3], ids[7]});
  expect_packs({.ids = std::vector<ObjectId>()}, {});
}

TEST_F(PackLooseTest, PacksTheIdsWithAPrefixOrAPattern) {
  const std::vector<ObjectId> ids = ids_of(put_loose(0, 60));
  const auto matching = [&](const auto& matches) {
    std::vector<ObjectId> found;
    for (const ObjectId& id : loose_ids()) {
      if (matches(id.to_hex())) found.push_back(id);
    }
    return found;
  };
  const std::string prefix = ids[10].to_hex().substr(0, 1);
  const auto with_prefix =
      matching([&](const std::string& hex) { return hex.starts_with(prefix); });
  ASSERT_THAT(with_prefix, Not(IsEmpty()));
  expect_packs({.id_prefix = prefix}, with_prefix);
  const auto with_pattern = matching([](const std::string& hex) {
    return hex.find("00") != std::string::npos || hex.ends_with("f");
  });
  ASSERT_THAT(with_pattern, Not(IsEmpty()));
  expect_packs({.id_pattern = "00|f$"}, with_pattern);
  const ObjectId one = loose_ids().front();
  expect_packs({.id_prefix = one.to_hex()}, {one});
}

TEST_F(PackLooseTest, PacksASizeRange) {
  std::vector<ObjectId> ids;
  for (const std::size_t size : {9U, 10U, 20U, 21U}) {
    ids.push_back(store().put(testing::content_of(size, size)).value());
  }
  expect_packs({.size_min = 10, .size_max = 20}, {ids[1], ids[2]});
}

TEST_F(PackLooseTest, StopsBeforeItsBudgetIsExceeded) {
  const std::vector<ObjectId> ids = ids_of(put_loose(0, 10, 100));
  expect_packs({.bytes_max = 99}, {});
  expect_packs({.bytes_max = 250}, {ids[0], ids[1]});
  expect_packs({.objects_max = 3}, {ids[2], ids[3], ids[4]});
  expect_packs({.bytes_max = 100, .objects_max = 9}, {ids[5]});
}

TEST_F(PackLooseTest, PacksWhatPassesEveryRule) {
  const std::vector<ObjectId> ids = ids_of(put_loose(0, 10, 100));
  const ObjectId small = put("small");
  expect_packs({.ids = {{ids[1], ids[2], small}}, .size_min = 50, .objects_max = 1}, {ids[1]});
}

TEST_F(PackLooseTest, RefusesRulesThatMeanNothing) {
  put("text");
  MaintenanceLock held = lock();
  for (const PackOptions& bad :
       {PackOptions{.id_prefix = "AB"}, PackOptions{.id_prefix = "../"},
        PackOptions{.id_prefix = std::string(65, 'a')}, PackOptions{.id_pattern = "("},
        PackOptions{.id_pattern = std::string(2'000, 'a')},
        PackOptions{.compression = Compression::zlib(17)}}) {
    EXPECT_THAT(held.pack_loose(bad), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_EQ(loose_ids().size(), 1);
}

TEST_F(PackLooseTest, ReportsDamagedObjectsAndPacksTheRest) {
  Objects objects = put_loose(0, 20);
  const Objects large = put_loose(100, 2, 5'000'000);
  const ObjectId small_bad = ids_of(objects).at(5);
  const ObjectId large_bad = ids_of(large).at(0);
  for (const ObjectId& id : {small_bad, large_bad}) flip(loose_path(id), 17);
  const PackReport report = pack();
  EXPECT_EQ(report.objects, 20);
  std::vector<ObjectId> damaged;
  for (const Finding& finding : report.damaged) {
    EXPECT_EQ(finding.kind, FindingKind::kContentMismatch);
    EXPECT_THAT(finding.message, HasSubstr(finding.object.value().to_hex()));
    damaged.push_back(finding.object.value());
  }
  EXPECT_THAT(damaged, ::testing::UnorderedElementsAre(small_bad, large_bad));
  EXPECT_THAT(loose_ids(), ::testing::UnorderedElementsAre(small_bad, large_bad));
  objects.erase(small_bad);
  expect_holds(objects);
}

// Never more than the content, whatever is asked for.
TEST_F(PackLooseTest, CompressesWhatShrinksAndGrowsNothing) {
  for (const Compression& compression :
       {Compression::zlib(1), Compression::zlib(9), Compression::zstd(1), Compression::zstd(12),
        Compression::automatic()}) {
    const Objects objects = put_loose(0, 10, 20'000);
    const PackReport report = pack({.compression = compression});
    EXPECT_EQ(report.objects, 10);
    EXPECT_LT(report.stored_bytes, report.content_bytes);
    for (const auto& [id, content] : objects) {
      EXPECT_LE(store().info(id).value().stored_size, content.size());
    }
    expect_holds(objects);
    ASSERT_THAT(lock().remove(ids_of(objects)), Succeeds());
  }
}

TEST_F(PackLooseTest, FillsSeveralPacksAndSealsThem) {
  options_.packs.bytes_target = 50'000;
  const Objects objects = put_loose(0, 600);
  pack();
  const StoreStats stats = store().stats().value();
  EXPECT_THAT(stats.packs.size(), Gt(2));
  EXPECT_TRUE(stats.packs.front().sealed);
  expect_holds(objects);
}

TEST_F(PackLooseTest, DropsLooseCopiesOfGoodPackedObjects) {
  const ObjectId id = put_packed("packed");
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "packed");
  const PackReport report = pack();
  EXPECT_EQ(report.already_packed, 1);
  EXPECT_EQ(report.objects, 0);
  EXPECT_FALSE(is_loose(id));
  EXPECT_EQ(text_of(id), "packed");
}

TEST_F(PackLooseTest, ReplacesADamagedPackedCopyByTheLooseOne) {
  const ObjectId id = put_packed("precious");
  damage_packed(id);
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "precious");
  EXPECT_EQ(pack().objects, 1);
  EXPECT_FALSE(is_loose(id));
  EXPECT_EQ(text_of(id), "precious");
  EXPECT_EQ(store().stats().value().dead_bytes, kRecordHeader + 8);
}

// What cannot be opened is left alone, on both sides.
TEST_F(PackLooseTest, ReportsLooseObjectsWhoseRowOrPackIsDamagedAndPacksTheRest) {
  const ObjectId behind_row = put_packed("behind a damaged row");
  const ObjectId behind_header = put_packed("behind a damaged header");
  const std::vector<std::function<void()>> damages = {
      [&] { testing::run_sql(path(), "UPDATE objects SET codec = 9 WHERE size = 20"); },
      [&] { flip(pack_path(1), 20); }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    make_loose(behind_row, "behind a damaged row");
    make_loose(behind_header, "behind a damaged header");
    const ObjectId good = put(std::to_string(i));
    close();
    damages[i]();
    const PackReport report = pack();
    EXPECT_EQ(report.objects, 1);
    EXPECT_TRUE(is_packed(good));
    EXPECT_THAT(report.damaged, ::testing::SizeIs(i + 1));
    EXPECT_EQ(report.already_packed, 1 - i);
    EXPECT_EQ(text_of(behind_row), "behind a damaged row");
    EXPECT_EQ(text_of(behind_header), "behind a damaged header");
  }
}

// The row may be all that is left to say what was there.
TEST_F(PackLooseTest, KeepsTheRowOfADamagedPackedCopyWhereTheLooseOneIsDamagedToo) {
  for (const std::size_t size : {500U, 5'000'000U}) {
    Bytes content = testing::content_of(size, size);
    const ObjectId id = store().put(content).value();
    pack();
    damage_packed(id);
    content[17] ^= std::byte{0x10};
    make_loose(id, as_text(content));
    const PackReport report = pack();
    EXPECT_THAT(report.damaged, ::testing::SizeIs(1));
    EXPECT_EQ(report.objects, 0);
    EXPECT_TRUE(open_core()->index->find(id).value().has_value());
    std::filesystem::remove(loose_path(id));
  }
}

TEST_F(PackLooseTest, StopsBetweenTheIdsThatItLooksAt) {
  put_loose(0, 3);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(lock().pack_loose({.id_pattern = "z", .control = {.stop = stop.get_token()}}),
              FailsWith(ErrorCode::kCancelled));
}

#ifdef __GLIBCXX__
// By backtracking each of the ids would take years.
TEST_F(PackLooseTest, SearchesPatternsWithoutBacktracking) {
  put_loose(0, 3);
  expect_packs({.id_pattern = "(([0-9a-f]+)*)*z"}, {});
}
#endif

TEST_F(PackLooseTest, SearchesPatternsWithBackReferences) {
  std::vector<ObjectId> doubled;
  for (const ObjectId& id : ids_of(put_loose(0, 60))) {
    const std::string hex = id.to_hex();
    if (hex[0] == hex[1]) doubled.push_back(id);
  }
  ASSERT_THAT(doubled, Not(IsEmpty()));
  expect_packs({.id_pattern = "^(.)\\1"}, doubled);
}

TEST_F(PackLooseTest, StopsWhenAskedAndLeavesAValidStore) {
  const Objects objects = put_loose(0, 600);
  std::stop_source stop;
  PackOptions options;
  options.control.stop = stop.get_token();
  options.control.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.phase, "pack");
    EXPECT_EQ(progress.total, 600);
    if (progress.done > 0) stop.request_stop();
  };
  EXPECT_THAT(lock().pack_loose(options), FailsWith(ErrorCode::kCancelled));
  expect_holds(objects);
  EXPECT_THAT(store(), IsUndamaged());
  EXPECT_EQ(pack().objects, 600);
  expect_holds(objects);
}

class PackLooseStepsTest : public PackLooseTest {
 protected:
  void SetUp() override {
    objects_ = put_loose(0, 300);
    options_.packs.bytes_target = 50'000;
    core_ = open_watched();
  }
  void TearDown() override { core_.reset(); }

  Objects objects_;
  std::unique_ptr<StoreCore> core_;
};

// I3: the last copy is removed only after its successor is durable; pack by pack, so that at most
// one pack is there twice.
TEST_F(PackLooseStepsTest, RemovesTheLooseCopiesOfAPackAfterItsSyncAndCommit) {
  bool visible = true;
  watch().before = [&](const std::string& step) -> Status {
    if (!step.starts_with("remove loose/")) return {};
    std::string hex = step.substr(std::string_view("remove loose/").size());
    hex.erase(2, 1);
    visible = visible && is_packed(ObjectId::parse(hex).value());
    return {};
  };
  ASSERT_THAT(pack_loose(*core_, {}), Succeeds());
  EXPECT_TRUE(visible);

  std::string current;
  bool synced = false;
  int packs = 0;
  std::size_t removed = 0;
  for (const std::string& step : watch().take_log()) {
    if (step.starts_with("write packs/")) {
      packs += step != current ? 1 : 0;
      current = step;
      synced = false;
    }
    if (step.starts_with("sync packs/")) synced = true;
    if (step.starts_with("remove loose/")) {
      EXPECT_TRUE(synced) << step;
      ++removed;
    }
  }
  EXPECT_GT(packs, 1);
  EXPECT_EQ(removed, objects_.size());
}

// Tomorrow the disk may give it back.
TEST_F(PackLooseStepsTest, KeepsTheRowOfAPackedCopyThatCannotBeReadToday) {
  const ObjectId id = put_packed("packed");
  make_loose(id, "packed");
  ASSERT_THAT(read_object(*core_, id, Verify::kContent), Succeeds());
  watch().fail_at("read packs/", ErrorCode::kIo);
  const PackReport report = pack_loose(*core_, {.ids = {{id}}}).value();
  watch().before = nullptr;
  EXPECT_THAT(report.damaged, ::testing::SizeIs(1));
  EXPECT_TRUE(is_loose(id));
  EXPECT_EQ(location(id).pack, 1);
  EXPECT_EQ(pack_loose(*core_, {.ids = {{id}}}).value().already_packed, 1);
}

// Whatever step fails: nothing is lost, and the call can simply be made again.
TEST_F(PackLooseStepsTest, LosesNothingWhateverStepFails) {
  for (const char* step :
       {"create packs/", "write packs/", "sync packs/", "remove loose/", "open loose/"}) {
    watch().fail_at(step, ErrorCode::kIo);
    EXPECT_THAT(pack_loose(*core_, {}), FailsWith(ErrorCode::kIo)) << step;
    watch().before = nullptr;
    expect_holds(objects_);
    EXPECT_THAT(store(), IsUndamaged()) << step;
  }
  ASSERT_THAT(pack_loose(*core_, {}), Succeeds());
  expect_holds(objects_);
  EXPECT_EQ(count_files("loose"), 0);
  core_.reset();
  ASSERT_THAT(lock().clean(), Succeeds());
  EXPECT_THAT(store(), IsSpotless());
}

}  // namespace
}  // namespace packstore::store
