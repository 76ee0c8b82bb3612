#include "store/read.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Verify kEveryVerify[] = {Verify::kContent, Verify::kChecksum, Verify::kNone};

class ReadTest : public StoreFixture {
 protected:
  Result<Bytes> get(const ObjectId& id, Verify verify = Verify::kContent) {
    return store().get(id, {.verify = verify});
  }

  struct Visit {
    ObjectId id;
    Result<Bytes> content;
  };
  std::vector<Visit> read_all(const std::vector<ObjectId>& ids, Verify verify = Verify::kContent) {
    std::vector<Visit> visits;
    const auto visit = [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
      if (content) {
        visits.push_back({id, Bytes(content->begin(), content->end())});
      } else {
        visits.push_back({id, content.error()});
      }
      return {};
    };
    EXPECT_THAT(store().read_many(ids, visit, {.verify = verify}), Succeeds());
    return visits;
  }
  static std::vector<ObjectId> ids_of(const Objects& objects) {
    std::vector<ObjectId> ids;
    for (const auto& [id, content] : objects) ids.push_back(id);
    return ids;
  }
};

TEST_F(ReadTest, GivesContentBackAtEveryLevelOfVerification) {
  const std::string text(5'000, 't');
  for (const Verify verify : kEveryVerify) {
    EXPECT_EQ(as_text(get(put(""), verify).value()), "");
    EXPECT_EQ(as_text(get(put("loose"), verify).value()), "loose");
    EXPECT_EQ(as_text(get(put_packed("packed"), verify).value()), "packed");
    EXPECT_EQ(as_text(get(put_packed(text, Compression::zlib()), verify).value()), text);
  }
}

TEST_F(ReadTest, TellsThatNobodyHasPutIt) {
  EXPECT_THAT(get(ObjectId::of(as_bytes("absent"))), FailsWith(ErrorCode::kNotFound));
}

TEST_F(ReadTest, NoticesDamageByTheHashAndByTheChecksumAndNotWithout) {
  const ObjectId id = put_packed("precious");
  damage_packed(id);
  EXPECT_THAT(get(id), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(get(id, Verify::kChecksum), FailsWith(ErrorCode::kCorrupt));
  EXPECT_NE(as_text(get(id, Verify::kNone).value()), "precious");
}

TEST_F(ReadTest, NoticesDamageToCompressedContent) {
  const ObjectId id = put_packed(std::string(5'000, 't'), Compression::zlib());
  damage_packed(id);
  for (const Verify verify : kEveryVerify) {
    EXPECT_THAT(get(id, verify), FailsWith(ErrorCode::kCorrupt));
  }
}

// Sizes and record headers are checked whatever the caller asks for.
TEST_F(ReadTest, NoticesADamagedHeaderAlways) {
  const ObjectId id = put_packed("precious");
  flip(pack_path(1), location(id).offset + 20);
  for (const Verify verify : kEveryVerify) {
    EXPECT_THAT(get(id, verify), FailsWith(ErrorCode::kCorrupt));
  }
}

TEST_F(ReadTest, NoticesADamagedLooseObject) {
  const ObjectId id = put("precious");
  flip(loose_path(id), 0);
  const auto read = get(id);
  ASSERT_THAT(read, FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(read.error().message, HasSubstr(id.to_hex()));
}

TEST_F(ReadTest, UsesAGoodLooseCopyInPlaceOfADamagedRecord) {
  const ObjectId id = put_packed("precious");
  damage_packed(id);
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "damaged2");
  EXPECT_THAT(get(id), FailsWith(ErrorCode::kCorrupt));
  testing::write_file(loose_path(id), "precious");
  EXPECT_EQ(as_text(get(id).value()), "precious");
  EXPECT_EQ(as_text(read_all({id}).at(0).content.value()), "precious");
}

TEST_F(ReadTest, DoesNotAllocateWhatAStreamCannotHold) {
  index::ObjectRow row{{}, {1, kPackHeader, 100, std::uint64_t{1} << 40, Codec::kZlib}};
  EXPECT_THAT(check_expansion(row), FailsWith(ErrorCode::kCorrupt));
  row.at.size = 100'000;
  EXPECT_THAT(check_expansion(row), Succeeds());
  row.at.codec = Codec::kNone;
  row.at.size = 1'000;
  EXPECT_THAT(check_expansion(row), FailsWith(ErrorCode::kCorrupt));
}

// What the most redundant content really comes to is not refused.
TEST_F(ReadTest, AllowsTheBestThatACodecCanDo) {
  const Bytes zeros(4'000'000);
  for (const Compression& best : {Compression::zlib(9), Compression::zstd(19)}) {
    Batch batch = store().begin_batch({.compression = best}).value();
    const ObjectId id = batch.put(zeros).value();
    ASSERT_THAT(batch.commit(), Succeeds());
    EXPECT_EQ(store().get(id).value(), zeros);
    ASSERT_THAT(lock().remove({{id}}), Succeeds());
  }
}

TEST_F(ReadTest, HasNoMemoryForTheImpossible) {
  EXPECT_THAT(allocate(UINT64_MAX), FailsWith(ErrorCode::kNoSpace));
  EXPECT_EQ(allocate(3).value().size(), 3);
}

class ReadPartTest : public ReadTest {
 protected:
  // What the front of a buffer of `length` bytes has afterwards.
  Result<std::string> part(const ObjectId& id, std::uint64_t offset, std::size_t length,
                           Verify verify = Verify::kContent) {
    Bytes into(length);
    const Result<std::uint64_t> size = store().get_part(id, offset, into, {.verify = verify});
    if (!size) return size.error();
    const std::uint64_t there = *size - std::min(offset, *size);
    return std::string(as_text(into).substr(0, there));
  }
};

// Method: every kind of copy, every level of checks, and offsets and lengths inside of the object,
// over its end, and far behind it.
TEST_F(ReadPartTest, GivesWhatTheWholeHasThere) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += std::to_string(i * i);
  for (const ObjectId& id :
       {put(text), put_packed(text + "p"), put_packed(text + "z", Compression::zlib())}) {
    const std::string whole = text_of(id);
    for (const Verify verify : kEveryVerify) {
      for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{700},
                                         whole.size() - 1, whole.size(), UINT64_MAX}) {
        for (const std::size_t length :
             {std::size_t{0}, std::size_t{1}, whole.size(), whole.size() + 9}) {
          const std::string expected =
              offset < whole.size() ? whole.substr(static_cast<std::size_t>(offset), length) : "";
          EXPECT_EQ(part(id, offset, length, verify).value().substr(0, length), expected)
              << offset << ", " << length;
        }
      }
      Bytes nothing;
      EXPECT_EQ(store().get_part(id, 5, nothing, {.verify = verify}).value(), whole.size());
    }
  }
  EXPECT_EQ(part(put(""), 0, 10).value(), "");
  EXPECT_THAT(part(ObjectId::of(as_bytes("absent")), 0, 1), FailsWith(ErrorCode::kNotFound));
}

// What is asked for is sound here; the rest of the object is not.
TEST_F(ReadPartTest, ChecksTheWholeObjectUnlessNothingIsChecked) {
  const ObjectId id = put_packed("precious");
  damage_packed(id);
  EXPECT_THAT(part(id, 0, 3), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(part(id, 2, 3, Verify::kChecksum), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(part(id, 2, 3, Verify::kNone).value(), "eci");
  EXPECT_THAT(part(id, 0, 8), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(part(id, 0, 8, Verify::kChecksum), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(ReadPartTest, NoticesADamagedHeaderAlways) {
  const ObjectId id = put_packed("precious");
  flip(pack_path(1), location(id).offset + 20);
  for (const Verify verify : kEveryVerify) {
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{2}}) {
      EXPECT_THAT(part(id, offset, 3, verify), FailsWith(ErrorCode::kCorrupt));
    }
  }
}

TEST_F(ReadPartTest, NoticesThatThePackIsCutOff) {
  const ObjectId id = put_packed("precious");
  close();
  std::filesystem::resize_file(pack_path(1), location(id).offset + kRecordHeader + 5);
  EXPECT_FALSE(part(id, 2, 6, Verify::kNone).has_value());
}

TEST_F(ReadPartTest, UsesAGoodLooseCopyInPlaceOfADamagedRecord) {
  const ObjectId id = put_packed("precious");
  damage_packed(id);
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "precious");
  EXPECT_EQ(part(id, 5, 3).value(), "ous");
  EXPECT_EQ(part(id, 0, 8).value(), "precious");
}

class ReadManyTest : public ReadTest {};

TEST_F(ReadManyTest, VisitsEachDistinctIdOnce) {
  const ObjectId loose = put("loose");
  const ObjectId packed = put_packed("packed");
  const auto [first, second] = std::minmax(loose, packed);
  // In disorder, in order but twice, and in order.
  const std::vector<std::vector<ObjectId>> lists = {
      {second, first, second, first, first}, {first, first, second}, {first, second}};
  for (const std::vector<ObjectId>& ids : lists) {
    const auto visits = read_all(ids);
    ASSERT_EQ(visits.size(), 2);
    EXPECT_NE(visits[0].id, visits[1].id);
  }
  EXPECT_THAT(read_all({}), ElementsAre());
}

TEST_F(ReadManyTest, GoesInTheOrderOfThePacks) {
  options_.packs.bytes_target = 20'000;
  Objects objects = put_batch(0, 60);
  objects.merge(put_batch(60, 60));
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  const auto core = open_core();
  for (const auto& visit : read_all(ids_of(objects))) {
    const index::Location at = core->index->find(visit.id).value().value();
    places.emplace_back(at.pack, at.offset);
    EXPECT_EQ(visit.content.value(), objects.at(visit.id));
  }
  EXPECT_EQ(places.size(), objects.size());
  EXPECT_TRUE(std::ranges::is_sorted(places));
  EXPECT_EQ(places.back().first, 2);
}

// Loose, packed, compressed, longer than a slice, and behind holes wider than a slice spans.
TEST_F(ReadManyTest, GivesWhatGetGives) {
  for (const Verify verify : kEveryVerify) {
    Objects objects = put_batch(0, 300, 3'000, Compression::automatic());
    const Objects holes = put_batch(1'000, 40, 60'000);
    objects.merge(put_batch(2'000, 300, 100, Compression::zstd()));
    objects.merge(put_batch(3'000, 3, 1'500'000));
    objects.merge(put_loose(4'000, 20));
    const auto visits = read_all(ids_of(objects), verify);
    EXPECT_EQ(visits.size(), objects.size());
    for (const Visit& visit : visits) {
      ASSERT_THAT(visit.content, Succeeds());
      ASSERT_EQ(*visit.content, objects.at(visit.id));
    }
  }
}

TEST_F(ReadManyTest, GivesAbsentAndDamagedOnesAsTheirErrorAndGoesOn) {
  const Objects good = put_batch(0, 10);
  const ObjectId damaged = put_packed("damaged");
  damage_packed(damaged);
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  std::vector<ObjectId> ids = ids_of(good);
  ids.push_back(damaged);
  ids.push_back(absent);
  std::size_t read = 0;
  for (const Visit& visit : read_all(ids)) {
    if (visit.id == damaged) {
      EXPECT_THAT(visit.content, FailsWith(ErrorCode::kCorrupt));
    } else if (visit.id == absent) {
      EXPECT_THAT(visit.content, FailsWith(ErrorCode::kNotFound));
    } else {
      read += visit.content.value() == good.at(visit.id) ? 1U : 0U;
    }
  }
  EXPECT_EQ(read, good.size());
}

TEST_F(ReadManyTest, GivesTheRestWhenAPackIsCutOff) {
  const Objects objects = put_batch(0, 50);
  std::filesystem::resize_file(pack_path(1), kPackHeader + 25 * (kRecordHeader + 500) + 100);
  std::size_t good = 0;
  for (const Visit& visit : read_all(ids_of(objects))) {
    if (visit.content) {
      EXPECT_EQ(*visit.content, objects.at(visit.id));
      ++good;
    } else {
      EXPECT_THAT(visit.content, FailsWith(ErrorCode::kCorrupt));
    }
  }
  EXPECT_EQ(good, 25);
}

TEST_F(ReadManyTest, EndsWithTheVisitorsError) {
  const Objects objects = put_batch(0, 10);
  int visits = 0;
  const auto visit = [&](const ObjectId&, const Result<ByteView>&) -> Status {
    return ++visits < 3 ? Status() : Error{ErrorCode::kCancelled, "enough"};
  };
  EXPECT_THAT(store().read_many(ids_of(objects), visit), FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(visits, 3);
}

TEST_F(ReadManyTest, GivesBufferedObjects) {
  const ObjectId id = put("waits", {.durability = Durability::kBuffered});
  EXPECT_EQ(as_text(read_all({id}).at(0).content.value()), "waits");
}

}  // namespace
}  // namespace packstore::store
