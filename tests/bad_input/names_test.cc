// Ids, names and options that are wrong are refused where they enter, and touch nothing.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "bad_input/victim_store.h"

namespace packstore::testing {
namespace {

class BadNames : public VictimStoreTest {};

TEST(BadObjectId, IsRefused) {
  const std::string good(64, 'a');
  ASSERT_THAT(ObjectId::parse(good), Succeeds());
  const std::array<std::string, 12> bad = {
      "",
      "a",
      good.substr(1),
      good + "a",
      std::string(64, 'A'),
      std::string(64, 'g'),
      std::string(64, '\0'),
      "../../" + good.substr(6),
      good.substr(0, 2) + "/" + good.substr(3),
      good.substr(0, 63) + "\n",
      " " + good.substr(1),
      std::string(1'000'000, 'a'),
  };
  for (const std::string& text : bad) {
    EXPECT_THAT(ObjectId::parse(text), FailsWith(ErrorCode::kInvalidArgument))
        << text.substr(0, 80);
  }
  for (const std::size_t size : {0U, 31U, 33U}) {
    EXPECT_THAT(ObjectId::from_bytes(Bytes(size)), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST_F(BadNames, OfRefsAreRefusedEverywhere) {
  Store store = Store::open(path_).value();
  const ObjectId id = packed_.begin()->first;
  const std::array<std::string, 18> bad = {
      "",
      "/",
      "a/",
      "/a",
      "a//b",
      ".",
      "..",
      "../a",
      "a/../b",
      "a/.",
      "a b",
      "a\nb",
      "a\x1b[31m",
      "a\x7f",
      std::string("a\0b", 3),
      "caf\xc3\xa9",
      std::string(256, 'a'),
      "a:b",
  };
  for (const std::string& name : bad) {
    EXPECT_THAT(store.refs().move(name, {.from = {}, .to = id}),
                FailsWith(ErrorCode::kInvalidArgument))
        << name;
    EXPECT_THAT(store.refs().find(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
    Batch batch = store.begin_batch().value();
    const Status moved = batch.move_ref(name, {.from = {}, .to = id});
    EXPECT_FALSE(moved && batch.commit()) << name;
  }
  EXPECT_EQ(store.refs().list().value().size(), 1U);
  EXPECT_THAT(store, IsSpotless());
}

TEST_F(BadNames, OfLooseObjectsToPackAreRefused) {
  Store store = Store::open(path_).value();
  MaintenanceLock lock = store.lock_maintenance().value();
  for (const char* prefix : {"../", "xyz", "A", "a/b"}) {
    EXPECT_THAT(lock.pack_loose({.id_prefix = prefix}), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(lock.pack_loose({.id_prefix = std::string(65, 'a')}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lock.pack_loose({.id_pattern = "(["}), FailsWith(ErrorCode::kInvalidArgument));
  expect_all_readable(store);
}

TEST_F(BadNames, OfCompressionsAreRefused) {
  Store store = Store::open(path_).value();
  const std::array<Compression, 6> bad = {
      Compression::zlib(0),        Compression::zlib(10),
      Compression::zstd(1000),     Compression::automatic(0.0),
      Compression::automatic(1.5), Compression{.codec = static_cast<Codec>(77)}};
  for (const Compression& wish : bad) {
    EXPECT_THAT(wish.check(), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(store.put(as_bytes("new"), {.placement = Placement::kPacked, .compression = wish}),
                FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(store.begin_batch({.compression = wish}), FailsWith(ErrorCode::kInvalidArgument));
    MaintenanceLock lock = store.lock_maintenance().value();
    EXPECT_THAT(lock.pack_loose({.compression = wish}), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(lock.repack({.compression = wish}), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(store, IsSpotless());
}

// The smallest objects there are, through every place and codec.
TEST_F(BadNames, TinyObjectsAreObjectsLikeAnyOther) {
  Store store = Store::open(path_).value();
  const std::array<Compression, 3> wishes = {Compression::none(), Compression::zlib(),
                                             Compression::zstd()};
  for (const Compression& wish : wishes) {
    for (const std::size_t size : {0U, 1U}) {
      const Bytes content = content_of(1, size);
      for (const Placement placement : {Placement::kLoose, Placement::kPacked}) {
        const ObjectId id =
            store.put(content, {.placement = placement, .compression = wish}).value();
        EXPECT_EQ(store.get(id).value(), content);
        EXPECT_EQ(store.info(id).value().size, size);
        MaintenanceLock lock = store.lock_maintenance().value();
        EXPECT_THAT(lock.pack_loose({.compression = wish}), Succeeds());
        EXPECT_THAT(lock.repack({.compression = wish}), Succeeds());
        EXPECT_EQ(store.get(id).value(), content);
        EXPECT_THAT(store, IsUndamaged());
        EXPECT_THAT(lock.remove({{id}}), Succeeds());
        EXPECT_THAT(store.get(id), FailsWith(ErrorCode::kNotFound));
      }
    }
  }
}

}  // namespace
}  // namespace packstore::testing
