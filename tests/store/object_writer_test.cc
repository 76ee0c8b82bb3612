#include <gmock/gmock.h>

#include "packstore/object.h"
#include "store_fixture.h"
#include "support/child_process.h"

namespace packstore::store {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

class ObjectWriterTest : public StoreFixture {
 protected:
  void SetUp() override { core_ = open_watched(); }
  void TearDown() override { core_.reset(); }

  ObjectWriter begin() { return ObjectWriter::begin(*core_).value(); }

  std::unique_ptr<StoreCore> core_;
};

TEST_F(ObjectWriterTest, GivesPiecesTheNameOfTheWhole) {
  ObjectWriter writer = begin();
  for (const char* piece : {"one, ", "", "two, ", "three"}) {
    ASSERT_THAT(writer.write(as_bytes(piece)), Succeeds());
  }
  EXPECT_EQ(writer.finish().value(), ObjectId::of(as_bytes("one, two, three")));
  EXPECT_EQ(text_of(ObjectId::of(as_bytes("one, two, three"))), "one, two, three");
  EXPECT_EQ(begin().finish().value(), ObjectId::of({}));
  EXPECT_EQ(text_of(ObjectId::of({})), "");
}

TEST_F(ObjectWriterTest, ShowsNothingBeforeItsFinish) {
  ObjectWriter writer = begin();
  ASSERT_THAT(writer.write(as_bytes("text")), Succeeds());
  EXPECT_FALSE(has(ObjectId::of(as_bytes("text"))));
  EXPECT_THAT(store(), IsSpotless());
  ASSERT_THAT(writer.finish(), Succeeds());
  EXPECT_TRUE(is_loose(ObjectId::of(as_bytes("text"))));
}

TEST_F(ObjectWriterTest, LeavesNothingWhenItIsDropped) {
  {
    ObjectWriter writer = begin();
    ASSERT_THAT(writer.write(as_bytes("text")), Succeeds());
    EXPECT_EQ(count_files("sandbox"), 1);
  }
  EXPECT_EQ(count_files("sandbox"), 0);
  EXPECT_FALSE(has(ObjectId::of(as_bytes("text"))));
}

TEST_F(ObjectWriterTest, LeavesALeftoverForTheCleanerWhenItsProcessDies) {
  core_.reset();
  testing::ChildProcess child([&] {
    Store own = Store::open(path()).value();
    ObjectWriter writer = own.begin_put().value();
    if (!writer.write(as_bytes("half"))) return 1;
    ::_exit(0);
  });
  ASSERT_EQ(child.wait(), 0);
  EXPECT_EQ(count_files("sandbox"), 1);
  EXPECT_THAT(store(), IsUndamaged());
  EXPECT_EQ(lock().clean().value().sandbox_files, 1);
  EXPECT_EQ(count_files("sandbox"), 0);
}

TEST_F(ObjectWriterTest, IsUsedUpByItsFinish) {
  ObjectWriter writer = begin();
  ASSERT_THAT(writer.finish(), Succeeds());
  EXPECT_THAT(writer.write(as_bytes("late")), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(writer.finish(), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ObjectWriterTest, GivesTheSameErrorForEverAfterOne) {
  for (const char* step : {"write sandbox/", "sync sandbox/"}) {
    ObjectWriter writer = begin();
    watch().fail_at(step, ErrorCode::kNoSpace);
    const Status written = writer.write(as_bytes("text"));
    EXPECT_THAT(writer.finish(), FailsWith(ErrorCode::kNoSpace));
    watch().before = nullptr;
    EXPECT_THAT(writer.write(as_bytes("more")), FailsWith(ErrorCode::kNoSpace));
    EXPECT_THAT(writer.finish(), FailsWith(ErrorCode::kNoSpace));
    if (!written) {
      EXPECT_THAT(written, FailsWith(ErrorCode::kNoSpace));
    }
    EXPECT_FALSE(has(ObjectId::of(as_bytes("text"))));
  }
  EXPECT_EQ(count_files("sandbox"), 0);
}

TEST_F(ObjectWriterTest, DropsTheContentOfADuplicate) {
  const ObjectId packed = put_packed("packed");
  ObjectWriter writer = begin();
  ASSERT_THAT(writer.write(as_bytes("packed")), Succeeds());
  EXPECT_EQ(writer.finish().value(), packed);
  EXPECT_FALSE(is_loose(packed));
  EXPECT_EQ(count_files("sandbox"), 0);
  EXPECT_THAT(watch().take_log(), Not(Contains(StartsWith("rename"))));
}

TEST_F(ObjectWriterTest, MayBeManyAtOnceWithTheSameContent) {
  ObjectWriter one = begin();
  ObjectWriter two = begin();
  ASSERT_THAT(one.write(as_bytes("text")), Succeeds());
  ASSERT_THAT(two.write(as_bytes("text")), Succeeds());
  EXPECT_EQ(one.finish().value(), two.finish().value());
  EXPECT_EQ(store().stats().value().loose_objects, 1);
}

}  // namespace
}  // namespace packstore::store
