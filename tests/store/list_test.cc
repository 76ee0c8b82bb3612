#include "store/list.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "store_fixture.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

class ListTest : public StoreFixture {
 protected:
  std::vector<ObjectInfo> list() {
    std::vector<ObjectInfo> infos;
    const auto visit = [&](const ObjectInfo& info) -> Status {
      infos.push_back(info);
      return {};
    };
    EXPECT_THAT(store().for_each_object(visit), Succeeds());
    return infos;
  }
};

TEST_F(ListTest, IsEmptyForAnEmptyStore) { EXPECT_TRUE(list().empty()); }

// More than one page of the index.
TEST_F(ListTest, NamesLooseAndPackedObjectsByAscendingId) {
  Objects objects = put_batch(0, 9'000, 20);
  objects.merge(put_loose(100'000, 300, 30));
  const std::vector<ObjectInfo> infos = list();
  ASSERT_EQ(infos.size(), objects.size());
  auto expected = objects.begin();
  for (const ObjectInfo& info : infos) {
    ASSERT_EQ(info.id, expected->first);
    ASSERT_EQ(info.size, expected->second.size());
    ASSERT_EQ(info.pack.has_value(), info.size == 20);
    ++expected;
  }
}

TEST_F(ListTest, NamesWhatIsLooseAndPackedOnceAsPacked) {
  const ObjectId id = put_packed("both");
  std::filesystem::create_directories(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "both");
  const std::vector<ObjectInfo> infos = list();
  ASSERT_EQ(infos.size(), 1);
  EXPECT_EQ(infos[0].id, id);
  EXPECT_EQ(infos[0].pack, 1);
}

TEST_F(ListTest, NamesOnceAsLooseWhatHasADamagedRow) {
  const ObjectId id = put_packed("both");
  make_loose(id, "both");
  close();
  testing::run_sql(path(), "UPDATE objects SET codec = 9");
  const std::vector<ObjectInfo> infos = list();
  ASSERT_EQ(infos.size(), 1);
  EXPECT_EQ(infos[0].id, id);
  EXPECT_EQ(infos[0].size, 4);
  EXPECT_EQ(infos[0].pack, std::nullopt);
}

TEST_F(ListTest, SaysWhatInfoSays) {
  const ObjectId id = put_packed(std::string(1'000, 'z'), Compression::zstd());
  put("loose");
  for (const ObjectInfo& info : list()) {
    const ObjectInfo single = store().info(info.id).value();
    EXPECT_EQ(info.size, single.size);
    EXPECT_EQ(info.stored_size, single.stored_size);
    EXPECT_EQ(info.codec, single.codec);
    EXPECT_EQ(info.pack, single.pack);
    EXPECT_EQ(info.codec == Codec::kZstd, info.id == id);
  }
}

TEST_F(ListTest, EndsWithTheVisitorsError) {
  put_batch(0, 5);
  put_loose(5, 5);
  for (const int stop_at : {1, 5, 9}) {
    int visited = 0;
    const auto visit = [&](const ObjectInfo&) -> Status {
      return ++visited < stop_at ? Status() : Error{ErrorCode::kCancelled, "enough"};
    };
    EXPECT_THAT(store().for_each_object(visit), FailsWith(ErrorCode::kCancelled));
    EXPECT_EQ(visited, stop_at);
  }
}

// Each page is a transaction of its own, so a long walk keeps nobody from writing.
TEST_F(ListTest, MayChangeTheStoreOnTheWay) {
  const Objects objects = put_batch(0, 5'000, 20);
  std::vector<ObjectId> seen;
  const auto visit = [&](const ObjectInfo& info) -> Status {
    if (seen.empty()) {
      EXPECT_THAT(lock().repack(), Succeeds());
    }
    seen.push_back(info.id);
    return {};
  };
  ASSERT_THAT(store().for_each_object(visit), Succeeds());
  EXPECT_EQ(seen.size(), objects.size());
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

// An object that is packed neither comes nor goes. Some are packed between the listing of their
// shard and the look at their file, others before their shard is listed.
TEST_F(ListTest, NamesOnceWhatIsPackedOnTheWay) {
  Objects objects = put_loose(0, 600, 20);
  ASSERT_EQ(objects.begin()->first.bytes[0], std::next(objects.begin())->first.bytes[0]);
  objects.merge(put_batch(1'000, 5'000, 20));
  for (const std::size_t visited_before : {0U, 1U, 700U, 5'000U}) {
    objects.merge(put_loose(100'000 + 1'000 * visited_before, 100, 20));
    std::vector<ObjectId> seen;
    const auto visit = [&](const ObjectInfo& info) -> Status {
      if (seen.size() == visited_before) {
        EXPECT_THAT(lock().pack_loose(), Succeeds());
      }
      seen.push_back(info.id);
      return {};
    };
    ASSERT_THAT(store().for_each_object(visit), Succeeds());
    EXPECT_EQ(seen.size(), objects.size());
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  }
}

TEST_F(ListTest, IsInformationOnSingleObjectsToo) {
  EXPECT_THAT(store().info(ObjectId::of(as_bytes("absent"))), FailsWith(ErrorCode::kNotFound));
  const ObjectId id = put("loose");
  EXPECT_EQ(store().info(id).value().size, 5);
  const std::vector<ObjectId> ids = {ObjectId::of(as_bytes("absent")), id};
  EXPECT_THAT(store().contains(ids).value(), ::testing::ElementsAre(false, true));
}

}  // namespace
}  // namespace packstore::store
