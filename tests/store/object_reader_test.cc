#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "packstore/object.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

// Longer than what a reader decodes once and keeps.
constexpr std::size_t kLong = (16 << 20) + 12'345;

class ObjectReaderTest : public StoreFixture {
 protected:
  ObjectReader open(const ObjectId& id, Verify verify = Verify::kContent) {
    return store().open_object(id, {.verify = verify}).value();
  }
  static Result<Bytes> read_all(ObjectReader& reader, std::size_t piece) {
    Bytes content;
    Bytes buffer(piece);
    while (true) {
      const Result<std::size_t> count = reader.read(buffer);
      if (!count) return count.error();
      if (*count == 0) return content;
      content.insert(content.end(), buffer.begin(),
                     buffer.begin() + static_cast<std::ptrdiff_t>(*count));
    }
  }
  // One object of each way to be stored.
  std::vector<ObjectId> put_every_way(const Bytes& content) {
    std::vector<ObjectId> ids;
    Batch batch = store().begin_batch().value();
    std::uint8_t way = 0;
    for (const Compression& compression :
         {Compression::none(), Compression::zlib(), Compression::zstd()}) {
      Bytes own = content;
      own.back() = static_cast<std::byte>(++way);
      ids.push_back(batch.put(own, compression).value());
      objects_.emplace(ids.back(), std::move(own));
    }
    EXPECT_THAT(batch.commit(), Succeeds());
    ids.push_back(store().put(content).value());
    objects_.emplace(ids.back(), content);
    return ids;
  }

  Objects objects_;
};

TEST_F(ObjectReaderTest, StreamsTheWholeInPiecesOfAnySize) {
  for (const ObjectId& id : put_every_way(testing::content_of(2, 100'000))) {
    for (const std::size_t piece : {7U, 4'096U, 1'000'000U}) {
      ObjectReader reader = open(id);
      EXPECT_EQ(reader.size(), 100'000);
      EXPECT_EQ(read_all(reader, piece).value(), objects_.at(id));
      Bytes more(1);
      EXPECT_EQ(reader.read(more).value(), 0);
    }
  }
}

TEST_F(ObjectReaderTest, EndsAtOnceForAnEmptyObject) {
  for (const ObjectId& id : {put(""), put_packed("")}) {
    ObjectReader reader = open(id);
    Bytes buffer(10);
    EXPECT_EQ(reader.size(), 0);
    EXPECT_EQ(reader.read(buffer).value(), 0);
    EXPECT_EQ(reader.read_at(0, buffer).value(), 0);
  }
}

TEST_F(ObjectReaderTest, ReadsAnyRange) {
  std::mt19937_64 random(testing::test_seed());
  for (const ObjectId& id : put_every_way(testing::content_of(2, 300'000))) {
    const Bytes& content = objects_.at(id);
    ObjectReader reader = open(id);
    for (int i = 0; i < 50; ++i) {
      const std::size_t offset = random() % (content.size() + 10);
      Bytes part(random() % 5'000);
      const std::size_t expected =
          offset >= content.size() ? 0 : std::min(part.size(), content.size() - offset);
      ASSERT_EQ(reader.read_at(offset, part).value(), expected);
      part.resize(expected);
      ASSERT_TRUE(std::ranges::equal(
          part, ByteView(content).subspan(std::min(offset, content.size()), expected)));
    }
    Bytes none(5);
    EXPECT_EQ(reader.read_at(UINT64_MAX, none).value(), 0);
  }
}

TEST_F(ObjectReaderTest, ReadsRangesOfALongCompressedObjectForthAndBack) {
  const Bytes content = testing::content_of(2, kLong);
  Batch batch = store().begin_batch({.compression = Compression::zlib()}).value();
  const ObjectId id = batch.put(content).value();
  ASSERT_THAT(batch.commit(), Succeeds());
  ObjectReader reader = open(id);
  for (const std::size_t offset : {kLong - 1'000, std::size_t{0}, kLong / 2, kLong / 2 + 1'000}) {
    Bytes part(1'000);
    ASSERT_EQ(reader.read_at(offset, part).value(), part.size());
    EXPECT_TRUE(std::ranges::equal(part, ByteView(content).subspan(offset, part.size())));
  }
}

TEST_F(ObjectReaderTest, DoesNotMoveTheStreamByReadingElsewhere) {
  for (const ObjectId& id : put_every_way(testing::content_of(2, 10'000))) {
    ObjectReader reader = open(id);
    Bytes front(4'000);
    ASSERT_EQ(reader.read(front).value(), front.size());
    Bytes part(10);
    ASSERT_THAT(reader.read_at(9'000, part), Succeeds());
    const Bytes rest = read_all(reader, 999).value();
    EXPECT_TRUE(std::ranges::equal(rest, ByteView(objects_.at(id)).subspan(4'000)));
  }
}

// Instead of its last bytes a stream ends with kCorrupt: nobody can take the object for whole.
TEST_F(ObjectReaderTest, HoldsTheLastBytesBackUntilTheHashIsRight) {
  const Bytes content = testing::content_of(1, 10'000);
  const ObjectId loose = store().put(content).value();
  const ObjectId packed = put_packed(std::string(10'000, 'p'));
  flip(loose_path(loose), 0);
  damage_packed(packed);
  for (const ObjectId& id : {loose, packed}) {
    ObjectReader reader = open(id);
    Bytes buffer(3'000);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(reader.read(buffer).value(), buffer.size());
    EXPECT_THAT(reader.read(buffer), FailsWith(ErrorCode::kCorrupt));
    ObjectReader other = open(id);
    EXPECT_THAT(other.read_at(0, buffer), FailsWith(ErrorCode::kCorrupt));
  }
}

// A power cut may leave a name with no bytes, or with some: no end that was not promised.
TEST_F(ObjectReaderTest, NeverTakesTheEndOfACutFileForTheEndOfTheObject) {
  const Bytes content = testing::content_of(1, 10'000);
  for (const std::size_t left : {0U, 5'000U}) {
    const ObjectId id = store().put(content).value();
    std::filesystem::resize_file(loose_path(id), left);
    ObjectReader stream = open(id);
    EXPECT_THAT(read_all(stream, 20'000), FailsWith(ErrorCode::kCorrupt));
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{left}, UINT64_MAX}) {
      ObjectReader anywhere = open(id);
      Bytes part(10);
      EXPECT_THAT(anywhere.read_at(offset, part), FailsWith(ErrorCode::kCorrupt));
      EXPECT_THAT(anywhere.read_at(offset, part), FailsWith(ErrorCode::kCorrupt));
    }
  }
}

// A loop that tries again must not see a clean end.
TEST_F(ObjectReaderTest, StaysFailedOnceItsStreamHasFailed) {
  const Bytes content = testing::content_of(1, 10'000);
  const ObjectId loose = store().put(content).value();
  const ObjectId empty = put("");
  const ObjectId packed = put_packed(std::string(10'000, 'p'), Compression::zlib());
  flip(loose_path(loose), 0);
  testing::write_file(loose_path(empty), "bytes");
  damage_packed(packed);
  for (const ObjectId& id : {loose, empty, packed}) {
    ObjectReader reader = open(id);
    EXPECT_THAT(read_all(reader, 3'000), FailsWith(ErrorCode::kCorrupt));
    Bytes buffer(3'000);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(reader.read(buffer), FailsWith(ErrorCode::kCorrupt));
  }
}

TEST_F(ObjectReaderTest, NoticesDamageByTheChecksumInPacksAndNothingWithoutVerification) {
  const ObjectId packed = put_packed(std::string(10'000, 'p'));
  damage_packed(packed);
  ObjectReader checked = open(packed, Verify::kChecksum);
  EXPECT_THAT(read_all(checked, 1'000), FailsWith(ErrorCode::kCorrupt));
  ObjectReader unchecked = open(packed, Verify::kNone);
  EXPECT_THAT(read_all(unchecked, 1'000), Succeeds());
  Bytes part(10);
  EXPECT_EQ(unchecked.read_at(5, part).value(), part.size());
}

TEST_F(ObjectReaderTest, RefusesADamagedHeaderWhenItOpensUnlessThereIsALooseCopy) {
  const ObjectId id = put_packed("precious");
  flip(pack_path(1), location(id).offset + 20);
  EXPECT_THAT(store().open_object(id), FailsWith(ErrorCode::kCorrupt));
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "precious");
  ObjectReader reader = open(id);
  EXPECT_EQ(as_text(read_all(reader, 3).value()), "precious");
}

TEST_F(ObjectReaderTest, NoticesAFileThatShrank) {
  const ObjectId id = store().put(testing::content_of(1, 10'000)).value();
  ObjectReader reader = open(id, Verify::kNone);
  std::filesystem::resize_file(loose_path(id), 5'000);
  Bytes part(1'000);
  EXPECT_EQ(reader.read_at(0, part).value(), part.size());
  EXPECT_THAT(reader.read_at(4'500, part), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(read_all(reader, 1'000), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(ObjectReaderTest, TellsThatNobodyHasPutIt) {
  EXPECT_THAT(store().open_object(ObjectId::of(as_bytes("absent"))),
              FailsWith(ErrorCode::kNotFound));
}

// It holds its file open: maintenance may move the object, or remove it.
TEST_F(ObjectReaderTest, GoesOnWhenTheObjectIsPackedRepackedOrRemoved) {
  const std::vector<ObjectId> ids = put_every_way(testing::content_of(2, 200'000));
  std::vector<ObjectReader> readers;
  for (const ObjectId& id : ids) {
    readers.push_back(open(id));
    Bytes front(1'000);
    ASSERT_EQ(readers.back().read(front).value(), front.size());
  }
  MaintenanceLock held = lock();
  ASSERT_THAT(held.pack_loose(), Succeeds());
  ASSERT_THAT(held.repack(), Succeeds());
  ASSERT_THAT(held.remove(ids), Succeeds());
  ASSERT_THAT(held.clean(), Succeeds());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_FALSE(has(ids[i]));
    const Bytes rest = read_all(readers[i], 10'000).value();
    EXPECT_TRUE(std::ranges::equal(rest, ByteView(objects_.at(ids[i])).subspan(1'000)));
    Bytes part(100);
    EXPECT_EQ(readers[i].read_at(50, part).value(), part.size());
  }
}

}  // namespace
}  // namespace packstore::store
