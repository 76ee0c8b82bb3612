#include "store/known_places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

#include "store/read.h"
#include "store_fixture.h"
#include "support/run_sql.h"
#include "support/test_seed.h"

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
  EXPECT_GT(known, 120'000);
  EXPECT_LE(known, 131'072);
  EXPECT_NE(places.find(id_of(kIds - 1), 0), std::nullopt);
}

// A store whose objects are read in an order that has nothing to do with their ids.
class ReadingAhead : public ::testing::Test {
 protected:
  explicit ReadingAhead() : random_(testing::test_seed()) {}

  // Rows read from the index for each lookup.
  double rows_a_lookup(std::uint64_t ids, int lookups, std::uint64_t generation) {
    std::size_t rows = 0;
    for (int i = 0; i < lookups; ++i) {
      const std::uint64_t wanted = random_() % ids;
      if (places_.find(number(wanted), generation)) continue;
      const std::size_t count = places_.rows_to_read();
      rows += count;
      places_.remember(number(wanted), {.pack = 1}, generation);
      for (std::uint64_t next = wanted + 1; next < std::min(wanted + count, ids); ++next) {
        places_.remember_ahead({number(next), {.pack = 1}}, generation);
      }
    }
    return static_cast<double>(rows) / lookups;
  }

 private:
  // Neighbours stand behind each other in the index, and are spread all the same.
  static ObjectId number(std::uint64_t value) {
    ObjectId id = id_of(value);
    for (std::size_t i = 0; i < 8; ++i) id.bytes[31 - i] = static_cast<std::byte>(value >> (8 * i));
    return id;
  }

  std::mt19937_64 random_;
  KnownPlaces places_;
};

TEST_F(ReadingAhead, SparesLookupsInAStoreThatFits) {
  rows_a_lookup(100'000, 20'000, 0);
  EXPECT_LT(rows_a_lookup(100'000, 20'000, 0), 8);
}

TEST_F(ReadingAhead, EndsInAStoreThatDoesNotFit) {
  rows_a_lookup(10'000'000, 20'000, 0);
  EXPECT_LT(rows_a_lookup(10'000'000, 20'000, 0), 3);
}

TEST_F(ReadingAhead, EndsWhereEveryCommitMakesItWorthless) {
  for (std::uint64_t generation = 0; generation < 10'000; ++generation) {
    rows_a_lookup(100'000, 2, 2 * generation);
  }
  EXPECT_LT(rows_a_lookup(100'000, 1'000, 0), 3);
}

TEST_F(ReadingAhead, IsTriedAgainWhenAStoreIsReadOnly) {
  rows_a_lookup(10'000'000, 20'000, 0);
  rows_a_lookup(50'000, 100'000, 2);
  EXPECT_LT(rows_a_lookup(50'000, 10'000, 2), 2);
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

TEST_F(KnownPlacesTest, ReadingOneObjectTellsWhereItsNeighboursAre) {
  std::vector<ObjectId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(put_packed(std::to_string(i)));
  std::ranges::sort(ids);
  close();
  const auto core = open_core();
  ASSERT_THAT(read_object(*core, ids[5], Verify::kNone), Succeeds());
  const std::uint64_t generation = core->index->generation();
  EXPECT_EQ(core->known_places.find(ids[4], generation), std::nullopt);
  for (std::size_t i = 5; i < 20; ++i) {
    EXPECT_EQ(core->known_places.find(ids[i], generation), core->index->find(ids[i]).value());
  }
  EXPECT_THAT(read_object(*core, ObjectId{}, Verify::kNone), FailsWith(ErrorCode::kNotFound));
}

TEST_F(KnownPlacesTest, ABadRowBesideAnObjectDoesNotHideIt) {
  const ObjectId id = put_packed("here");
  close();
  testing::run_sql(path(), "INSERT INTO objects VALUES(x'ffffff', 1, 64, 4, 4, 0), (x'" +
                               std::string(62, '0') + "01', 1, 64, -4, 4, 0)");
  EXPECT_EQ(as_text(store().get(id).value()), "here");
  EXPECT_THAT(store().get(ObjectId{}), FailsWith(ErrorCode::kNotFound));
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
