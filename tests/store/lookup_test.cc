#include "store/lookup.h"

#include <gmock/gmock.h>

#include "store/put.h"
#include "store/read.h"
#include "store_fixture.h"
#include "support/run_sql.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LookupTest : public StoreFixture {
 protected:
  void SetUp() override { core_ = open_watched(); }
  void TearDown() override { core_.reset(); }

  void pack_elsewhere() { ASSERT_THAT(lock().pack_loose(), Succeeds()); }
  void repack_elsewhere() { ASSERT_THAT(lock().repack(), Succeeds()); }
  // The steps of a lookup that look into loose/ and packs/.
  template <typename Act>
  void once_before_opening(const std::string& where, Act act) {
    watch().once_before("open " + where, act);
  }

  std::unique_ptr<StoreCore> core_;
};

TEST_F(LookupTest, TellsPackedFromLooseFromAbsent) {
  const ObjectId loose = put("loose");
  const ObjectId packed = put_packed(std::string(1000, 'z'), Compression::zlib());
  const ObjectInfo loose_info = locate(*core_, loose).value().value();
  EXPECT_EQ(loose_info.id, loose);
  EXPECT_EQ(loose_info.size, 5);
  EXPECT_EQ(loose_info.stored_size, 5);
  EXPECT_EQ(loose_info.pack, std::nullopt);
  const ObjectInfo packed_info = locate(*core_, packed).value().value();
  EXPECT_EQ(packed_info.size, 1000);
  EXPECT_LT(packed_info.stored_size, 1000);
  EXPECT_EQ(packed_info.codec, Codec::kZlib);
  EXPECT_EQ(packed_info.pack, 1);
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  EXPECT_FALSE(locate(*core_, absent).value().has_value());
  EXPECT_FALSE(open_found(*core_, absent).value().has_value());
}

TEST_F(LookupTest, PrefersThePackedCopy) {
  const ObjectId id = put("both");
  const std::string content = testing::read_file(loose_path(id));
  pack_elsewhere();
  testing::write_file(loose_path(id), content);
  EXPECT_TRUE(locate(*core_, id).value()->pack.has_value());
  EXPECT_NE(open_found(*core_, id).value()->pack, nullptr);
}

TEST_F(LookupTest, FindsABufferedObjectOfThisStoreOnly) {
  const ObjectId id = store().put(as_bytes("waits"), {.durability = Durability::kBuffered}).value();
  EXPECT_TRUE(has(id));
  EXPECT_THAT(store().contains(std::vector<ObjectId>{id}).value(), ElementsAre(true));
  EXPECT_EQ(text_of(id), "waits");
  EXPECT_FALSE(locate(*core_, id).value().has_value());
}

// Who is about to acknowledge has to know: it may be lost.
TEST_F(LookupTest, TellsWhatWaitsFromWhatIsPacked) {
  const PutOptions buffered{.durability = Durability::kBuffered};
  const ObjectId id = store::put(*core_, as_bytes("waits"), buffered).value();
  EXPECT_EQ(look_up(*core_, id).value().presence, Presence::kWaiting);
  EXPECT_THAT(find_presence(*core_, {&id, 1}).value(), ElementsAre(Presence::kWaiting));
  ASSERT_THAT(core_->packed_puts.sync(), Succeeds());
  EXPECT_EQ(look_up(*core_, id).value().presence, Presence::kPacked);
  EXPECT_THAT(find_presence(*core_, {&id, 1}).value(), ElementsAre(Presence::kPacked));
}

// The race that the third look is for: absent from the index at the first look, and gone from
// loose/ at the second, because it was packed in between.
TEST_F(LookupTest, FindsWhatIsPackedBetweenItsTwoLooks) {
  const ObjectId id = put("moves");
  once_before_opening("loose/", [&] { pack_elsewhere(); });
  const auto found = open_found(*core_, id).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_NE(found->pack, nullptr);
  EXPECT_FALSE(is_loose(id));
}

TEST_F(LookupTest, LocatesWhatIsPackedBetweenItsTwoLooks) {
  const ObjectId id = put("moves");
  once_before_opening("loose/", [&] { pack_elsewhere(); });
  EXPECT_TRUE(locate(*core_, id).value().has_value());
}

TEST_F(LookupTest, FindsThePresenceOfWhatIsPackedBetweenItsTwoLooks) {
  const ObjectId id = put("moves");
  once_before_opening("loose/", [&] { pack_elsewhere(); });
  EXPECT_THAT(find_presence(*core_, {{id}}).value(), ElementsAre(Presence::kPacked));
}

// The other race: the pack goes between the look into the index and the opening of its file.
TEST_F(LookupTest, FollowsAnObjectWhosePackIsRewrittenMeanwhile) {
  const ObjectId id = put_packed("moves");
  bool repacked = false;
  watch().before = [&](const std::string& step) -> Status {
    if (!repacked && step == "open packs/0000000001.pack") {
      repacked = true;
      repack_elsewhere();
    }
    return {};
  };
  EXPECT_EQ(as_text(read_object(*core_, id, Verify::kContent).value()), "moves");
  EXPECT_TRUE(repacked);
  EXPECT_EQ(location(id).pack, 2);
}

TEST_F(LookupTest, ReadsManyWhosePackIsRewrittenMeanwhile) {
  const Objects objects = put_batch(0, 20);
  std::vector<ObjectId> ids;
  for (const auto& [id, content] : objects) ids.push_back(id);
  once_before_opening("packs/", [&] { repack_elsewhere(); });
  std::size_t read = 0;
  const auto visit = [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
    EXPECT_THAT(content, Succeeds());
    if (content && std::ranges::equal(*content, objects.at(id))) ++read;
    return {};
  };
  ASSERT_THAT(read_many(*core_, ids, visit, {}), Succeeds());
  EXPECT_EQ(read, objects.size());
}

TEST_F(LookupTest, ReportsARowWhosePackIsGoneForGood) {
  const ObjectId id = put_packed("lost");
  std::filesystem::remove(pack_path(1));
  const auto found = open_found(*core_, id);
  ASSERT_THAT(found, FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(found.error().message, HasSubstr("the index says pack 1"));
}

TEST_F(LookupTest, FallsBackToTheLooseCopyOfALostPack) {
  const ObjectId id = put_packed("precious");
  std::filesystem::remove(pack_path(1));
  std::filesystem::create_directory(loose_path(id).parent_path());
  testing::write_file(loose_path(id), "precious");
  EXPECT_EQ(as_text(read_object(*core_, id, Verify::kContent).value()), "precious");
}

// Damage on the packed side takes nothing from a good loose copy, for whoever asks, reads or puts.
TEST_F(LookupTest, FallsBackToTheLooseCopyBehindADamagedRowOrPackHeader) {
  options_.packs.bytes_target = 100;
  const std::vector<std::string> contents = {std::string(200, 'a'), std::string(200, 'b')};
  const std::vector<ObjectId> ids = {put_packed(contents[0]), put_packed(contents[1])};
  for (std::size_t i = 0; i < ids.size(); ++i) make_loose(ids[i], contents[i]);
  ASSERT_EQ(location(ids[0]).pack, 1);
  core_.reset();
  close();
  flip(pack_path(1), 20);
  testing::run_sql(path(), "UPDATE objects SET codec = 9 WHERE id = x'" + ids[1].to_hex() + "'");
  core_ = open_watched();

  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(as_text(read_object(*core_, ids[i], Verify::kContent).value()), contents[i]);
    EXPECT_EQ(ObjectReader::open(*core_, ids[i], {}).value().size(), 200);
    EXPECT_TRUE(has(ids[i]));
    EXPECT_EQ(put(contents[i]), ids[i]);
    EXPECT_THAT(store().begin_batch().value().put(as_bytes(contents[i])), Succeeds());
  }
  std::size_t read = 0;
  const auto visit = [&](const ObjectId&, const Result<ByteView>& content) -> Status {
    EXPECT_THAT(content, Succeeds());
    ++read;
    return {};
  };
  ASSERT_THAT(read_many(*core_, ids, visit, {}), Succeeds());
  EXPECT_EQ(read, 2);
  EXPECT_THAT(find_presence(*core_, ids).value(), ElementsAre(Presence::kPacked, Presence::kLoose));
}

TEST_F(LookupTest, ReportsADamagedRowOrPackHeaderWithoutALooseCopy) {
  const ObjectId id = put_packed("lost");
  close();
  core_.reset();
  flip(pack_path(1), 20);
  core_ = open_watched();
  EXPECT_THAT(open_found(*core_, id), FailsWith(ErrorCode::kCorrupt));
  core_.reset();
  testing::run_sql(path(), "UPDATE objects SET codec = 9");
  core_ = open_watched();
  EXPECT_THAT(open_found(*core_, id), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(locate(*core_, id), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(find_presence(*core_, {{id}}), FailsWith(ErrorCode::kCorrupt));
}

// A writer that never rests must not make a reader spin for ever.
TEST_F(LookupTest, GivesUpWhenThePlaceKeepsChanging) {
  const auto writer = open_core();
  watch().before = [&](const std::string&) -> Status {
    return writer->index->begin_write(index::CommitSync::kLazy).value()->commit();
  };
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  std::filesystem::create_directory(loose_path(absent).parent_path());
  EXPECT_THAT(locate(*core_, absent), FailsWith(ErrorCode::kBusy));
  EXPECT_THAT(open_found(*core_, absent), FailsWith(ErrorCode::kBusy));
}

TEST_F(LookupTest, TellsThePresenceOfEachIdInTheOrderAskedFor) {
  const ObjectId loose = put("loose");
  const ObjectId packed = put_packed("packed");
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  const std::vector<ObjectId> ids = {absent, packed, loose, packed, absent, loose, loose};
  using enum Presence;
  EXPECT_THAT(find_presence(*core_, ids).value(),
              ElementsAre(kAbsent, kPacked, kLoose, kPacked, kAbsent, kLoose, kLoose));
  EXPECT_THAT(find_presence(*core_, {}).value(), ElementsAre());
}

TEST_F(LookupTest, FindsThousandsAmongThousands) {
  const Objects packed = put_batch(0, 3'000, 40);
  const Objects loose = put_loose(10'000, 50, 40);
  std::vector<ObjectId> ids;
  std::vector<Presence> expected;
  for (const auto& [id, content] : packed) {
    ids.push_back(id);
    expected.push_back(Presence::kPacked);
    ids.push_back(ObjectId::of(id.bytes));
    expected.push_back(Presence::kAbsent);
  }
  for (const auto& [id, content] : loose) {
    ids.push_back(id);
    expected.push_back(Presence::kLoose);
  }
  EXPECT_EQ(find_presence(*core_, ids).value(), expected);
}

TEST(CheckSameSize, TakesAnotherSizeUnderOneIdForDamage) {
  const ObjectInfo known{.size = 5};
  EXPECT_THAT(check_same_size(known, 5), Succeeds());
  EXPECT_THAT(check_same_size(known, 6), FailsWith(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace packstore::store
