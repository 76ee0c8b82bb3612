#include "index/rows.h"

#include <gtest/gtest.h>

#include <limits>

#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::FailsWith;
using ::packstore::index::testing::Succeeds;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

ObjectRow with(void (*change)(Location&)) {
  ObjectRow row = testing::row_of(1);
  change(row.at);
  return row;
}

TEST(ObjectRowCheck, AcceptsWhatAPackCanHold) {
  EXPECT_THAT(check(testing::row_of(1)), Succeeds());
  EXPECT_THAT(check(with([](Location& at) { at.pack = kPackMax; })), Succeeds());
  EXPECT_THAT(check(with([](Location& at) { at.offset = kOffsetMax; })), Succeeds());
  EXPECT_THAT(check(with([](Location& at) { at.stored_size = at.size = 0; })), Succeeds());
  EXPECT_THAT(check(with([](Location& at) { at.codec = Codec::kZstd, at.size = 1000; })),
              Succeeds());
}

TEST(ObjectRowCheck, RefusesEachFieldBeyondItsLimit) {
  const ObjectRow broken[] = {
      with([](Location& at) { at.codec = static_cast<Codec>(3); }),
      with([](Location& at) { at.pack = 0; }),
      with([](Location& at) { at.pack = kPackMax + 1; }),
      with([](Location& at) { at.offset = 63; }),
      with([](Location& at) { at.offset = kOffsetMax + 1; }),
      with([](Location& at) { at.codec = Codec::kZlib, at.size = kHuge; }),
      with([](Location& at) { at.codec = Codec::kZlib, at.stored_size = kObjectBytesMax + 1; }),
      with([](Location& at) { at.size = at.stored_size + 1; }),
  };
  for (const ObjectRow& row : broken) EXPECT_THAT(check(row), FailsWith(ErrorCode::kCorrupt));
}

TEST(PackRowCheck, RefusesEachFieldBeyondItsLimit) {
  const PackRow sound{.pack = 1, .state = PackState::kRetired, .indexed_bytes = kOffsetMax};
  EXPECT_THAT(check(sound), Succeeds());
  const PackRow broken[] = {
      {.pack = 0},
      {.pack = kPackMax + 1},
      {.pack = 1, .state = static_cast<PackState>(3)},
      {.pack = 1, .indexed_bytes = kOffsetMax + 1},
      {.pack = 1, .dead_bytes = kHuge},
  };
  for (const PackRow& row : broken) EXPECT_THAT(check(row), FailsWith(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace packstore::index
