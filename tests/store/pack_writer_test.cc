#include "store/pack_writer.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "hash/xxh3.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using format::PackRecord;
using Kind = PackRecord::Kind;
using Choice = PackWriter::Choice;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PackWriterTest : public StoreFixture {
 protected:
  PackWriterTest() { options_.packs.bytes_target = 10'000; }
  void SetUp() override {
    core_ = open_watched();
    watch().take_log();  // What opening did.
  }
  void TearDown() override { core_.reset(); }

  std::unique_ptr<PackWriter> begin(Choice choice = Choice::kAny) {
    return PackWriter::begin(*core_, choice).value();
  }
  static EncodedObject encoded(std::string_view content) {
    return {ObjectId::of(as_bytes(content)), content.size(), Codec::kNone, as_bytes(content)};
  }
  // Appends, syncs and commits a group of its own.
  index::ObjectRow write(PackWriter& writer, std::string_view content, Kind kind = Kind::kSingle) {
    const index::ObjectRow row = append_to(writer, content, kind);
    commit(writer, {row});
    return row;
  }
  static index::ObjectRow append_to(PackWriter& writer, std::string_view content,
                                    Kind kind = Kind::kObject) {
    const EncodedObject object = encoded(content);
    std::vector<index::ObjectRow> rows;
    EXPECT_THAT(writer.append({&object, 1}, kind, rows), Succeeds());
    return rows.at(0);
  }
  PackWriter::Outcome commit(PackWriter& writer, const std::vector<index::ObjectRow>& rows) {
    EXPECT_THAT(writer.sync(), Succeeds());
    auto transaction = core_->index->begin_write(index::CommitSync::kLazy).value();
    const PackWriter::Outcome outcome = writer.add_rows(*transaction, rows).value();
    EXPECT_THAT(writer.commit(*transaction), Succeeds());
    return outcome;
  }
  static PackWriter::ContentOpener open_content(const Bytes& content) {
    return [&content]() -> Result<std::unique_ptr<ByteSource>> {
      return std::unique_ptr<ByteSource>(std::make_unique<ViewSource>(content));
    };
  }
  std::uint64_t file_size(std::uint64_t pack) const {
    return std::filesystem::file_size(pack_path(pack));
  }
  Bytes get(const ObjectId& id) { return store().get(id).value(); }

  std::unique_ptr<StoreCore> core_;
};

// Blocks that the disk keeps ahead of a long group are given back before it is committed, so the
// index finds room for its rows, and with a group that is dropped.
TEST_F(PackWriterTest, GivesBackTheRoomThatItHadKept) {
  core_.reset();
  core_ = open_core();  // Files that the system knows.
  const auto blocks = [&] {
    struct stat status = {};
    EXPECT_EQ(::stat(pack_path(1).c_str(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  const std::string first(3 << 20, 'a');
  const std::string second(3 << 20, 'b');
  const auto writer = begin();
  const index::ObjectRow row = append_to(*writer, first);
  const std::uint64_t kept = blocks();
  if (kept < 2 * first.size()) GTEST_SKIP() << "this file system keeps no room";
  commit(*writer, {row});
  EXPECT_LT(blocks(), first.size() + (1 << 20));
  EXPECT_EQ(file_size(1), row.at.offset + kRecordHeader + first.size());

  append_to(*writer, second);
  EXPECT_GE(blocks(), 3 * first.size());
  writer->drop_group();
  EXPECT_LT(blocks(), first.size() + (1 << 20));
  EXPECT_EQ(text_of(row.id), first);
}

TEST_F(PackWriterTest, AppendsToAnOpenPackThatHasRoom) {
  write(*begin(), "one");
  const auto writer = begin();
  EXPECT_EQ(writer->pack(), 1);
  write(*writer, "two");
  EXPECT_EQ(text_of(ObjectId::of(as_bytes("two"))), "two");
}

TEST_F(PackWriterTest, LeavesAPackThatSomebodyHolds) {
  write(*begin(), "one");
  const auto holder = begin();
  EXPECT_EQ(holder->pack(), 1);
  EXPECT_EQ(begin()->pack(), 2);
}

TEST_F(PackWriterTest, MakesANewPackWhereToldTo) {
  write(*begin(), "one");
  EXPECT_EQ(begin(Choice::kNew)->pack(), 2);
}

TEST_F(PackWriterTest, SealsAPackThatHasReachedItsSize) {
  const auto writer = begin();
  EXPECT_FALSE(writer->is_full());
  write(*writer, std::string(10'000, 'x'));
  EXPECT_TRUE(writer->is_full());
  EXPECT_EQ(core_->index->find_pack(1).value()->state, index::PackState::kSealed);
  EXPECT_EQ(begin()->pack(), 2);
}

TEST_F(PackWriterTest, LeavesAPackWithAnUnfinishedTailToTheCleaner) {
  write(*begin(), "one");
  append(pack_path(1), "unfinished");
  EXPECT_EQ(begin()->pack(), 2);
}

// As if a process had died between the sync of the pack and the commit of its row.
TEST_F(PackWriterTest, TakesInACommittedTailBeforeItAppends) {
  const index::ObjectRow last = write(*begin(), "one");
  const std::uint64_t end = last.at.offset + kRecordHeader + last.at.stored_size;
  const EncodedObject object = encoded("two");
  const PackRecord record{.kind = Kind::kSingle,
                          .size = object.size,
                          .stored_size = object.size,
                          .id = object.id,
                          .stored_xxh3 = hash::xxh3(object.stored)};
  append(pack_path(1), as_text(encode(record, {core_->uuid, 1, end})));
  append(pack_path(1), "two");
  const auto writer = begin();
  EXPECT_EQ(writer->pack(), 1);
  EXPECT_EQ(writer->end(), file_size(1));
  EXPECT_EQ(text_of(object.id), "two");
}

// A power cut may take the allocation of a number, and not the file.
TEST_F(PackWriterTest, PassesOverNumbersWhoseFileIsThere) {
  testing::write_file(pack_path(1), "");
  testing::write_file(pack_path(2), "");
  EXPECT_EQ(begin()->pack(), 3);
}

TEST_F(PackWriterTest, NeverGivesANumberTwice) {
  begin().reset();
  std::filesystem::remove(pack_path(1));
  EXPECT_EQ(begin()->pack(), 2);
}

// I1: bytes before name; the name once for all groups.
TEST_F(PackWriterTest, SyncsTheFileAndOnceItsName) {
  const auto writer = begin();
  write(*writer, "one");
  EXPECT_THAT(
      watch().take_log(),
      ElementsAre("create packs/0000000001.pack", "write packs/0000000001.pack",
                  "write packs/0000000001.pack", "sync packs/0000000001.pack", "sync packs/"));
  write(*writer, "two");
  EXPECT_THAT(watch().take_log(),
              ElementsAre("write packs/0000000001.pack", "sync packs/0000000001.pack"));
}

TEST_F(PackWriterTest, ShowsNothingBeforeItsRowsAreCommitted) {
  const auto writer = begin();
  const index::ObjectRow row = append_to(*writer, "content");
  ASSERT_THAT(writer->append_commit(), Succeeds());
  ASSERT_THAT(writer->sync(), Succeeds());
  EXPECT_FALSE(has(row.id));
}

TEST_F(PackWriterTest, CutsOffWhatWasNotCommitted) {
  auto writer = begin();
  write(*writer, "kept", Kind::kObject);
  const std::uint64_t size = file_size(1);
  append_to(*writer, "dropped");
  EXPECT_GT(file_size(1), size);
  writer->drop_group();
  EXPECT_EQ(file_size(1), size);

  EXPECT_EQ(text_of(write(*writer, "next").id), "next");
  append_to(*writer, "dropped by the destructor");
  const std::uint64_t kept = writer->group_start();
  writer.reset();
  EXPECT_EQ(file_size(1), kept);
  EXPECT_THAT(store(), IsSpotless());
}

// A commit that reports an error.
class FailingCommit final : public index::WriteTransaction {
 public:
  explicit FailingCommit(index::WriteTransaction& inner) : inner_(inner) {}

  Result<bool> insert(const index::ObjectRow& row) override { return inner_.insert(row); }
  Result<std::optional<index::Location>> find(const ObjectId& id) override {
    return inner_.find(id);
  }
  Result<bool> move(const ObjectId& id, const index::Location& from,
                    const index::Location& to) override {
    return inner_.move(id, from, to);
  }
  Result<std::optional<index::Location>> erase(const ObjectId& id) override {
    return inner_.erase(id);
  }
  Result<std::uint64_t> allocate_pack() override { return inner_.allocate_pack(); }
  Status reserve_packs_through(std::uint64_t pack) override {
    return inner_.reserve_packs_through(pack);
  }
  Result<std::optional<index::PackRow>> find_pack(std::uint64_t pack) override {
    return inner_.find_pack(pack);
  }
  Status put_pack(const index::PackRow& row) override { return inner_.put_pack(row); }
  Status add_dead_bytes(std::uint64_t pack, std::uint64_t bytes) override {
    return inner_.add_dead_bytes(pack, bytes);
  }
  Status erase_pack(std::uint64_t pack) override { return inner_.erase_pack(pack); }
  Result<bool> pack_has_rows(std::uint64_t pack) override { return inner_.pack_has_rows(pack); }
  Result<std::optional<Link>> find_ref(std::string_view name) override {
    return inner_.find_ref(name);
  }
  Status put_ref(std::string_view name, const Link& target) override {
    return inner_.put_ref(name, target);
  }
  Status erase_ref(std::string_view name) override { return inner_.erase_ref(name); }
  Status add_pending_unlink(const ObjectId& id) override { return inner_.add_pending_unlink(id); }
  Result<bool> erase_pending_unlink(const ObjectId& id) override {
    return inner_.erase_pending_unlink(id);
  }
  Status keep(const ObjectId& id) override { return inner_.keep(id); }
  Result<bool> is_kept(const ObjectId& id) override { return inner_.is_kept(id); }
  Status clear_kept() override { return inner_.clear_kept(); }
  index::ReferenceTable* reference_table() override { return inner_.reference_table(); }
  Status commit() override { return fail(ErrorCode::kIo, "nobody knows what the disk holds"); }

 private:
  index::WriteTransaction& inner_;
};

// The error is no proof that the rows are not there: what they would point at must stay.
TEST_F(PackWriterTest, KeepsWhatACommitThatReportedAnErrorMayHaveCommitted) {
  const Choice choices[] = {Choice::kNew, Choice::kAny};  // A new pack, then the same once more.
  for (const Choice choice : choices) {
    auto writer = begin(choice);
    ASSERT_EQ(writer->pack(), 1);
    const std::string content = choice == Choice::kNew ? "new" : "again";
    const index::ObjectRow row = append_to(*writer, content, Kind::kSingle);
    ASSERT_THAT(writer->sync(), Succeeds());
    {
      const auto transaction = core_->index->begin_write(index::CommitSync::kLazy).value();
      FailingCommit failing(*transaction);
      ASSERT_THAT(writer->add_rows(failing, {&row, 1}), Succeeds());
      EXPECT_THAT(writer->commit(failing), FailsWith(ErrorCode::kIo));
    }
    writer->drop_group();
    writer.reset();
    ASSERT_TRUE(std::filesystem::exists(pack_path(1)));
    // This time the rows were not there: the next opener finds them in the file.
    EXPECT_EQ(as_text(reopen().get(row.id).value()), content);
    close();
  }
}

TEST_F(PackWriterTest, RemovesAPackThatNothingWasCommittedTo) {
  auto writer = begin();
  append_to(*writer, "dropped");
  writer.reset();
  EXPECT_EQ(count_files("packs"), 0);
  write(*begin(), "committed");
  begin().reset();
  EXPECT_EQ(count_files("packs"), 1);
}

TEST_F(PackWriterTest, CountsRecordsThatLostTheirRowToAnotherAsDead) {
  const auto first = begin();
  const auto second = begin();
  write(*first, "the same");
  const index::ObjectRow row = append_to(*second, "the same");
  const PackWriter::Outcome outcome = commit(*second, {row});
  EXPECT_EQ(outcome.inserted, 0);
  EXPECT_EQ(outcome.dead_bytes, kRecordHeader + 8);
  EXPECT_EQ(core_->index->find_pack(second->pack()).value()->dead_bytes, kRecordHeader + 8);
}

TEST_F(PackWriterTest, MovesRowsThatAreStillWhereTheyWereAndCountsBothSides) {
  const auto from = begin();
  const index::ObjectRow moved = write(*from, "moved");
  const index::ObjectRow removed = write(*from, "removed meanwhile");
  const auto to = begin(Choice::kNew);
  const std::vector<index::ObjectRow> rows = {append_to(*to, "moved"),
                                              append_to(*to, "removed meanwhile")};
  ASSERT_THAT(to->sync(), Succeeds());
  auto transaction = core_->index->begin_write(index::CommitSync::kLazy).value();
  ASSERT_THAT(transaction->erase(removed.id), Succeeds());
  const std::vector<index::Location> places = {moved.at, removed.at};
  const PackWriter::Outcome outcome = to->move_rows(*transaction, rows, places).value();
  ASSERT_THAT(to->commit(*transaction), Succeeds());
  EXPECT_EQ(outcome.inserted, 1);
  EXPECT_EQ(location(moved.id).pack, 2);
  EXPECT_FALSE(has(removed.id));
  EXPECT_EQ(core_->index->find_pack(1).value()->dead_bytes, kRecordHeader + 5);
  EXPECT_EQ(core_->index->find_pack(2).value()->dead_bytes, kRecordHeader + 17);
}

TEST_F(PackWriterTest, StreamsContentOfAnyLengthAndCompressesIt) {
  const Bytes content = testing::content_of(2, 3'000'000);
  for (const Compression& compression :
       {Compression::none(), Compression::zlib(), Compression::zstd()}) {
    const auto writer = begin(Choice::kNew);
    const index::ObjectRow row = writer
                                     ->append_content(ObjectId::of(content), content.size(),
                                                      open_content(content), compression)
                                     .value();
    EXPECT_EQ(row.at.codec, compression.codec);
    EXPECT_EQ(row.at.size, content.size());
    EXPECT_EQ(row.at.stored_size < content.size(), compression.codec != Codec::kNone);
    const PackWriter::Outcome outcome = commit(*writer, {row});
    EXPECT_EQ(get(row.id), content);
    EXPECT_EQ(outcome.inserted, compression.codec == Codec::kNone ? 1 : 0);
  }
}

TEST_F(PackWriterTest, KeepsStreamedContentVerbatimThatDoesNotShrink) {
  const Bytes content = testing::content_of(1, 2'000'000);
  const auto writer = begin();
  const index::ObjectRow row = writer
                                   ->append_content(ObjectId::of(content), content.size(),
                                                    open_content(content), Compression::zlib(9))
                                   .value();
  EXPECT_EQ(row.at.codec, Codec::kNone);
  EXPECT_EQ(row.at.stored_size, content.size());
  commit(*writer, {row});
  EXPECT_EQ(get(row.id), content);
  EXPECT_EQ(file_size(1), kPackHeader + kRecordHeader + content.size());
}

TEST_F(PackWriterTest, RefusesStreamedContentThatIsNotItsId) {
  const Bytes content = testing::content_of(1, 2'000'000);
  const auto writer = begin();
  EXPECT_THAT(writer->append_content(ObjectId::of(as_bytes("other")), content.size(),
                                     open_content(content), Compression::none()),
              FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(writer->end(), kPackHeader);
  const index::ObjectRow next = write(*writer, "next");
  EXPECT_EQ(text_of(next.id), "next");
  EXPECT_EQ(file_size(1), kPackHeader + kRecordHeader + 4);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PackWriterTest, CopiesStoredBytesUnderTheirChecksumOnly) {
  const std::string_view content = "stored bytes";
  const auto writer = begin();
  const index::ObjectRow like{ObjectId::of(as_bytes(content)),
                              {9, 999, content.size(), content.size(), Codec::kNone}};
  ViewSource bad(as_bytes("stored bytez"));
  EXPECT_THAT(writer->append_stored(like, hash::xxh3(as_bytes(content)), bad),
              FailsWith(ErrorCode::kCorrupt));
  ViewSource shorter(as_bytes("stored"));
  EXPECT_THAT(writer->append_stored(like, hash::xxh3(as_bytes("stored")), shorter),
              FailsWith(ErrorCode::kCorrupt));
  ViewSource good(as_bytes(content));
  const index::ObjectRow row =
      writer->append_stored(like, hash::xxh3(as_bytes(content)), good).value();
  EXPECT_EQ(row.at.pack, writer->pack());
  EXPECT_EQ(row.at.offset, kPackHeader);
  commit(*writer, {row});
  EXPECT_EQ(text_of(row.id), content);
}

TEST_F(PackWriterTest, GivesNoRowsForAWriteThatFailed) {
  const auto writer = begin();
  watch().fail_at("write packs/", ErrorCode::kNoSpace);
  const EncodedObject object = encoded("content");
  std::vector<index::ObjectRow> rows;
  EXPECT_THAT(writer->append({&object, 1}, Kind::kObject, rows), FailsWith(ErrorCode::kNoSpace));
  EXPECT_THAT(rows, IsEmpty());
  watch().before = nullptr;
  EXPECT_THAT(writer->sync(), FailsWith(ErrorCode::kNoSpace));  // The first failure is final.
}

// I2: the index never points past what is synced. The process that wrote the tail may have died
// before its sync, or in one that failed: then a sync of what is not written again does nothing.
TEST_F(PackWriterTest, WritesAndSyncsATailAgainBeforeItIsIndexed) {
  save_index();
  const ObjectId id = write(*begin(), "one").id;
  core_.reset();
  restore_index();
  watch().take_log();
  bool synced = false;
  bool indexed_too_early = false;
  watch().before = [&](const std::string& step) -> Status {
    if (!step.starts_with("sync packs/")) return {};
    synced = true;
    // Another opener leaves the pack alone, because it is locked.
    indexed_too_early = indexed_too_early || open_other().contains(id).value();
    return {};
  };
  core_ = open_watched();
  EXPECT_TRUE(synced);
  EXPECT_FALSE(indexed_too_early);
  EXPECT_TRUE(core_->index->find(id).value().has_value());
  std::vector<std::string> steps = watch().take_log();
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  EXPECT_THAT(steps, ElementsAre("write packs/0000000001.pack", "sync packs/0000000001.pack",
                                 "sync packs/"));
}

}  // namespace
}  // namespace packstore::store
