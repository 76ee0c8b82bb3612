// Results, ids, hexadecimal text, cursors, checked arithmetic, threads of a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_cursor.h"
#include "base/checked_math.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/parallel.h"
#include "packstore/byte_source.h"
#include "packstore/object_id.h"

namespace packstore {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidArgument, "{} is odd", number);
  return number / 2;
}

Result<int> quarter(int number) {
  ASSIGN_OR_RETURN(const int once, half(number));
  return half(once);
}

Status check_even(int number) {
  RETURN_IF_ERROR(half(number));
  return {};
}

TEST(Result, PassesErrorsOnAndValuesThrough) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  EXPECT_TRUE(check_even(2).has_value());
  EXPECT_EQ(check_even(1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(half(1).value_or(7), 7);
}

TEST(Result, ThrowsTheErrorsTextFromValue) {
  try {
    half(3).value();
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "invalid argument: 3 is odd");
  }
  EXPECT_THROW(check_even(3).value(), std::runtime_error);
}

TEST(ErrorCode, HasANameForEachOfItsValues) {
  for (int code = 1; code <= static_cast<int>(ErrorCode::kIo); ++code) {
    EXPECT_NE(to_string(static_cast<ErrorCode>(code)), "unknown") << code;
  }
}

TEST(ObjectId, AcceptsExactly64LowerCaseDigits) {
  const std::string hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  EXPECT_EQ(ObjectId::parse(hex).value().to_hex(), hex);
  std::string upper = hex;
  upper[2] = 'F';
  for (const std::string& bad :
       {std::string(), hex.substr(1), hex + "0", upper, "../" + hex.substr(3),
        hex.substr(0, 2) + "/" + hex.substr(3), hex.substr(0, 63) + std::string(1, '\0')}) {
    const auto id = ObjectId::parse(bad);
    ASSERT_FALSE(id.has_value()) << bad;
    EXPECT_EQ(id.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ObjectId, IsOrderedAsUnsignedBytesAndAsItsText) {
  ObjectId low;
  ObjectId high;
  low.bytes[0] = std::byte{0x7f};
  high.bytes[0] = std::byte{0x80};
  EXPECT_LT(low, high);
  EXPECT_LT(low.to_hex(), high.to_hex());
  EXPECT_EQ(ObjectId::from_bytes(high.bytes).value(), high);
  EXPECT_FALSE(ObjectId::from_bytes(ByteView(high.bytes).first(31)).has_value());
}

TEST(Hex, RoundTripsEveryByteAndRefusesOtherText) {
  Bytes all;
  for (int value = 0; value < 256; ++value) all.push_back(static_cast<std::byte>(value));
  const std::string text = to_hex(all);
  Bytes back(all.size());
  ASSERT_TRUE(from_hex(text, back));
  EXPECT_EQ(back, all);
  std::array<std::byte, 1> one;
  for (const char* bad : {"", "0", "000", "0g", "0A", " 0", "0x"}) {
    EXPECT_FALSE(from_hex(bad, one)) << bad;
  }
  EXPECT_TRUE(is_hex(""));
  EXPECT_FALSE(is_hex("ab/"));
}

TEST(ByteCursor, WritesLittleEndianAndReadsItBack) {
  std::array<std::byte, 15> bytes;
  ByteWriter writer(bytes);
  writer.write<std::uint8_t>(0x01);
  writer.write<std::uint16_t>(0x0203);
  writer.write<std::uint32_t>(0x04050607);
  writer.write<std::uint64_t>(0x08090a0b0c0d0e0f);
  EXPECT_EQ(writer.remaining(), 0);
  EXPECT_EQ(to_hex(bytes), "010302070605040f0e0d0c0b0a0908");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read<std::uint8_t>(), 0x01);
  EXPECT_EQ(reader.read<std::uint16_t>(), 0x0203);
  EXPECT_EQ(reader.read<std::uint32_t>(), 0x04050607);
  EXPECT_EQ(reader.read<std::uint64_t>(), 0x08090a0b0c0d0e0f);
}

TEST(ByteCursorDeathTest, StopsAtABrokenPromiseOfOurs) {
  std::array<std::byte, 3> bytes{};
  EXPECT_DEATH(ByteReader(bytes).read<std::uint32_t>(), "broken promise");
}

TEST(CheckedMath, NeverWraps) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(checked_add<std::uint64_t>(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_add<std::uint64_t>(kMax, 1), std::nullopt);
  EXPECT_TRUE(fits(3, 4, 7));
  EXPECT_TRUE(fits(7, 0, 7));
  EXPECT_FALSE(fits(4, 4, 7));
  EXPECT_FALSE(fits(8, 0, 7));
  EXPECT_FALSE(fits(1, kMax, kMax));
}

TEST(RunOnThreads, RunsEveryWorkerAndReportsTheFirstError) {
  std::atomic<int> ran = 0;
  const Status status = run_on_threads(4, [&](unsigned worker) -> Status {
    ++ran;
    if (worker >= 2) return fail(ErrorCode::kIo, "worker {}", worker);
    return {};
  });
  EXPECT_EQ(ran, 4);
  EXPECT_EQ(status.error().message, "worker 2");
  EXPECT_TRUE(run_on_threads(0, [](unsigned) { return Status(); }).has_value());
}

TEST(RunOnThreads, ThrowsWhatAWorkerHasThrownAfterAllHaveEnded) {
  for (const unsigned thrower : {0U, 1U, 3U}) {
    std::atomic<int> ended = 0;
    std::atomic<bool> has_thrown = false;
    const auto work = [&](unsigned worker) -> Status {
      if (worker == thrower) throw std::runtime_error("thrown");
      has_thrown.wait(false);
      ++ended;
      return {};
    };
    const auto on_throw = [&] {
      has_thrown = true;
      has_thrown.notify_all();
    };
    EXPECT_THROW(static_cast<void>(run_on_threads(4, work, on_throw)), std::runtime_error);
    EXPECT_EQ(ended, 3);
  }
}

// Who divides work into a share for each worker has all of it done, on however few threads.
TEST(RunOnThreads, RunsEveryWorkerOnceOnNoMoreThreadsThanAreOfUse) {
  constexpr unsigned kWorkers = 3 * kThreadsMax;
  std::vector<std::atomic<int>> runs(kWorkers);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto work = [&](unsigned worker) -> Status {
    ++runs[worker];
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    return {};
  };
  EXPECT_TRUE(run_on_threads(kWorkers, work).has_value());
  for (const auto& times : runs) EXPECT_EQ(times, 1);
  EXPECT_LE(threads.size(), kThreadsMax);
}

// std::thread::hardware_concurrency() - 1, where that is 0.
TEST(RunOnShares, TakesEveryItemOnceAndNoMoreSharesThanItems) {
  for (const std::size_t count : {0U, 1U, 5U, 64U, 5000U}) {
    for (const unsigned threads : {0U, 1U, 3U, 64U, std::numeric_limits<unsigned>::max()}) {
      std::vector<std::atomic<int>> taken(count);
      std::atomic<std::size_t> shares = 0;
      ASSERT_TRUE(run_on_shares(threads, count, [&](std::size_t first, std::size_t end) -> Status {
                    ++shares;
                    for (std::size_t i = first; i < end; ++i) ++taken[i];
                    return {};
                  }).has_value());
      EXPECT_TRUE(std::ranges::all_of(taken, [](const auto& times) { return times == 1; }));
      EXPECT_LE(shares, std::max<std::size_t>(count, 1));
      EXPECT_LE(shares, kThreadsMax);
      EXPECT_GE(shares, 1U);
    }
  }
}

TEST(RunOnThreads, TakesTheLargestNumberThereIs) {
  std::atomic<int> left = 1'000;
  const auto work = [&](unsigned) -> Status {
    while (--left >= 0) continue;
    return {};
  };
  EXPECT_TRUE(run_on_threads(std::numeric_limits<unsigned>::max(), work).has_value());
  EXPECT_LT(left, 0);
}

TEST(ViewSource, GivesItsBytesInPiecesAndThenTheEnd) {
  ViewSource source(as_bytes("abcde"));
  std::array<std::byte, 3> part;
  EXPECT_EQ(source.read(part).value(), 3);
  EXPECT_EQ(as_text(part), "abc");
  EXPECT_EQ(source.read(part).value(), 2);
  EXPECT_EQ(source.read(part).value(), 0);
}

}  // namespace
}  // namespace packstore
