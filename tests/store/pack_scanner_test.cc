#include "store/pack_scanner.h"

#include <gmock/gmock.h>

#include "hash/xxh3.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using format::PackRecord;
using Kind = PackRecord::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kPack = 7;

// Makes packs byte by byte and scans them.
class PackScannerTest : public ::testing::Test {
 protected:
  PackScannerTest() : bytes_(kPackHeader, '\0') {}

  std::uint64_t end() const { return bytes_.size(); }

  ObjectId add_object(Kind kind, const Bytes& content) {
    const PackRecord record{.kind = kind,
                            .size = content.size(),
                            .stored_size = content.size(),
                            .id = ObjectId::of(content),
                            .stored_xxh3 = hash::xxh3(content)};
    bytes_ += as_text(encode(record, {store_, kPack, end()}));
    bytes_ += as_text(content);
    return record.id;
  }
  ObjectId add(std::string_view text, Kind kind = Kind::kObject) {
    const ByteView content = as_bytes(text);
    return add_object(kind, Bytes(content.begin(), content.end()));
  }
  void add_commit(std::uint64_t group_start) {
    const PackRecord record{.kind = Kind::kCommit, .group_start = group_start};
    bytes_ += as_text(encode(record, {store_, kPack, end()}));
  }

  // The file, written out.
  const io::File& file() {
    testing::write_file(scratch_ / "pack", bytes_);
    directory_ = io::posix_file_system().open_directory(scratch_.path().string()).value();
    file_ = directory_->open_file("pack", io::OpenMode::kRead).value();
    return *file_;
  }
  PackScanner scanner() { return {file(), {store_, kPack, 0}, kPackHeader, end()}; }
  PackTail tail(std::uint64_t start = kPackHeader) {
    return scan_tail(file(), {store_, kPack, 0}, start).value();
  }
  std::vector<ObjectId> committed() {
    std::vector<ObjectId> ids;
    for (const index::ObjectRow& row : tail().rows) ids.push_back(row.id);
    return ids;
  }

  testing::ScratchDirectory scratch_;
  format::Uuid store_ = format::make_uuid().value();
  std::string bytes_;
  std::unique_ptr<io::Directory> directory_;
  std::unique_ptr<io::File> file_;
};

TEST_F(PackScannerTest, GivesRecordsInTheirOrderAndThenTheEnd) {
  const ObjectId one = add("one");
  const std::uint64_t second = end();
  const ObjectId two = add("twenty-two");
  add_commit(kPackHeader);
  PackScanner scanner = this->scanner();
  const ScannedRecord first = scanner.next().value().value();
  EXPECT_EQ(first.record.id, one);
  EXPECT_EQ(first.offset, kPackHeader);
  const index::ObjectRow row = scanner.next().value()->row(kPack);
  EXPECT_EQ(row.id, two);
  EXPECT_EQ(row.at, (index::Location{kPack, second, 10, 10, Codec::kNone}));
  EXPECT_EQ(scanner.next().value()->record.kind, Kind::kCommit);
  EXPECT_FALSE(scanner.next().value().has_value());
  EXPECT_EQ(scanner.offset(), end());
  EXPECT_THAT(scanner.damage(), IsEmpty());
}

// Longer than the buffer, and headers across its border.
TEST_F(PackScannerTest, ReadsRecordsOfAnyLength) {
  std::vector<ObjectId> expected;
  for (const std::size_t size : {0U, 1U << 20, (1U << 20) - 90, 3'000'000U, 64U, 5U}) {
    expected.push_back(add_object(Kind::kSingle, testing::content_of(size, size)));
  }
  EXPECT_EQ(committed(), expected);
}

TEST_F(PackScannerTest, StopsAtWhatIsNoWholeRecord) {
  add("one");
  const std::uint64_t good = end();
  add("two");
  const std::string whole = bytes_;
  for (std::size_t cut = good; cut < whole.size(); ++cut) {
    bytes_ = whole.substr(0, cut);
    PackScanner scanner = this->scanner();
    ASSERT_TRUE(scanner.next().value().has_value());
    ASSERT_FALSE(scanner.next().value().has_value()) << cut;
    EXPECT_EQ(scanner.offset(), good);
    EXPECT_EQ(scanner.damage().empty(), cut == good) << cut;
  }
}

TEST_F(PackScannerTest, StopsAtEveryFlippedByte) {
  add("one");
  const std::uint64_t start = end();
  add("two");
  const std::string whole = bytes_;
  for (std::size_t i = start; i < whole.size(); ++i) {
    bytes_ = whole;
    bytes_[i] = static_cast<char>(bytes_[i] ^ 4);
    PackScanner scanner = this->scanner();
    ASSERT_TRUE(scanner.next().value().has_value());
    ASSERT_FALSE(scanner.next().value().has_value()) << i;
    EXPECT_THAT(scanner.damage(), HasSubstr("pack 7 at 131")) << i;
  }
}

TEST_F(PackScannerTest, DoesNotBelieveALengthBeyondTheEnd) {
  const PackRecord record{
      .kind = Kind::kSingle, .size = PackRecord::kBytesMax, .stored_size = PackRecord::kBytesMax};
  bytes_ += as_text(encode(record, {store_, kPack, end()}));
  PackScanner scanner = this->scanner();
  EXPECT_FALSE(scanner.next().value().has_value());
  EXPECT_THAT(scanner.damage(), HasSubstr("0 are left"));
}

TEST_F(PackScannerTest, FindsTheNextWholeRecordBehindDamage) {
  add("one");
  bytes_ += "pRpRp" + std::string(1'500'000, 'q') + std::string(5'000, 'p') + "pR";
  const std::uint64_t next = end();
  const ObjectId two = add("two");
  PackScanner scanner = this->scanner();
  ASSERT_TRUE(scanner.next().value().has_value());
  ASSERT_FALSE(scanner.next().value().has_value());
  ASSERT_TRUE(scanner.skip_damage().value());
  EXPECT_EQ(scanner.offset(), next);
  EXPECT_EQ(scanner.next().value()->record.id, two);
  EXPECT_FALSE(scanner.skip_damage().value());
  EXPECT_EQ(scanner.offset(), end());
}

// An object may contain a pack of this very store; none of its records is at its place.
TEST_F(PackScannerTest, DoesNotTakeAPackInsideAnObjectForRecords) {
  add("inner one");
  add("inner two");
  const std::string inner = bytes_;
  bytes_.assign(kPackHeader, '\0');
  bytes_ += "torn" + inner + inner;
  PackScanner scanner = this->scanner();
  EXPECT_FALSE(scanner.next().value().has_value());
  EXPECT_FALSE(scanner.skip_damage().value());
}

class PackTailTest : public PackScannerTest {};

TEST_F(PackTailTest, IsEmptyBehindTheLastRecord) {
  add("one", Kind::kSingle);
  const PackTail tail = this->tail(end());
  EXPECT_THAT(tail.rows, IsEmpty());
  EXPECT_EQ(tail.committed_end, end());
  EXPECT_EQ(tail.file_end, end());
}

TEST_F(PackTailTest, CountsABatchOnceItsCommitRecordIsThere) {
  const ObjectId one = add("one");
  const ObjectId two = add("two");
  EXPECT_THAT(committed(), IsEmpty());
  EXPECT_EQ(tail().committed_end, kPackHeader);
  EXPECT_EQ(tail().file_end, end());
  add_commit(kPackHeader);
  EXPECT_THAT(committed(), ElementsAre(one, two));
  EXPECT_EQ(tail().committed_end, end());
}

TEST_F(PackTailTest, CountsASinglePutByItself) {
  const ObjectId one = add("one", Kind::kSingle);
  const ObjectId two = add("two", Kind::kSingle);
  const std::uint64_t committed_end = end();
  add("unfinished batch");
  EXPECT_THAT(committed(), ElementsAre(one, two));
  EXPECT_EQ(tail().committed_end, committed_end);
}

TEST_F(PackTailTest, CountsGroupsOneAfterTheOther) {
  const ObjectId one = add("one", Kind::kSingle);
  const std::uint64_t group = end();
  const ObjectId two = add("two");
  const ObjectId three = add("three");
  add_commit(group);
  const ObjectId four = add("four", Kind::kSingle);
  EXPECT_THAT(committed(), ElementsAre(one, two, three, four));
}

TEST_F(PackTailTest, DoesNotCountACommitOfAnotherGroup) {
  add("one", Kind::kSingle);
  add("two");
  add_commit(kPackHeader);
  EXPECT_EQ(committed().size(), 1);
}

// Two writers never share a pack, so this is damage; nobody knows whether the batch was committed.
TEST_F(PackTailTest, StopsAtASinglePutInsideABatch) {
  add("one");
  add("two", Kind::kSingle);
  add_commit(kPackHeader);
  EXPECT_THAT(committed(), IsEmpty());
}

TEST_F(PackTailTest, CountsNothingBehindDamage) {
  const ObjectId one = add("one", Kind::kSingle);
  bytes_ += "?";
  add("two", Kind::kSingle);
  EXPECT_THAT(committed(), ElementsAre(one));
}

TEST_F(PackTailTest, StartsWhereItIsToldEvenBehindTheEndOfTheFile) {
  const PackTail tail = this->tail(end() + 100);
  EXPECT_THAT(tail.rows, IsEmpty());
  EXPECT_EQ(tail.committed_end, end() + 100);
  EXPECT_EQ(tail.file_end, end() + 100);
}

}  // namespace
}  // namespace packstore::store
