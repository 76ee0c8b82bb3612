#include "store/pack_files.h"

#include <gmock/gmock.h>

#include "store_fixture.h"

namespace packstore::store {
namespace {

using format::PackHeader;
using format::PackRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PackFileName, HasTenDigitsOrMore) {
  EXPECT_EQ(pack_file_name(1), "0000000001.pack");
  EXPECT_EQ(pack_file_name(9'999'999'999), "9999999999.pack");
  for (const std::uint64_t pack : {std::uint64_t{1}, index::kPackMax, std::uint64_t{12345678901}}) {
    EXPECT_EQ(parse_pack_file_name(pack_file_name(pack)), pack);
  }
}

TEST(PackFileName, HasNoOtherForm) {
  for (const char* name :
       {"", ".pack", "1.pack", "000000001.pack", "00000000001.pack", "0000000000.pack",
        "0000000001.pac", "0000000001.pack ", "-000000001.pack", "+000000001.pack",
        "000000000a.pack", "0x00000001.pack", "99999999999999999999.pack", "../0000000001.pack"}) {
    EXPECT_EQ(parse_pack_file_name(name), std::nullopt) << name;
  }
}

class PackFilesTest : public StoreFixture {
 protected:
  // Packs of this store, without records.
  void make_pack(std::uint64_t pack) { make_pack(pack, {.store = core_->uuid, .pack = pack}); }
  void make_pack(std::uint64_t pack, const PackHeader& header) {
    testing::write_file(pack_path(pack), as_text(encode(header)));
  }
  std::unique_ptr<PackFiles> with_room_for(std::size_t open_max) {
    return std::make_unique<PackFiles>(core_->root->open_directory("packs").value(), core_->uuid,
                                       open_max);
  }

  std::unique_ptr<StoreCore> core_ = open_core();
};

TEST_F(PackFilesTest, ListPacksByNumberAndNothingElse) {
  for (const std::uint64_t pack : {3U, 1U, 12U}) make_pack(pack);
  testing::write_file(path() / "packs" / "notes", "");
  std::filesystem::create_directory(path() / "packs" / pack_file_name(7));
  EXPECT_THAT(core_->packs.list().value(), ElementsAre(1, 3, 12));
}

TEST_F(PackFilesTest, TellThatAPackIsGone) {
  EXPECT_THAT(core_->packs.open(1), FailsWith(ErrorCode::kNotFound));
}

TEST_F(PackFilesTest, NameTheStoreOfAForeignPack) {
  const format::Uuid other = format::make_uuid().value();
  make_pack(1, {.store = other, .pack = 1});
  const auto opened = core_->packs.open(1);
  ASSERT_THAT(opened, FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(opened.error().message, HasSubstr("belongs to store " + to_text(other)));
}

TEST_F(PackFilesTest, RefuseAPackUnderAnotherNumber) {
  make_pack(2, {.store = core_->uuid, .pack = 1});
  const auto opened = core_->packs.open(2);
  ASSERT_THAT(opened, FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(opened.error().message, HasSubstr("is pack 1 by its header"));
}

TEST_F(PackFilesTest, RefuseAFileThatIsShorterThanAHeader) {
  testing::write_file(pack_path(1), std::string(kPackHeader - 1, 'P'));
  EXPECT_THAT(core_->packs.open(1), FailsWith(ErrorCode::kCorrupt));
}

// A pack that is kept is the same object; one that dropped out is opened anew.
TEST_F(PackFilesTest, KeepTheMostRecentlyUsedOpen) {
  for (const std::uint64_t pack : {1U, 2U, 3U}) make_pack(pack);
  const auto packs = with_room_for(2);
  const auto first = packs->open(1).value();
  const auto second = packs->open(2).value();
  EXPECT_EQ(packs->open(1).value(), first);
  static_cast<void>(packs->open(3).value());
  EXPECT_EQ(packs->open(1).value(), first);
  EXPECT_NE(packs->open(2).value(), second);
}

TEST_F(PackFilesTest, KeepOneOpenAtLeast) {
  make_pack(1);
  const auto packs = with_room_for(0);
  EXPECT_EQ(packs->open(1).value(), packs->open(1).value());
}

TEST_F(PackFilesTest, ForgetAPackButNotForWhoReadsIt) {
  make_pack(1);
  const auto pack = core_->packs.open(1).value();
  std::filesystem::remove(pack_path(1));
  core_->packs.forget(1);
  core_->packs.forget(2);
  EXPECT_THAT(core_->packs.open(1), FailsWith(ErrorCode::kNotFound));
  std::byte first{};
  EXPECT_EQ(pack->file().read_at(0, std::span(&first, 1)).value(), 1);
}

// As a backup does that is brought up to date.
TEST_F(PackFilesTest, OpenAnewAFileThatALongerOneHasReplaced) {
  make_pack(1);
  const auto before = core_->packs.open(1).value();
  const std::filesystem::path longer = pack_path(1).string() + ".new";
  std::filesystem::copy_file(pack_path(1), longer);
  append(longer, std::string(kRecordHeader + 5, 'r'));
  std::filesystem::rename(longer, pack_path(1));
  const index::Location at = {1, kPackHeader, 5, 5, Codec::kNone};
  const auto after = core_->packs.open(at).value();
  EXPECT_NE(after, before);
  EXPECT_THAT(after->check_inside(at.offset, record_bytes(at)), Succeeds());
  EXPECT_EQ(core_->packs.open(at).value(), after);
}

class PackFileTest : public PackFilesTest {
 protected:
  // One record of five bytes behind the header of pack 1.
  void SetUp() override {
    record_ = {.kind = PackRecord::Kind::kSingle,
               .size = 5,
               .stored_size = 5,
               .id = ObjectId::of(as_bytes("hello")),
               .stored_xxh3 = 17};
    make_pack(1);
    append_record(record_);
    row_ = {record_.id, {1, kPackHeader, 5, 5, Codec::kNone}};
  }
  void append_record(const PackRecord& record) {
    const std::uint64_t offset = std::filesystem::file_size(pack_path(1));
    append(pack_path(1), as_text(encode(record, {core_->uuid, 1, offset})));
    append(pack_path(1), std::string_view("hello").substr(0, record.stored_size));
  }
  std::shared_ptr<const PackFile> pack() { return core_->packs.open(1).value(); }

  PackRecord record_;
  index::ObjectRow row_;
};

TEST_F(PackFileTest, ReadsHeaderAndStoredBytesOfARow) {
  Bytes stored(5);
  EXPECT_EQ(pack()->read_record(row_, 0, stored).value(), record_);
  EXPECT_EQ(as_text(stored), "hello");
  EXPECT_EQ(pack()->read_record(row_, 3, std::span(stored).first(2)).value(), record_);
  EXPECT_EQ(as_text(stored), "lollo");
  EXPECT_EQ(pack()->read_header(row_).value(), record_);
}

TEST_F(PackFileTest, RefusesARowThatItsRecordContradicts) {
  const auto expect_refused = [&](const index::ObjectRow& row) {
    const auto read = pack()->read_header(row);
    ASSERT_THAT(read, FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(read.error().message, HasSubstr("pack 1 at "));
  };
  index::ObjectRow other_id = row_;
  other_id.id.bytes[31] ^= std::byte{1};
  index::ObjectRow other_size = row_;
  other_size.at.size = 6;
  index::ObjectRow other_stored_size = row_;
  other_stored_size.at.stored_size = 4;
  index::ObjectRow other_codec = row_;
  other_codec.at.codec = Codec::kZlib;
  index::ObjectRow other_offset = row_;
  other_offset.at.offset = 1;
  for (const auto& row : {other_id, other_size, other_stored_size, other_codec, other_offset}) {
    expect_refused(row);
  }
}

TEST_F(PackFileTest, RefusesARowThatPointsAtACommitRecord) {
  append_record({.kind = PackRecord::Kind::kCommit, .group_start = kPackHeader});
  const index::ObjectRow row = {{}, {1, kPackHeader + kRecordHeader + 5, 0, 0, Codec::kNone}};
  EXPECT_THAT(pack()->read_header(row), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(PackFileTest, RefusesWhatLiesBeyondItsEnd) {
  const std::uint64_t end = std::filesystem::file_size(pack_path(1));
  EXPECT_THAT(pack()->check_inside(0, end), Succeeds());
  EXPECT_THAT(pack()->check_inside(0, end + 1), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(pack()->check_inside(end + 1, 0), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(pack()->check_inside(index::kOffsetMax, UINT64_MAX), FailsWith(ErrorCode::kCorrupt));
  row_.at.offset = end - kRecordHeader;
  EXPECT_THAT(pack()->read_header(row_), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(PackFileTest, SeesThatItHasGrown) {
  const auto open = pack();
  const std::uint64_t end = std::filesystem::file_size(pack_path(1));
  ASSERT_THAT(open->check_inside(end, 10), FailsWith(ErrorCode::kCorrupt));
  append(pack_path(1), "0123456789");
  EXPECT_THAT(open->check_inside(end, 10), Succeeds());
}

}  // namespace
}  // namespace packstore::store
