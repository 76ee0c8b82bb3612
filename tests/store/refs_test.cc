#include "packstore/refs.h"

#include <gmock/gmock.h>

#include "store/ref_moves.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RefName, HasLettersDigitsAndSomePunctuationInSegments) {
  for (const std::string& name :
       {std::string("a"), std::string("heads/main"), std::string("a.b_c-d+e@f=g/..h/i.."),
        std::string("..."), std::string(255, 'n')}) {
    EXPECT_THAT(check_ref_name(name), Succeeds()) << name;
  }
}

TEST(RefName, HasNoOtherForm) {
  for (const std::string& name :
       {std::string(), std::string(256, 'n'), std::string("/"), std::string("/a"),
        std::string("a/"), std::string("a//b"), std::string("."), std::string(".."),
        std::string("a/../b"), std::string("a/."), std::string("a b"), std::string("a\n"),
        std::string("a\0b", 3), std::string("a\\b"), std::string("\xc3\xa4"), std::string("a*"),
        std::string("a%"), std::string("'")}) {
    EXPECT_THAT(check_ref_name(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
}

class RefsTest : public StoreFixture {
 protected:
  std::vector<std::string> names(std::string_view prefix = "") {
    std::vector<std::string> found;
    for (const Ref& ref : store().refs().list(prefix).value()) found.push_back(ref.name);
    return found;
  }
  Status move(std::string_view name, std::optional<ObjectId> from, std::optional<ObjectId> to) {
    return store().refs().move(name, {.from = from, .to = to});
  }
  std::optional<ObjectId> find(std::string_view name) { return store().refs().find(name).value(); }

  ObjectId one_ = put("one");
  ObjectId two_ = put_packed("two");
  const ObjectId absent_ = ObjectId::of(as_bytes("absent"));
};

TEST_F(RefsTest, CarryTheKindOfTheirTargetThroughBackupAndRecovery) {
  const auto kind_in = [](const Store& where) { return where.refs().list().value().at(0).kind; };
  ASSERT_THAT(store().refs().move("tree", {.to = one_, .kind = NodeKind::kDagCbor}), Succeeds());
  EXPECT_EQ(kind_in(store()), NodeKind::kDagCbor);
  // The same target as another kind is a move as well.
  ASSERT_THAT(store().refs().move("tree", {.from = one_, .to = one_, .kind = NodeKind::kDagPb}),
              Succeeds());
  EXPECT_EQ(kind_in(store()), NodeKind::kDagPb);
  ASSERT_THAT(store().backup(scratch_ / "backup"), Succeeds());
  EXPECT_EQ(kind_in(Store::open(scratch_ / "backup").value()), NodeKind::kDagPb);
  close();
  ASSERT_THAT(Store::recover(path()), Succeeds());
  EXPECT_EQ(kind_in(store()), NodeKind::kDagPb);
}

TEST_F(RefsTest, DereferenceDropsTheRootWhereverItIs) {
  ASSERT_THAT(move("head", std::nullopt, one_), Succeeds());
  EXPECT_EQ(store().refs().dereference("head").value(), one_);
  EXPECT_EQ(find("head"), std::nullopt);
  EXPECT_TRUE(has(one_));
  EXPECT_EQ(store().refs().dereference("head").value(), std::nullopt);
  EXPECT_THAT(store().refs().dereference("a b"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(RefsTest, AreCreatedMovedAndDeletedByTheSameCall) {
  EXPECT_EQ(find("head"), std::nullopt);
  ASSERT_THAT(move("head", std::nullopt, one_), Succeeds());
  EXPECT_EQ(find("head"), one_);
  ASSERT_THAT(move("head", one_, two_), Succeeds());
  EXPECT_EQ(find("head"), two_);
  ASSERT_THAT(move("head", two_, std::nullopt), Succeeds());
  EXPECT_EQ(find("head"), std::nullopt);
  EXPECT_THAT(move("head", std::nullopt, std::nullopt), Succeeds());
}

TEST_F(RefsTest, MoveOnlyFromWhereTheyAre) {
  ASSERT_THAT(move("head", std::nullopt, one_), Succeeds());
  const Status late = move("head", std::nullopt, two_);
  ASSERT_THAT(late, FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(late.error().message, HasSubstr(one_.to_hex()));
  EXPECT_THAT(move("head", two_, std::nullopt), FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(move("tail", one_, two_), FailsWith(ErrorCode::kConflict));
  EXPECT_EQ(find("head"), one_);
  EXPECT_EQ(find("tail"), std::nullopt);
}

// I6: a ref only moves to an object that is present.
TEST_F(RefsTest, MoveOnlyToWhatIsThere) {
  ASSERT_THAT(move("head", std::nullopt, one_), Succeeds());
  EXPECT_THAT(move("head", one_, absent_), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(move("tail", std::nullopt, absent_), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(find("head"), one_);
  EXPECT_EQ(find("tail"), std::nullopt);
}

TEST_F(RefsTest, MakeABufferedTargetDurableBeforeTheyMoveToIt) {
  const ObjectId id = put("buffered", {.durability = Durability::kBuffered});
  ASSERT_THAT(move("head", std::nullopt, id), Succeeds());
  EXPECT_TRUE(open_other().contains(id).value());
}

TEST_F(RefsTest, SyncTheNameOfALooseTargetBeforeTheyMoveToIt) {
  const auto core = open_watched();
  auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
  ASSERT_THAT(apply_ref_move(*core, *transaction, "head", {.from = std::nullopt, .to = one_}),
              Succeeds());
  EXPECT_THAT(watch().take_log(),
              ::testing::Contains("sync loose/" + one_.to_hex().substr(0, 2) + "/"));
}

TEST_F(RefsTest, CallOffTheUnlinkOfACrashedRemoval) {
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    ASSERT_THAT(transaction->add_pending_unlink(one_), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  ASSERT_THAT(move("head", std::nullopt, one_), Succeeds());
  reopen();
  static_cast<void>(lock());
  EXPECT_EQ(text_of(one_), "one");
}

TEST_F(RefsTest, AreThereForEverybodyAndAfterReopening) {
  ASSERT_THAT(move("head", std::nullopt, one_), Succeeds());
  EXPECT_EQ(open_other().refs().find("head").value(), one_);
  reopen();
  EXPECT_EQ(find("head"), one_);
}

TEST_F(RefsTest, AreListedByNameFromAPrefixOn) {
  for (const char* name : {"b/2", "a", "b/1", "b", "c/1", "b0", "a_x", "aXx"}) {
    ASSERT_THAT(move(name, std::nullopt, one_), Succeeds());
  }
  EXPECT_THAT(names(), ElementsAre("a", "aXx", "a_x", "b", "b/1", "b/2", "b0", "c/1"));
  EXPECT_THAT(names("b/"), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(names("a_"), ElementsAre("a_x"));
  EXPECT_THAT(names("%"), ElementsAre());
  EXPECT_THAT(names("d"), ElementsAre());
  EXPECT_EQ(store().refs().list("c").value().at(0).id, one_);
}

// Once in the index, it would make every call that reads refs call the index damaged.
TEST_F(RefsTest, RefuseAKindOfNodeThatNobodyKnows) {
  constexpr NodeKind kUnknown{0x129};
  EXPECT_THAT(store().refs().move("head", {.to = one_, .kind = kUnknown}),
              FailsWith(ErrorCode::kInvalidArgument));
  Batch batch = store().begin_batch().value();
  EXPECT_THAT(batch.move_ref("head", {.to = one_, .kind = kUnknown}),
              FailsWith(ErrorCode::kInvalidArgument));
  Pin pin = store().pin().value();
  EXPECT_THAT(pin.add(Link{.id = one_, .kind = kUnknown}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(batch.commit(), Succeeds());
  EXPECT_EQ(find("head"), std::nullopt);
}

TEST_F(RefsTest, RefuseBadNamesInEveryCall) {
  EXPECT_THAT(store().refs().find("../x"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(move("../x", std::nullopt, one_), FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace packstore::store
