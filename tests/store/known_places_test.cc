#include "store/known_places.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "store/read.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

ObjectId id_of(std::uint64_t number) { return ObjectId::of(as_bytes(std::to_string(number))); }

TEST(KnownPlaces, KnowsAPlaceWhileTheGenerationStands) {
  KnownPlaces places;
  EXPECT_EQ(places.find(id_of(1), 7), std::nullopt);
  places.remember(id_of(1), {.pack = 3, .offset = 64}, 7);
  EXPECT_EQ(places.find(id_of(1), 7), (index::Location{.pack = 3, .offset = 64}));
  EXPECT_EQ(places.find(id_of(1), 8), std::nullopt);
  EXPECT_EQ(places.find(id_of(2), 7), std::nullopt);
}

TEST(KnownPlaces, TheLastPlaceOfAnIdCounts) {
  KnownPlaces places;
  places.remember(id_of(1), {.pack = 1}, 7);
  places.remember(id_of(1), {.pack = 2}, 8);
  EXPECT_EQ(places.find(id_of(1), 7), std::nullopt);
  EXPECT_EQ(places.find(id_of(1), 8), (index::Location{.pack = 2}));
}

TEST(KnownPlaces, OldOnesGiveWay) {
  constexpr std::uint64_t kIds = 500'000;
  KnownPlaces places;
  std::uint64_t known = 0;
  for (std::uint64_t i = 0; i < kIds; ++i) places.remember(id_of(i), {.pack = i}, 0);
  for (std::uint64_t i = 0; i < kIds; ++i) {
    const auto at = places.find(id_of(i), 0);
    if (!at) continue;
    ASSERT_EQ(at->pack, i);
    ++known;
  }
  EXPECT_GT(known, 60'000);
  EXPECT_LE(known, 65'536);
  EXPECT_NE(places.find(id_of(kIds - 1), 0), std::nullopt);
}

// What one process knows does not hide what another does.
class KnownPlacesTest : public StoreFixture {
 protected:
  // Reads it often enough to know where it is.
  void read_twice(const ObjectId& id) {
    for (int i = 0; i < 2; ++i) ASSERT_THAT(store().get(id), Succeeds());
    for (int i = 0; i < 2; ++i) ASSERT_THAT(read_as_one_of_many(id), Succeeds());
  }
  Status read_as_one_of_many(const ObjectId& id) {
    return store().read_many({&id, 1},
                             [](const ObjectId&, const Result<ByteView>& content) -> Status {
                               return content ? Status() : content.error();
                             });
  }
};

TEST_F(KnownPlacesTest, WhatAnotherHasRemovedIsNotFound) {
  const ObjectId id = put_packed("here");
  read_twice(id);
  Store other = open_other();
  ASSERT_THAT(other.lock_maintenance().value().remove({&id, 1}), Succeeds());
  EXPECT_THAT(store().get(id), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(read_as_one_of_many(id), FailsWith(ErrorCode::kNotFound));
}

TEST_F(KnownPlacesTest, WhatAnotherHasRewrittenIsRead) {
  const ObjectId kept = put_packed("kept");
  const ObjectId removed = put_packed("removed");
  read_twice(kept);
  Store other = open_other();
  MaintenanceLock lock = other.lock_maintenance().value();
  ASSERT_THAT(lock.remove({&removed, 1}), Succeeds());
  ASSERT_THAT(lock.repack(), Succeeds());
  EXPECT_EQ(as_text(store().get(kept).value()), "kept");
  EXPECT_THAT(read_as_one_of_many(kept), Succeeds());
}

// A process that died between its commit and the counter leaves such a place.
TEST_F(KnownPlacesTest, APlaceThatIsWrongIsLookedUpAgain) {
  const ObjectId id = put_packed("somewhere else");
  const ObjectId other = put_packed("here");
  close();
  const auto core = open_core();
  const index::Location of_other = core->index->find(other).value().value();
  const index::Location gone{.pack = 99, .offset = 64, .stored_size = 14, .size = 14};
  for (const index::Location& wrong : {of_other, gone}) {
    core->known_places.remember(id, wrong, core->index->generation());
    EXPECT_EQ(as_text(read_object(*core, id, Verify::kNone).value()), "somewhere else");
    core->known_places.remember(id, wrong, core->index->generation());
    std::string content;
    const auto visit = [&](const ObjectId&, const Result<ByteView>& read) -> Status {
      content = as_text(read.value());
      return {};
    };
    ASSERT_THAT(read_many(*core, {&id, 1}, visit, {.verify = Verify::kNone}), Succeeds());
    EXPECT_EQ(content, "somewhere else");
  }
}

}  // namespace
}  // namespace packstore::store
