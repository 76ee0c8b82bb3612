// Recoveries that cannot know everything: some refs are lost, or FORMAT contradicts the packs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/recover_fixture.h"

namespace packstore::store {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecoverSomeRefsTest : public RecoverTest {
 protected:
  // Many refs to one object, and one to a list that no other ref reaches. Then the page of the
  // index is zeroed on which the latter stands.
  void SetUp() override {
    {
      Store store = Store::create(path_).value();
      Batch batch = store.begin_batch().value();
      const ObjectId leaf = batch.put(make_content(1)).value();
      list_ = batch.put(as_bytes("list: " + leaf.to_hex())).value();
      for (int i = 0; i < kRefs; ++i) {
        const ObjectId target = i == kRefs / 2 ? list_ : leaf;
        batch.move_ref(name_of(i), {.from = {}, .to = target}).value();
      }
      batch.commit().value();
      store.lock_maintenance().value().clean().value();
    }
    std::string index = read_file(path_ / "index.sqlite");
    const std::size_t page = index.find(name_of(kRefs / 2)) / kPageSize * kPageSize;
    write_file(path_ / "index.sqlite", index.replace(page, kPageSize, kPageSize, '\0'));
  }
  static std::string name_of(int ref) { return fmt::format("a/ref/of/some/length/{:06}", ref); }

  static constexpr int kRefs = 1000;
  static constexpr std::size_t kPageSize = 4096;
  ObjectId list_;
};

TEST_F(RecoverSomeRefsTest, SaysThatOthersAreLost) {
  const RecoveryReport report = recover();
  EXPECT_GT(report.refs_kept.size(), 800U);
  EXPECT_LT(report.refs_kept.size(), std::size_t{kRefs});
  EXPECT_TRUE(report.refs_lost);
  EXPECT_THAT(kinds_of(report), ElementsAre(FindingKind::kIndexDamaged));
  EXPECT_THAT(report.candidate_heads, Contains(list_));
}

class RecoverAContradictionTest : public RecoverTest {
 protected:
  void SetUp() override {
    fill();
    format_ = read_file(path_ / "FORMAT");
    uuid_ = Store::open(path_).value().uuid();
    other_uuid_ = Store::create(directory_ / "other").value().uuid();
    fs::copy_file(directory_ / "other" / "FORMAT", path_ / "FORMAT",
                  fs::copy_options::overwrite_existing);
  }

  std::string format_;
  std::string uuid_;
  std::string other_uuid_;
};

TEST_F(RecoverAContradictionTest, TakesFormatForWrongWherePacksAndIndexAgree) {
  ASSERT_THAT(Store::open(path_), testing::FailsWith(ErrorCode::kCorrupt));
  const RecoveryReport report = recover();
  EXPECT_EQ(report.packs, 2U);
  EXPECT_THAT(report.refs_dropped, IsEmpty());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(read_file(path_ / "FORMAT"), format_);
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
  expect_all_there();
}

TEST_F(RecoverAContradictionTest, IsRefusedWhereTheIndexIsLost) {
  remove_index();
  const std::string format = read_file(path_ / "FORMAT");
  const auto report = Store::recover(path_);
  ASSERT_THAT(report, testing::FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(report.error().message, AllOf(HasSubstr(uuid_), HasSubstr(other_uuid_)));
  EXPECT_EQ(read_file(path_ / "FORMAT"), format);
  EXPECT_FALSE(fs::exists(path_ / "quarantine"));
  // As the message says.
  fs::remove(path_ / "FORMAT");
  recover();
  EXPECT_EQ(read_file(path_ / "FORMAT"), format_);
  expect_all_there();
}

TEST_F(RecoverAContradictionTest, IsNoneWhereOnePackIsOfTheStore) {
  Store other = Store::open(directory_ / "other").value();
  put_batch(other, 5000, 3);
  fs::copy_file(packs_in(directory_ / "other").at(0), path_ / "packs" / "0000000077.pack");
  remove_index();
  write_file(path_ / "FORMAT", format_);
  EXPECT_THAT(kinds_of(recover()), ElementsAre(FindingKind::kPackForeign));
  EXPECT_EQ(contents_of(Store::open(path_).value()), contents_);
}

TEST_F(RecoverTest, WritesAFormatAnewThatIsTooLong) {
  fill();
  const std::string format = read_file(path_ / "FORMAT");
  write_file(path_ / "FORMAT", format + std::string(5000, '\n'));
  ASSERT_THAT(Store::open(path_), testing::FailsWith(ErrorCode::kCorrupt));
  recover();
  EXPECT_EQ(read_file(path_ / "FORMAT"), format);
  EXPECT_EQ(refs_of(Store::open(path_).value()), refs_);
  expect_all_there();
}

}  // namespace
}  // namespace packstore::store
