// Records and index rows that were made to mislead: correct checksums, wrong claims.
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>

#include "bad_input/victim_store.h"
#include "codec/codec.h"
#include "format/pack_record.h"
#include "hash/xxh3.h"

namespace packstore::testing {
namespace {

using format::PackRecord;
using index::Location;
using index::ObjectRow;

constexpr std::uint64_t kOneTebibyte = std::uint64_t{1} << 40;

class PlantedRecords : public VictimStoreTest {
 protected:
  // What a reader would find under the id of an object that is not in the store.
  const ObjectId forged_ = ObjectId::of(as_bytes("the content that nobody has put"));

  Location honest_location() const {
    return open_core()->index->find(packed_.begin()->first).value().value();
  }

  // Appends the record and its bytes to pack 1 as whoever can write to the file could, and returns
  // its offset.
  std::uint64_t append(PackRecord record, ByteView stored) const {
    const auto core = open_core();
    const std::uint64_t offset = std::filesystem::file_size(pack_path());
    record.id = forged_;
    record.stored_xxh3 = hash::xxh3(stored);
    const auto header = format::encode(record, {core->uuid, 1, offset});
    std::ofstream pack(pack_path(), std::ios::binary | std::ios::app);
    pack << as_text(header) << as_text(stored);
    return offset;
  }

  // Plants the row; `covered` bytes of pack 1 count as indexed from then on.
  void plant(const Location& at, std::uint64_t covered) const {
    edit_index([&](index::WriteTransaction& transaction) {
      ASSERT_THAT(transaction.insert({.id = forged_, .at = at}), Succeeds());
      index::PackRow row = transaction.find_pack(1).value().value();
      row.indexed_bytes = std::max(row.indexed_bytes, covered);
      row.state = index::PackState::kSealed;
      ASSERT_THAT(transaction.put_pack(row), Succeeds());
    });
  }
  void unplant() const {
    edit_index([&](index::WriteTransaction& transaction) {
      ASSERT_THAT(transaction.erase(forged_), Succeeds());
    });
  }

  // The forged object is an error by every way of reading, and an obstacle for nobody else.
  void expect_refused() const {
    Store store = Store::open(path_).value();
    EXPECT_THAT(store.get(forged_), FailsWith(ErrorCode::kCorrupt));
    EXPECT_FALSE(store.get(forged_, {.verify = Verify::kNone}));
    expect_stream_fails(store);
    std::size_t errors = 0;
    std::vector<ObjectId> ids = {forged_};
    for (const auto& [id, content] : packed_) ids.push_back(id);
    const auto count = [&](const ObjectId& id, const Result<ByteView>& content) {
      EXPECT_EQ(id == forged_, !content) << id.to_hex();
      errors += content ? 0 : 1;
      return Status();
    };
    EXPECT_THAT(store.read_many(ids, count), Succeeds());
    EXPECT_EQ(errors, 1U);
    expect_all_readable(store);
    expect_maintainable(store);
  }

  void expect_stream_fails(const Store& store) const {
    Result<ObjectReader> reader = store.open_object(forged_);
    if (!reader) {
      EXPECT_THAT(reader, FailsWith(ErrorCode::kCorrupt));
      return;
    }
    Bytes buffer(4096);
    Result<std::size_t> count = reader->read(buffer);
    while (count && *count > 0) count = reader->read(buffer);
    EXPECT_THAT(count, FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(reader->read_at(0, buffer), FailsWith(ErrorCode::kCorrupt));
  }

  void expect_maintainable(Store& store) const {
    const Result<ValidationReport> report = store.validate();
    ASSERT_THAT(report, Succeeds());
    EXPECT_FALSE(report->is_valid());
    MaintenanceLock lock = store.lock_maintenance().value();
    EXPECT_THAT(lock.pack_loose({.objects_max = 1}), Succeeds());
    EXPECT_THAT(lock.clean(), Succeeds());
    EXPECT_THAT(lock.repack(), Succeeds());
    expect_all_readable(store);
    ASSERT_THAT(lock.repair(store.validate().value()), Succeeds());
    expect_all_readable(store);
    EXPECT_THAT(store, IsUndamaged());
    EXPECT_FALSE(store.get(forged_));
  }
};

TEST_F(PlantedRecords, LongerThanTheirPackAreCorrupt) {
  const PackRecord record = {
      .kind = PackRecord::Kind::kSingle, .size = kOneTebibyte, .stored_size = kOneTebibyte};
  const std::uint64_t offset = append(record, content_of(1, 100));
  plant({.pack = 1, .offset = offset, .stored_size = kOneTebibyte, .size = kOneTebibyte}, 0);
  expect_refused();
}

TEST_F(PlantedRecords, OfMoreThanTheFormatAllowsAreCorrupt) {
  for (const std::uint64_t claim :
       {PackRecord::kBytesMax + 1, std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 63}) {
    SCOPED_TRACE(claim);
    const PackRecord record = {
        .kind = PackRecord::Kind::kSingle, .size = claim, .stored_size = claim};
    const std::uint64_t offset = append(record, content_of(1, 100));
    // Behind the indexed part: opening looks at it, and takes it for an unfinished write.
    const Store store = Store::open(path_).value();
    EXPECT_THAT(store.get(forged_), FailsWith(ErrorCode::kNotFound));
    expect_all_readable(store);
    const auto header = read_file(pack_path()).substr(offset, PackRecord::kHeaderSize);
    const ByteView bytes = as_bytes(header);
    EXPECT_THAT(format::decode_pack_record(bytes.first<PackRecord::kHeaderSize>(),
                                           {open_core()->uuid, 1, offset}),
                FailsWith(ErrorCode::kCorrupt));
  }
  Store store = Store::open(path_).value();
  ASSERT_THAT(store.lock_maintenance().value().clean(), Succeeds());
  expect_all_readable(store);
}

// A stream that decodes to more, or to less, than record and row agree on.
TEST_F(PlantedRecords, WhoseStreamHasAnotherLengthAreCorrupt) {
  const Bytes content(10'000, std::byte{'z'});
  for (const Compression& wish : {Compression::zlib(), Compression::zstd()}) {
    Bytes stored;
    ASSERT_THAT(codec::encode(content, wish, stored), Succeeds());
    for (const std::uint64_t claim :
         {std::uint64_t{1}, std::uint64_t{9'999}, std::uint64_t{10'001}, PackRecord::kBytesMax}) {
      SCOPED_TRACE(claim);
      const PackRecord record = {.kind = PackRecord::Kind::kSingle,
                                 .codec = wish.codec,
                                 .size = claim,
                                 .stored_size = stored.size()};
      const std::uint64_t offset = append(record, stored);
      plant({.pack = 1,
             .offset = offset,
             .stored_size = stored.size(),
             .size = claim,
             .codec = wish.codec},
            offset + PackRecord::kHeaderSize + stored.size());
      const Store store = Store::open(path_).value();
      EXPECT_THAT(store.get(forged_), FailsWith(ErrorCode::kCorrupt));
      EXPECT_THAT(store.get(forged_, {.verify = Verify::kNone}), FailsWith(ErrorCode::kCorrupt));
      expect_stream_fails(store);
      expect_all_readable(store);
      unplant();
    }
  }
}

TEST_F(PlantedRecords, OfOtherContentThanTheirIdAreCorrupt) {
  const Bytes stored = content_of(5, 80);
  const PackRecord record = {
      .kind = PackRecord::Kind::kSingle, .size = stored.size(), .stored_size = stored.size()};
  const std::uint64_t offset = append(record, stored);
  plant({.pack = 1, .offset = offset, .stored_size = stored.size(), .size = stored.size()},
        offset + PackRecord::kHeaderSize + stored.size());
  Store store = Store::open(path_).value();
  EXPECT_THAT(store.get(forged_), FailsWith(ErrorCode::kCorrupt));
  expect_stream_fails(store);
  expect_maintainable(store);
}

TEST_F(PlantedRecords, RowsMayPointAnywhere) {
  const Location honest = honest_location();
  const std::uint64_t end = std::filesystem::file_size(pack_path());
  std::vector<Location> places(11, honest);
  places[1].offset += 1;
  places[2].offset = format::PackHeader::kSize + 1;
  places[3].offset = end;
  places[4].offset = end - 1;
  places[5].offset = index::kOffsetMax;
  places[6].pack = 77;
  places[7].pack = index::kPackMax;
  places[8].stored_size = places[8].size = index::kObjectBytesMax;
  places[9].codec = Codec::kZlib;
  places[10].size = places[10].stored_size = 1;
  for (std::size_t i = 0; i < places.size(); ++i) {
    SCOPED_TRACE(i);
    plant(places[i], 0);
    expect_refused();
    if (HasFailure()) return;
    std::filesystem::remove_all(path_);
    SetUp();
  }
}

TEST_F(PlantedRecords, RowsBeyondTheLimitsAreNotEvenWritten) {
  const Location honest = honest_location();
  std::vector<Location> places(6, honest);
  places[0].offset = index::kOffsetMax + 1;
  places[1].pack = 0;
  places[2].pack = index::kPackMax + 1;
  places[3].stored_size = UINT64_MAX;
  places[4].offset = 0;
  places[5].codec = static_cast<Codec>(9);
  edit_index([&](index::WriteTransaction& transaction) {
    for (const Location& place : places) {
      EXPECT_THAT(transaction.insert({.id = forged_, .at = place}), FailsWith(ErrorCode::kCorrupt));
    }
  });
  EXPECT_THAT(Store::open(path_).value(), IsSpotless());
}

// A pack row that claims more than its file has, a pack that is not there, or less than is there:
// what lies behind the claim are whole objects, which clean() may not cut off.
TEST_F(PlantedRecords, PackRowsMayClaimAnything) {
  const std::array<index::PackRow, 3> rows = {{
      {.pack = 1, .state = index::PackState::kOpen, .indexed_bytes = kOneTebibyte},
      {.pack = 55, .state = index::PackState::kSealed, .indexed_bytes = 1000},
      {.pack = 1,
       .state = index::PackState::kSealed,
       .indexed_bytes = format::PackHeader::kSize,
       .dead_bytes = kOneTebibyte},
  }};
  for (const index::PackRow& row : rows) {
    SCOPED_TRACE(row.pack + row.indexed_bytes);
    edit_index([&](index::WriteTransaction& transaction) {
      ASSERT_THAT(transaction.put_pack(row), Succeeds());
    });
    Store store = Store::open(path_).value();
    expect_all_readable(store);
    EXPECT_THAT(store.put(as_bytes("new"), {.placement = Placement::kPacked}), Succeeds());
    EXPECT_THAT(store.validate(), Succeeds());
    EXPECT_THAT(store.stats(), Succeeds());
    MaintenanceLock lock = store.lock_maintenance().value();
    EXPECT_THAT(lock.clean(), Succeeds());
    EXPECT_THAT(lock.repair(store.validate().value()), Succeeds());
    expect_all_readable(store);
    EXPECT_THAT(store, IsUndamaged());
  }
}

}  // namespace
}  // namespace packstore::testing
