#include "store/validate.h"

#include <atomic>
#include <map>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "damaged_store.h"
#include "format/pack_record.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::uint64_t kHeader = format::PackRecord::kHeaderSize;

class ValidateTest : public DamagedStoreTest {};

TEST(FindingKindText, NamesEachKindOnce) {
  std::map<std::string_view, int> seen;
  for (int kind = 0; kind <= static_cast<int>(FindingKind::kLooseRedundant); ++kind) {
    ++seen[to_string(static_cast<FindingKind>(kind))];
  }
  EXPECT_EQ(seen.size(), 19U);
  EXPECT_EQ(to_string(FindingKind::kContentMismatch), "content-mismatch");
  EXPECT_EQ(to_string(FindingKind::kLooseRedundant), "loose-redundant");
}

TEST_F(ValidateTest, FindsNothingInASoundStore) {
  const ValidationReport report = store().validate().value();
  EXPECT_THAT(describe(report.findings), IsEmpty());
  EXPECT_TRUE(report.is_valid());
  EXPECT_EQ(report.packs, 1U);
  EXPECT_EQ(report.objects, 5U);
  std::uint64_t content_bytes = 0;
  for (const auto& [id, content] : objects()) content_bytes += content.size();
  EXPECT_EQ(report.content_bytes, content_bytes);
}

TEST_F(ValidateTest, NamesAPackedObjectWhoseContentIsDamaged) {
  const index::Location at = saboteur_.find(last_);
  Saboteur::flip(saboteur_.pack(at.pack), at.offset + kHeader + 3);
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kContentMismatch, last_)));
}

TEST_F(ValidateTest, NamesACompressedObjectThatDoesNotDecode) {
  const index::Location at = saboteur_.find(squeezed_);
  ASSERT_EQ(at.codec, Codec::kZlib);
  Saboteur::flip(saboteur_.pack(at.pack), at.offset + kHeader);
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kContentMismatch, squeezed_)));
}

TEST_F(ValidateTest, NamesAnObjectWhoseRecordHeaderIsDamaged) {
  const index::Location at = saboteur_.find(first_);
  Saboteur::flip(saboteur_.pack(at.pack), at.offset + 20);
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kRecordDamaged, first_)));
}

TEST_F(ValidateTest, NamesALooseObjectWhoseContentIsDamaged) {
  Saboteur::flip(saboteur_.loose(loose_), 0);
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kContentMismatch, loose_)));
}

TEST_F(ValidateTest, ReportsADamagedPackHeaderAndStillChecksTheRecords) {
  const index::Location at = saboteur_.find(last_);
  Saboteur::flip(saboteur_.pack(1), 40);
  Saboteur::flip(saboteur_.pack(1), at.offset + kHeader);
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kContentMismatch, last_),
                                      HasKind(FindingKind::kPackHeaderDamaged)));
}

TEST_F(ValidateTest, ReportsThePackOfAnotherStore) {
  Store other = Store::create(scratch_ / "other").value();
  fill(other);
  std::filesystem::copy_file(Saboteur(scratch_ / "other").pack(1), saboteur_.pack(1),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kPackForeign)));
}

TEST_F(ValidateTest, ReportsASymbolicLinkInPlaceOfAPack) {
  std::filesystem::rename(saboteur_.pack(1), scratch_ / "elsewhere");
  std::filesystem::create_symlink(scratch_ / "elsewhere", saboteur_.pack(1));
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kPackForeign)));
}

TEST_F(ValidateTest, ReportsWhatLiesBeyondTheEndOfACutPack) {
  const index::Location at = saboteur_.find(last_);
  std::filesystem::resize_file(saboteur_.pack(1), at.offset + kHeader + 1);
  const auto findings = validate();
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kBeyondEnd, last_)));
  EXPECT_THAT(findings, Each(HasKind(FindingKind::kBeyondEnd)));
  EXPECT_EQ(findings.size(), 2U) << "one about the row, one about the pack's indexed length";
}

TEST_F(ValidateTest, ReportsAMissingPackOnce) {
  std::filesystem::remove(saboteur_.pack(1));
  const auto findings = validate();
  ASSERT_THAT(findings, ElementsAre(HasKind(FindingKind::kPackMissing)));
  EXPECT_THAT(findings[0].message, HasSubstr("3 objects"));
}

TEST_F(ValidateTest, ReportsRowsThatClaimTheSameBytes) {
  const index::Location first = saboteur_.find(first_);
  const index::Location last = saboteur_.find(last_);
  index::Location wrong = first;
  wrong.offset += 10;
  saboteur_.edit_index(
      [&](auto& transaction) { EXPECT_TRUE(transaction.move(last_, last, wrong).value()); });
  const auto findings = validate();
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowsOverlap, first_)));
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowsOverlap, last_)));
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRecordDamaged, last_)));
  EXPECT_THAT(findings, Contains(HasKind(FindingKind::kGapDamaged)))
      << "the wrong row ends inside a dead record";
}

TEST_F(ValidateTest, ReportsEachRowInsideALongerOne) {
  const index::Location first = saboteur_.find(first_);
  index::Location all = first;
  const index::Location last = saboteur_.find(last_);
  all.stored_size = all.size = last.offset + kHeader + last.stored_size - first.offset - kHeader;
  saboteur_.edit_index(
      [&](auto& transaction) { EXPECT_TRUE(transaction.move(first_, first, all).value()); });
  const auto findings = validate();
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowsOverlap, first_)).Times(1));
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowsOverlap, squeezed_)).Times(1));
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowsOverlap, last_)).Times(1));
}

TEST_F(ValidateTest, ReportsRowsPastTheIndexedLength) {
  saboteur_.edit_index([&](auto& transaction) {
    index::PackRow row = transaction.find_pack(1).value().value();
    row.indexed_bytes = saboteur_.find(squeezed_).offset;
    EXPECT_TRUE(transaction.put_pack(row));
  });
  EXPECT_THAT(validate(), Contains(HasKind(FindingKind::kBeyondEnd)));
}

TEST_F(ValidateTest, ReportsRowsInARetiredPack) {
  saboteur_.edit_index([&](auto& transaction) {
    index::PackRow row = transaction.find_pack(1).value().value();
    row.state = index::PackState::kRetired;
    EXPECT_TRUE(transaction.put_pack(row));
  });
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kRowInvalid)));
}

TEST_F(ValidateTest, ReportsRowsThatBreakALimit) {
  close();
  testing::run_sql(saboteur_.path(), fmt::format("UPDATE objects SET codec = 9 WHERE id = x'{}'; "
                                                 "UPDATE objects SET offset = -5 WHERE id = x'{}'",
                                                 first_.to_hex(), last_.to_hex()));
  reopen();
  const auto findings = validate();
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowInvalid, first_)));
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRowInvalid, last_)));
}

TEST_F(ValidateTest, ReportsARowWithoutAnId) {
  close();
  testing::run_sql(saboteur_.path(), fmt::format("UPDATE objects SET id = x'0011' WHERE id = x'{}'",
                                                 first_.to_hex()));
  reopen();
  EXPECT_THAT(validate(), Contains(HasKind(FindingKind::kRowInvalid)));
}

TEST_F(ValidateTest, ReportsAPackWithoutAnEntry) {
  saboteur_.edit_index([&](auto& transaction) { EXPECT_TRUE(transaction.erase_pack(1)); });
  EXPECT_THAT(validate(), Contains(HasKind(FindingKind::kPackUnindexed)));
}

TEST_F(ValidateTest, ReportsAPackThatTheIndexDoesNotKnow) {
  saboteur_.edit_index([&](auto& transaction) {
    for (const ObjectId& id : {first_, squeezed_, last_}) EXPECT_TRUE(transaction.erase(id));
    EXPECT_TRUE(transaction.erase_pack(1));
  });
  const auto findings = validate();
  EXPECT_THAT(findings, Contains(HasKind(FindingKind::kPackUnindexed)));
  EXPECT_THAT(findings, Contains(IsAbout(FindingKind::kRefBroken, first_)));
}

TEST_F(ValidateTest, ReportsWholeRecordsBehindTheIndexedPart) {
  Batch batch = store().begin_batch().value();
  const ObjectId id = batch.put(as_bytes("one more")).value();
  const index::PackRow before = saboteur_.find_pack(1);
  ASSERT_TRUE(batch.commit());
  saboteur_.edit_index([&](auto& transaction) {
    EXPECT_TRUE(transaction.erase(id));
    EXPECT_TRUE(transaction.put_pack(before));
  });
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kUnindexedRecords)));
}

TEST_F(ValidateTest, ReportsDamageToACommitRecord) {
  Saboteur::flip(saboteur_.pack(1), saboteur_.find_pack(1).indexed_bytes - 5);
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kGapDamaged)));
}

TEST_F(ValidateTest, ReportsAWrongCountOfDeadBytes) {
  saboteur_.edit_index([&](auto& transaction) { EXPECT_TRUE(transaction.add_dead_bytes(1, 1)); });
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kDeadBytesWrong)));
}

TEST_F(ValidateTest, ReportsWhatCannotBeAnObjectInLoose) {
  Saboteur::write(saboteur_.path() / "loose" / "notes.txt", "?");
  Saboteur::write(saboteur_.path() / "loose" / "ab" / "short", "?");
  std::filesystem::create_directories(saboteur_.path() / "loose" / "not-a-shard");
  std::filesystem::create_symlink("/etc/passwd", saboteur_.loose(ObjectId::of({})));
  const auto findings = validate();
  EXPECT_EQ(findings.size(), 4U);
  EXPECT_THAT(findings, Each(HasKind(FindingKind::kLooseMisplaced)));
}

TEST_F(ValidateTest, ReportsARefThatCannotBeRead) {
  close();
  testing::run_sql(saboteur_.path(), "UPDATE refs SET id = x'00'");
  reopen();
  EXPECT_THAT(validate(), ElementsAre(HasKind(FindingKind::kIndexDamaged)));
}

TEST_F(ValidateTest, ReportsARefToAnAbsentObject) {
  saboteur_.edit_index(
      [&](auto& transaction) { EXPECT_TRUE(transaction.put_ref("lost", {.id = removed_})); });
  EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kRefBroken, removed_)));
}

TEST_F(ValidateTest, TakesGarbageForNoDamage) {
  Saboteur::append(saboteur_.pack(1), "half a record");
  Saboteur::write(saboteur_.path() / "sandbox" / "put-1", "half an object");
  Saboteur::write(saboteur_.loose(first_), first_content_);
  Saboteur::write(saboteur_.pack(7), "");
  const ValidationReport report = store().validate().value();
  EXPECT_THAT(report.findings,
              ElementsAre(HasKind(FindingKind::kTornTail), HasKind(FindingKind::kTornTail),
                          HasKind(FindingKind::kSandboxLeftover),
                          IsAbout(FindingKind::kLooseRedundant, first_)));
  EXPECT_TRUE(report.is_valid());
}

TEST_F(ValidateTest, LeavesThePackOfALiveWriterAlone) {
  Batch batch = store().begin_batch().value();
  ASSERT_TRUE(batch.put(as_bytes("not committed yet")));
  EXPECT_THAT(describe(validate()), IsEmpty());
  ASSERT_TRUE(batch.commit());
  EXPECT_THAT(describe(validate()), IsEmpty());
}

TEST_F(ValidateTest, ReportsEveryDamageOfMany) {
  Saboteur::flip(saboteur_.pack(1), saboteur_.find(first_).offset + kHeader);
  Saboteur::flip(saboteur_.pack(1), saboteur_.find(squeezed_).offset + 9);
  Saboteur::flip(saboteur_.loose(loose_), 2);
  Saboteur::append(saboteur_.pack(1), "torn");
  Saboteur::write(saboteur_.path() / "loose" / "stray", "");
  Saboteur::write(saboteur_.pack(5), std::string(500, 'x'));
  for (const unsigned threads : {1U, 2U, 5U}) {
    SCOPED_TRACE(threads);
    EXPECT_THAT(
        validate({.threads = threads}),
        ElementsAre(IsAbout(FindingKind::kContentMismatch, loose_),
                    IsAbout(FindingKind::kContentMismatch, first_),
                    IsAbout(FindingKind::kRecordDamaged, squeezed_),
                    HasKind(FindingKind::kPackHeaderDamaged), HasKind(FindingKind::kLooseMisplaced),
                    HasKind(FindingKind::kTornTail)));
  }
}

// Flips each byte of the pack and of the loose files in turn. Only what the index counts as dead
// may go unnoticed, because nobody can meet it.
TEST_F(ValidateTest, FindsEveryFlippedByteThatIsNotDead) {
  const index::Location squeezed = saboteur_.find(squeezed_);
  const index::Location first = saboteur_.find(first_);
  const std::uint64_t dead_start = first.offset + kHeader + first.stored_size;
  const std::uint64_t size = std::filesystem::file_size(saboteur_.pack(1));
  for (std::uint64_t offset = 0; offset < size; ++offset) {
    SCOPED_TRACE(offset);
    const bool dead = offset >= dead_start && offset < squeezed.offset;
    Saboteur::flip(saboteur_.pack(1), offset);
    const auto findings = validate();
    EXPECT_EQ(findings.empty(), dead);
    for (const Finding& finding : findings) EXPECT_FALSE(is_garbage(finding.kind));
    expect_no_wrong_read();
    Saboteur::flip(saboteur_.pack(1), offset);
  }
  for (const auto& [id, content] : {objects()[3], objects()[4]}) {
    for (std::uint64_t offset = 0; offset < content.size(); ++offset) {
      SCOPED_TRACE(offset);
      Saboteur::flip(saboteur_.loose(id), offset);
      EXPECT_THAT(validate(), ElementsAre(IsAbout(FindingKind::kContentMismatch, id)));
      expect_no_wrong_read();
      Saboteur::flip(saboteur_.loose(id), offset);
    }
  }
  EXPECT_THAT(describe(validate()), IsEmpty());
}

// The object is removed after it was found damaged and before the call returns.
TEST_F(ValidateTest, ForgetsADamagedObjectThatWasRemovedMeanwhile) {
  const index::Location at = saboteur_.find(last_);
  Saboteur::flip(saboteur_.pack(at.pack), at.offset + kHeader);
  ValidateOptions options;
  options.control.on_progress = [&](const Progress&) {
    saboteur_.edit_index([&](auto& transaction) { EXPECT_TRUE(transaction.erase(last_)); });
  };
  EXPECT_THAT(describe(validate(options)), IsEmpty());
}

TEST_F(ValidateTest, ReadsNoContentWhenAskedNotTo) {
  Saboteur::flip(saboteur_.pack(1), saboteur_.find(first_).offset + kHeader);
  Saboteur::flip(saboteur_.loose(loose_), 0);
  const ValidationReport blind = store().validate({.rehash_content = false}).value();
  EXPECT_THAT(describe(blind.findings), IsEmpty());
  EXPECT_EQ(blind.content_bytes, 0U);
  EXPECT_EQ(blind.objects, 5U);
  Saboteur::flip(saboteur_.pack(1), saboteur_.find(last_).offset + 1);
  EXPECT_THAT(validate({.rehash_content = false}),
              ElementsAre(IsAbout(FindingKind::kRecordDamaged, last_)));
}

TEST_F(ValidateTest, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  ValidateOptions options;
  options.control.stop = stop.get_token();
  const auto report = store().validate(options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

TEST_F(ValidateTest, PassesOnWhatAnObserverThrows) {
  for (const unsigned threads : {1U, 4U}) {
    ValidateOptions options{.threads = threads};
    options.control.on_progress = [](const Progress&) { throw std::runtime_error("thrown"); };
    EXPECT_THROW(static_cast<void>(store().validate(options)), std::runtime_error);
  }
}

TEST_F(ValidateTest, ShowsProgressThatEndsAtTheTotal) {
  Batch batch = store().begin_batch().value();
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    ASSERT_TRUE(batch.put(random_bytes(1 << 20, seed)));
  }
  ASSERT_TRUE(batch.commit());
  std::vector<Progress> seen;
  ValidateOptions options{.threads = 3};
  options.control.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.phase, "validate");
    EXPECT_EQ(progress.unit, ProgressUnit::kBytes);
    if (!seen.empty()) {
      EXPECT_GE(progress.done, seen.back().done);
    }
    EXPECT_LE(progress.done, progress.total);
    seen.push_back(progress);
  };
  ASSERT_TRUE(store().validate(options));
  ASSERT_GE(seen.size(), 2U);
  EXPECT_EQ(seen.back().done, seen.back().total);
  EXPECT_EQ(seen.front().total, seen.back().total) << "the total was known from the start";
}

// Objects around the lengths at which extents are cut and contents are streamed, in random order,
// a third of them removed, so that gaps of every length occur.
TEST_F(ValidateTest, FindsNothingAmongManySizesAndGaps) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Batch batch = store().begin_batch({.compression = Compression::automatic()}).value();
  std::vector<ObjectId> doomed;
  std::vector<ObjectId> kept;
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t size = i % 40 == 0 ? random() % (6 << 20) : random() % 3000;
    const bool compressible = random() % 3 == 0;
    Bytes content = random_bytes(compressible ? 16 : size, random());
    content.resize(size);
    const ObjectId id = batch.put(content).value();
    (random() % 3 == 0 ? doomed : kept).push_back(id);
  }
  ASSERT_TRUE(batch.commit());
  ASSERT_TRUE(store().lock_maintenance().value().remove(doomed));
  for (const unsigned threads : {1U, 4U}) {
    for (const bool rehash : {true, false}) {
      EXPECT_THAT(describe(validate({.threads = threads, .rehash_content = rehash})), IsEmpty());
    }
  }
  const ObjectId victim = kept[random() % kept.size()];
  const index::Location at = saboteur_.find(victim);
  Saboteur::flip(saboteur_.pack(at.pack), at.offset + kHeader + at.stored_size - 1);
  EXPECT_THAT(validate({.threads = 2}),
              ElementsAre(IsAbout(FindingKind::kContentMismatch, victim)));
}

// Puts, removals and maintenance, as a busy application would do them.
class ValidateBesideWritersTest : public ValidateTest {
 protected:
  void write_round(std::uint64_t round) {
    Batch batch = store().begin_batch().value();
    std::vector<ObjectId> ids;
    for (std::uint64_t i = 0; i < 8; ++i) {
      ids.push_back(batch.put(random_bytes(100 + i, round * 100 + i)).value());
    }
    EXPECT_TRUE(batch.commit());
    EXPECT_TRUE(store().put(random_bytes(50, round)));
    EXPECT_TRUE(store().put(random_bytes(60, round), {.placement = Placement::kPacked}));
    MaintenanceLock lock = store().lock_maintenance().value();
    EXPECT_TRUE(lock.remove(std::span(ids).first(4)));
    EXPECT_TRUE(round % 3 != 0 || lock.pack_loose());
    EXPECT_TRUE(round % 5 != 0 || lock.repack());
    EXPECT_TRUE(round % 7 != 0 || lock.clean());
  }
};

// Batches, removals, packing and repacking go on beside it: nothing of that may look like damage.
TEST_F(ValidateBesideWritersTest, FindsNoDamage) {
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (std::uint64_t round = 0; round < 120; ++round) write_round(round);
    done = true;
  });
  while (!done) {
    const ValidationReport report = store().validate({.threads = 2}).value();
    EXPECT_TRUE(report.is_valid()) << ::testing::PrintToString(describe(report.findings));
  }
}

}  // namespace
}  // namespace packstore::store
