// The promises of store.h, end to end: what is put comes back, whatever way it went in and wherever
// maintenance has moved it.
#include "packstore/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace packstore {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "packstore-store-").string();
    name += std::string(6, 'X');
    place_ = ::mkdtemp(name.data());
    store_.emplace(Store::create(place_ / "store").value());
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(place_);
  }

  Store& store() { return *store_; }
  const std::filesystem::path& place() const { return place_; }

  void reopen() {
    store_.reset();
    store_.emplace(Store::open(place_ / "store").value());
  }

  // Texts that compress, of all lengths up to 20 KiB.
  static std::string text(int number) {
    std::string content = "object " + std::to_string(number) + ": ";
    while (content.size() < static_cast<std::size_t>(number * 97 % 20'000)) content += content;
    return content;
  }

  std::map<ObjectId, std::string> put_batch(int first, int count, const BatchOptions& options) {
    std::map<ObjectId, std::string> put;
    Batch batch = store().begin_batch(options).value();
    for (int i = first; i < first + count; ++i) {
      const std::string content = text(i);
      put[batch.put(as_bytes(content)).value()] = content;
    }
    EXPECT_TRUE(batch.commit().has_value());
    return put;
  }

  void expect_holds(const std::map<ObjectId, std::string>& objects) {
    std::vector<ObjectId> ids;
    for (const auto& [id, content] : objects) {
      ids.push_back(id);
      const Result<Bytes> read = store().get(id);
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(as_text(*read), content);
    }
    std::size_t seen = 0;
    const auto visit = [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
      EXPECT_EQ(as_text(content.value()), objects.at(id));
      ++seen;
      return {};
    };
    EXPECT_TRUE(store().read_many(ids, visit).has_value());
    EXPECT_EQ(seen, ids.size());
    const ValidationReport report = store().validate().value();
    for (const Finding& finding : report.findings) ADD_FAILURE() << finding.message;
  }

 private:
  std::filesystem::path place_;
  std::optional<Store> store_;
};

TEST_F(StoreTest, GivesBackWhatWasPutLooseAndPackedAndBuffered) {
  std::map<ObjectId, std::string> objects;
  const auto put = [&](const std::string& content, const PutOptions& options) {
    objects[store().put(as_bytes(content), options).value()] = content;
  };
  put("", {});
  put("loose", {});
  put("packed", {.placement = Placement::kPacked});
  put(text(150), {.placement = Placement::kPacked, .compression = Compression::zlib(9)});
  put("buffered", {.durability = Durability::kBuffered});
  ASSERT_TRUE(store().sync().has_value());
  expect_holds(objects);
  reopen();
  expect_holds(objects);
}

TEST_F(StoreTest, ShowsABufferedObjectHereAtOnceAndElsewhereAfterSync) {
  const ObjectId id = store().put(as_bytes("waits"), {.durability = Durability::kBuffered}).value();
  Store other = Store::open(place() / "store").value();
  EXPECT_TRUE(store().contains(id).value());
  EXPECT_FALSE(other.contains(id).value());
  ASSERT_TRUE(store().sync().has_value());
  EXPECT_TRUE(other.contains(id).value());
}

TEST_F(StoreTest, KeepsABatchInvisibleUntilItsCommitAndForgetsADroppedOne) {
  ObjectId kept;
  ObjectId dropped;
  {
    Batch batch = store().begin_batch().value();
    kept = batch.put(as_bytes("kept")).value();
    EXPECT_FALSE(store().contains(kept).value());
    EXPECT_EQ(batch.commit().value().objects, 1);
  }
  {
    Batch batch = store().begin_batch().value();
    dropped = batch.put(as_bytes("dropped")).value();
  }
  EXPECT_TRUE(store().contains(kept).value());
  EXPECT_FALSE(store().contains(dropped).value());
  EXPECT_TRUE(store().validate().value().findings.empty());
}

TEST_F(StoreTest, WritesDuplicatesNeitherTwiceInABatchNorAgainAfterIt) {
  put_batch(0, 50, {});
  Batch batch = store().begin_batch().value();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(batch.put(as_bytes(text(i))).has_value());
  ASSERT_TRUE(batch.put(as_bytes("new")).has_value());
  ASSERT_TRUE(batch.put(as_bytes("new")).has_value());
  const BatchReport report = batch.commit().value();
  EXPECT_EQ(report.objects, 1);
  EXPECT_EQ(report.duplicates, 51);
  EXPECT_EQ(store().stats().value().dead_bytes, 0);
}

TEST_F(StoreTest, MovesRefsTogetherWithTheirBatchOrNotAtAll) {
  Batch batch = store().begin_batch().value();
  const ObjectId id = batch.put(as_bytes("root")).value();
  ASSERT_TRUE(batch.move_ref("head", {.from = std::nullopt, .to = id}).has_value());
  ASSERT_TRUE(batch.commit().has_value());
  EXPECT_EQ(store().refs().find("head").value(), id);

  Batch loser = store().begin_batch().value();
  const ObjectId other = loser.put(as_bytes("other root")).value();
  ASSERT_TRUE(loser.move_ref("head", {.from = other, .to = other}).has_value());
  EXPECT_EQ(loser.commit().error().code, ErrorCode::kConflict);
  EXPECT_FALSE(store().contains(other).value());
}

// Every object is somewhere after each step, whatever the codec on the way.
TEST_F(StoreTest, LosesNothingInPackingRepackingAndCleaning) {
  for (const Compression& compression : {Compression::none(), Compression::zlib(6),
                                         Compression::zstd(3), Compression::automatic()}) {
    std::map<ObjectId, std::string> objects = put_batch(0, 100, {.compression = compression});
    for (int i = 100; i < 140; ++i) {
      const std::string content = text(i);
      objects[store().put(as_bytes(content)).value()] = content;
    }
    MaintenanceLock lock = store().lock_maintenance().value();
    ASSERT_TRUE(lock.pack_loose({.compression = compression}).has_value());
    EXPECT_EQ(store().stats().value().loose_objects, 0);
    expect_holds(objects);
    ASSERT_TRUE(lock.repack({.compression = Compression::none()}).has_value());
    expect_holds(objects);
    ASSERT_TRUE(lock.repack({.compression = compression}).has_value());
    ASSERT_TRUE(lock.clean().has_value());
    expect_holds(objects);
  }
}

TEST_F(StoreTest, RemovesAllOfTheIdsAndGivesTheirSpaceBackWithRepack) {
  std::map<ObjectId, std::string> objects = put_batch(0, 100, {});
  const ObjectId loose = store().put(as_bytes("loose")).value();
  std::vector<ObjectId> ids = {loose, ObjectId::of(as_bytes("never put"))};
  for (int i = 0; i < 50; ++i) {
    ids.push_back(ObjectId::of(as_bytes(text(2 * i))));
    objects.erase(ids.back());
  }
  MaintenanceLock lock = store().lock_maintenance().value();
  const RemoveReport report = lock.remove(ids).value();
  EXPECT_EQ(report.removed, 51);
  EXPECT_THAT(report.absent, testing::ElementsAre(ids[1]));
  EXPECT_FALSE(store().contains(loose).value());
  EXPECT_GT(store().stats().value().dead_bytes, 0);

  ASSERT_TRUE(lock.repack().has_value());
  EXPECT_EQ(store().stats().value().dead_bytes, 0);
  expect_holds(objects);
}

TEST_F(StoreTest, RefusesToRemoveWhatARefPointsAt) {
  const ObjectId id = store().put(as_bytes("wanted")).value();
  ASSERT_TRUE(store().refs().move("head", {.from = std::nullopt, .to = id}).has_value());
  MaintenanceLock lock = store().lock_maintenance().value();
  EXPECT_EQ(lock.remove({&id, 1}).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(store().contains(id).value());
}

TEST_F(StoreTest, NamesTheHolderOfTheMaintenanceLock) {
  auto lock = store().lock_maintenance({.operation = "nightly packing"});
  ASSERT_TRUE(lock.has_value());
  const auto second = store().lock_maintenance();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_THAT(second.error().message, testing::HasSubstr("nightly packing"));
}

TEST_F(StoreTest, ReadsAnyRangeOfAnObjectAndGoesOnReadingAcrossRepack) {
  const std::string content = text(199);
  for (const Compression& compression : {Compression::none(), Compression::zlib()}) {
    const ObjectId id =
        store()
            .put(as_bytes(content), {.placement = Placement::kPacked, .compression = compression})
            .value();
    ObjectReader reader = store().open_object(id).value();
    ASSERT_TRUE(store().lock_maintenance().value().repack().has_value());
    for (const std::size_t offset : {content.size() - 10, std::size_t{0}, content.size() / 2}) {
      Bytes part(10);
      ASSERT_EQ(reader.read_at(offset, part).value(), part.size());
      EXPECT_EQ(as_text(part), content.substr(offset, part.size()));
    }
    Bytes all(content.size() + 1);
    EXPECT_EQ(reader.read(all).value(), content.size());
    EXPECT_EQ(reader.read(all).value(), 0);
  }
}

TEST_F(StoreTest, ReplacesADamagedLooseCopyWhenTheObjectIsPutAgain) {
  const ObjectId id = store().put(as_bytes("precious")).value();
  const std::string hex = id.to_hex();
  const auto file = place() / "store" / "loose" / hex.substr(0, 2) / hex.substr(2);
  std::filesystem::resize_file(file, 3);
  EXPECT_EQ(store().get(id).error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(store().put(as_bytes("precious")).has_value());
  EXPECT_EQ(as_text(store().get(id).value()), "precious");
}

}  // namespace
}  // namespace packstore
