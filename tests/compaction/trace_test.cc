// Page write traces: what is read, and what is refused. Plan text is damaged here in the same way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "base/byte_cursor.h"
#include "packstore/compaction.h"
#include "packstore/simulation.h"

namespace packstore {
namespace {

struct Row {
  std::uint16_t relation = 0;
  std::uint32_t block = 0;
  std::uint32_t length = 0;
};

Bytes make_trace(const std::vector<Row>& rows) {
  const std::string_view description = "{}";
  Bytes trace(8 + 4 + 4 + 8 + 8 + description.size() + rows.size() * 16);
  ByteWriter writer(trace);
  writer.write(as_bytes("PGBLKTR1"));
  writer.write(static_cast<std::uint32_t>(description.size()));
  writer.write(std::uint32_t{0});
  writer.write(std::uint64_t{rows.size()});
  writer.write(std::uint64_t{4242});
  writer.write(as_bytes(description));
  for (const Row& row : rows) writer.write(row.length);  // Steps of LSN: not used.
  for (const Row& row : rows) writer.write(row.relation);
  for (const Row& row : rows) writer.write(row.block);
  for (const Row& row : rows) writer.write(row.length);
  for (std::size_t i = 0; i < 2 * rows.size(); ++i) writer.write(std::uint8_t{0});
  return trace;
}

const std::vector<Row> kRows{{3, 0, 100}, {3, 7, 50}, {60000, 2000, 30}};

TEST(Trace, IsSummedUpByFlush) {
  const WriteHistory history =
      WriteHistory::from_trace(make_trace(kRows), {.name = "tiny", .file_bytes = 120}).value();
  EXPECT_EQ(history.name(), "tiny");
  EXPECT_EQ(history.record_count(), 3U);
  EXPECT_EQ(history.wal_bytes(), 180U);
  EXPECT_EQ(history.flush_count(), 2U);  // A flush ends when it exceeds its size.
}

TEST(Trace, IsRepeatedWhenAsked) {
  const WriteHistory history =
      WriteHistory::from_trace(make_trace(kRows), {.file_bytes = 120, .repeat = 3}).value();
  EXPECT_EQ(history.record_count(), 9U);
  EXPECT_EQ(history.wal_bytes(), 540U);
}

void expect_refused(ByteView trace, const char* why) {
  const Result<WriteHistory> history = WriteHistory::from_trace(trace, {});
  ASSERT_FALSE(history.has_value());
  EXPECT_EQ(history.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(history.error().message, testing::HasSubstr(why));
}

TEST(Trace, IsRefusedWhenItIsNone) {
  expect_refused({}, "a header has 32");
  Bytes trace = make_trace(kRows);
  trace[0] = std::byte{'X'};
  expect_refused(trace, "does not begin with PGBLKTR1");
  trace = make_trace(kRows);
  trace.pop_back();
  expect_refused(trace, "claims 3 rows");
  trace = make_trace(kRows);
  trace[16] = std::byte{255};
  expect_refused(trace, "rows of 16 bytes");
  trace = make_trace(kRows);
  trace[11] = std::byte{255};
  expect_refused(trace, "claims a description");
  expect_refused(make_trace({}), "holds no rows");
  expect_refused(make_trace({{1, 0, 5}, {1, 0, 0}}), "row 1 is a record of 0 bytes");
}

TEST(Trace, IsRefusedWhenItsBlocksAreTooMany) {
  expect_refused(make_trace({{1, 0xFFFFFFFF, 10}}), "blocks, limit");
  // A few rows cannot ask for the memory of a large database.
  expect_refused(make_trace({{1, 1U << 27, 10}}), "blocks, limit 1048576 in all for 1 rows");
}

std::uint64_t seed() {
  const char* given = std::getenv("PACKSTORE_TEST_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

Bytes damaged(Bytes bytes, std::mt19937_64& random) {
  for (std::uint64_t i = 0; i <= random() % 4; ++i) {
    bytes[random() % bytes.size()] = static_cast<std::byte>(random());
  }
  if (random() % 4 == 0) bytes.resize(random() % bytes.size());
  return bytes;
}

TEST(DamagedTrace, IsReadOrRefused) {
  std::mt19937_64 random(seed());
  SCOPED_TRACE(seed());
  const Bytes trace = make_trace(kRows);
  for (int i = 0; i < 500; ++i) {
    const Bytes bad = damaged(trace, random);
    const Result<WriteHistory> history = WriteHistory::from_trace(bad, {});
    if (!history.has_value()) {
      EXPECT_FALSE(history.error().message.empty());
    }
  }
}

TEST(DamagedPlanText, IsReadOrRefused) {
  std::mt19937_64 random(seed());
  SCOPED_TRACE(seed());
  CompactionPlan plan;
  plan.jobs.push_back({.parts = {{.keys = {{0, 1}, {2, 3}}, .inputs = {{1, {{0, 1}, {2, 3}}}}}},
                       .cuts = {.points = {{1, 2}}},
                       .reason = "because"});
  plan.jobs.push_back({.kind = JobKind::kDrop, .after = {0}});
  const std::string text = print_plan(plan);
  const Bytes good(as_bytes(text).begin(), as_bytes(text).end());
  for (int i = 0; i < 5000; ++i) {
    const Bytes bad = damaged(good, random);
    const Result<CompactionPlan> read = parse_plan(as_text(bad));
    // NaN is a number that does not equal itself, so texts are compared, not plans.
    if (read.has_value()) {
      EXPECT_EQ(print_plan(parse_plan(print_plan(*read)).value()), print_plan(*read));
    }
  }
}

}  // namespace
}  // namespace packstore
