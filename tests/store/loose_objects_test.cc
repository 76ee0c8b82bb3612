#include "store/loose_objects.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class LooseObjectsTest : public StoreFixture {
 protected:
  void SetUp() override { core_ = open_watched(); }
  void TearDown() override { core_.reset(); }

  LooseObjects& loose() { return core_->loose; }

  SandboxFile sandboxed(std::string_view content) {
    SandboxFile file = core_->sandbox.create().value();
    EXPECT_THAT(file.file().write_at(0, as_bytes(content)), Succeeds());
    return file;
  }
  ObjectId adopt(std::string_view content) {
    const ObjectId id = ObjectId::of(as_bytes(content));
    EXPECT_THAT(loose().adopt(sandboxed(content), id), Succeeds());
    return id;
  }
  std::string place(const ObjectId& id) const {
    return "loose/" + id.to_hex().substr(0, 2) + "/" + id.to_hex().substr(2);
  }

  std::unique_ptr<StoreCore> core_;
};

TEST_F(LooseObjectsTest, KeepAnObjectVerbatimUnderItsId) {
  const ObjectId id = adopt("content");
  EXPECT_EQ(testing::read_file(path() / place(id)), "content");
  EXPECT_EQ(loose().find_size(id).value(), 7);
  EXPECT_EQ((*loose().find(id).value())->info().value().size, 7);
}

TEST_F(LooseObjectsTest, AnswerThatAnObjectIsAbsent) {
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  EXPECT_FALSE(loose().find(absent).value().has_value());
  EXPECT_FALSE(loose().find_size(absent).value().has_value());
  EXPECT_FALSE(loose().remove(absent).value());
  adopt("present");
  EXPECT_FALSE(loose().find(absent).value().has_value());
  EXPECT_FALSE(loose().remove(absent).value());
}

// I1: bytes before name, and the name before success is reported.
TEST_F(LooseObjectsTest, SyncTheFileThenNameItThenSyncTheName) {
  adopt("the first one makes the shards");
  watch().take_log();
  const ObjectId id = adopt("content");
  const std::string shard = place(id).substr(0, 9);
  EXPECT_THAT(watch().take_log(),
              ElementsAre("create sandbox/*", "write sandbox/*", "sync sandbox/*",
                          "rename sandbox/* " + place(id), "sync " + shard));
}

TEST_F(LooseObjectsTest, MakeAllShardsDurableBeforeTheFirstName) {
  const ObjectId id = adopt("content");
  std::vector<std::string> log = watch().take_log();
  ASSERT_THAT(log, Contains("sync loose/").Times(1));
  const auto synced = std::find(log.begin(), log.end(), "sync loose/");
  EXPECT_THAT(std::vector(log.begin(), synced),
              Contains(::testing::StartsWith("mkdir loose/")).Times(256));
  EXPECT_THAT(std::vector(synced, log.end()), Contains("rename sandbox/* " + place(id)));
}

TEST_F(LooseObjectsTest, LeaveNothingWhenTheyCannotBeSynced) {
  watch().fail_at("sync sandbox/", ErrorCode::kIo);
  const ObjectId id = ObjectId::of(as_bytes("content"));
  EXPECT_THAT(loose().adopt(sandboxed("content"), id), FailsWith(ErrorCode::kIo));
  EXPECT_FALSE(loose().find(id).value().has_value());
  EXPECT_EQ(count_files("sandbox"), 0);
}

TEST_F(LooseObjectsTest, ReplaceWhatStandsUnderTheName) {
  const ObjectId id = adopt("content");
  testing::write_file(path() / place(id), "damaged");
  adopt("content");
  EXPECT_EQ(testing::read_file(path() / place(id)), "content");
}

TEST_F(LooseObjectsTest, SyncTheShardOfACopyThatIsToBeDurable) {
  const ObjectId id = adopt("content");
  watch().take_log();
  ASSERT_THAT(loose().make_durable(id), Succeeds());
  EXPECT_THAT(watch().take_log(), ElementsAre("sync " + place(id).substr(0, 9)));
}

TEST_F(LooseObjectsTest, AreRemovedOnce) {
  const ObjectId id = adopt("content");
  EXPECT_TRUE(loose().remove(id).value());
  EXPECT_FALSE(loose().remove(id).value());
  EXPECT_FALSE(loose().find(id).value().has_value());
}

TEST_F(LooseObjectsTest, AreRemovedTogetherByAnyNumberOfThreads) {
  for (const unsigned threads : {0U, 1U, 3U, 100U}) {
    std::vector<ObjectId> ids{ObjectId::of(as_bytes("absent"))};
    for (int i = 0; i < 20; ++i) ids.push_back(adopt("content " + std::to_string(i)));
    std::ranges::sort(ids);
    const ObjectId other = adopt("other");
    ASSERT_THAT(loose().remove_all(ids, threads), Succeeds());
    for (const ObjectId& id : ids) EXPECT_FALSE(loose().find(id).value().has_value());
    EXPECT_TRUE(loose().find(other).value().has_value());
  }
}

TEST_F(LooseObjectsTest, SayWhichCouldNotBeRemovedWithOthers) {
  std::vector<ObjectId> ids{adopt("one"), adopt("two")};
  std::ranges::sort(ids);
  watch().fail_at("remove " + place(ids.back()), ErrorCode::kIo);
  EXPECT_THAT(loose().remove_all(ids, 2), FailsWith(ErrorCode::kIo));
  EXPECT_FALSE(loose().find(ids.front()).value().has_value());
}

TEST_F(LooseObjectsTest, MoveAsideDurablyUnderAnotherName) {
  const ObjectId id = adopt("content");
  watch().take_log();
  ASSERT_THAT(loose().move_aside(id, *core_->root, "aside"), Succeeds());
  EXPECT_EQ(testing::read_file(path() / "aside"), "content");
  EXPECT_FALSE(loose().find(id).value().has_value());
  EXPECT_THAT(watch().take_log(), ElementsAre("rename " + place(id) + " aside", "sync ",
                                              "sync " + place(id).substr(0, 9)));
}

TEST_F(LooseObjectsTest, AreVisitedByAscendingId) {
  std::map<ObjectId, std::uint64_t> expected;
  for (int i = 0; i < 600; ++i) {
    const std::string content(static_cast<std::size_t>(i), 'x');
    expected[adopt(content)] = content.size();
  }
  std::vector<std::pair<ObjectId, std::uint64_t>> seen;
  const auto visit = [&](const ObjectId& id, std::uint64_t size) -> Status {
    seen.emplace_back(id, size);
    return {};
  };
  ASSERT_THAT(loose().for_each(visit), Succeeds());
  EXPECT_EQ(seen,
            (std::vector<std::pair<ObjectId, std::uint64_t>>(expected.begin(), expected.end())));
}

TEST_F(LooseObjectsTest, EndAWalkWithTheVisitorsError) {
  adopt("one");
  adopt("two");
  int visited = 0;
  const auto visit = [&](const ObjectId&, std::uint64_t) -> Status {
    ++visited;
    return Error{ErrorCode::kCancelled, "enough"};
  };
  EXPECT_THAT(loose().for_each(visit), FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(visited, 1);
}

TEST_F(LooseObjectsTest, PassOverWhatCannotBeAnObjectAndTellOfIt) {
  const ObjectId id = adopt("content");
  const auto directory = path() / "loose";
  const std::string shard = id.to_hex().substr(0, 2);
  testing::write_file(directory / "file", "");
  testing::write_file(directory / shard / "short", "");
  std::filesystem::create_directory(directory / "abc");
  std::filesystem::create_directory(directory / shard / std::string(62, 'd'));
  std::filesystem::create_symlink(directory / shard / id.to_hex().substr(2),
                                  directory / shard / std::string(62, 'e'));
  std::vector<ObjectId> seen;
  std::vector<std::string> strays;
  const auto visit = [&](const ObjectId& found, std::uint64_t) -> Status {
    seen.push_back(found);
    return {};
  };
  const auto stray = [&](const std::string& where) -> Status {
    strays.push_back(where);
    return {};
  };
  ASSERT_THAT(loose().for_each(visit, stray), Succeeds());
  EXPECT_THAT(seen, ElementsAre(id));
  EXPECT_THAT(strays, UnorderedElementsAre("file", "abc", shard + "/short",
                                           shard + "/" + std::string(62, 'd'),
                                           shard + "/" + std::string(62, 'e')));
}

TEST_F(LooseObjectsTest, KnowWhetherAnyEverWas) {
  EXPECT_TRUE(loose().has_no_shards().value());
  ASSERT_TRUE(loose().remove(adopt("content")).value());
  EXPECT_FALSE(loose().has_no_shards().value());
}

}  // namespace
}  // namespace packstore::store
