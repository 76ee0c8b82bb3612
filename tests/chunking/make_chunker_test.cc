#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <random>
#include <unordered_set>

#include "chunking/gear_chunker.h"
#include "hash/xxh3.h"
#include "inputs.h"
#include "packstore/chunker.h"
#include "support/store_scratch.h"

namespace packstore {

inline void PrintTo(ChunkerKind kind, std::ostream* out) { *out << to_string(kind); }

namespace {

using testing::cut_whole;
using ::testing::HasSubstr;

std::unique_ptr<Chunker> chunker_of(const ChunkerSpec& spec) {
  return std::move(make_chunker(spec)).value();
}

using ChunkSet = std::unordered_set<std::uint64_t>;

ChunkSet chunks_of(const Chunker& chunker, ByteView data) {
  ChunkSet chunks;
  for (const std::uint32_t length : cut_whole(chunker, data)) {
    chunks.insert(hash::xxh3(data.first(length)));
    data = data.subspan(length);
  }
  return chunks;
}

// Bytes of `data` in chunks that are among `known_chunks`.
std::size_t shared_bytes(const Chunker& chunker, const ChunkSet& known_chunks, ByteView data) {
  std::size_t shared = 0;
  for (const std::uint32_t length : cut_whole(chunker, data)) {
    if (known_chunks.contains(hash::xxh3(data.first(length)))) shared += length;
    data = data.subspan(length);
  }
  return shared;
}

class Resynchronises : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Every, Resynchronises,
                         ::testing::Values("fastcdc", "native", "gear", "xet", "fastcdc:65536"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), ':', '_');
                           return name;
                         });

// Wherever one byte is inserted into 64 MiB, 99 % of the bytes are in chunks that were there
// before.
TEST_P(Resynchronises, BehindAnInsertedByte) {
  constexpr std::size_t kSize = std::size_t{64} << 20U;
  const std::uint64_t seed = testing::test_seed();
  const Bytes before = testing::splitmix64(seed, kSize);
  const auto chunker = chunker_of(ChunkerSpec::parse(GetParam()).value());
  const ChunkSet known = chunks_of(*chunker, before);
  const std::size_t place = std::mt19937_64(seed)() % kSize;
  for (const std::size_t at : {std::size_t{0}, place}) {
    Bytes after = before;
    after.insert(after.begin() + static_cast<std::ptrdiff_t>(at), std::byte{42});
    EXPECT_GE(shared_bytes(*chunker, known, after), kSize / 100 * 99) << "inserted at " << at;
  }
}

TEST(FixedChunker, CutsEqualPiecesAndTheRest) {
  const auto chunker = chunker_of(ChunkerSpec::fixed(1000));
  EXPECT_EQ(cut_whole(*chunker, Bytes(2500)), (std::vector<std::uint32_t>{1000, 1000, 500}));
  std::vector<std::uint32_t> lengths;
  EXPECT_EQ(chunker->cut(Bytes(2500), InputEnd::kMore, lengths), 2000U);
  EXPECT_EQ(cut_whole(*chunker, {}), std::vector<std::uint32_t>{});
}

TEST(MakeChunker, GivesFastCdcOfSixteenKilobytesAtLevelTwoByDefault) {
  const Bytes noise = testing::splitmix64(3, 4U << 20U);
  const auto by_default = std::move(make_chunker()).value();
  EXPECT_EQ(by_default->chunk_bytes_max(), 65'536U);
  EXPECT_EQ(cut_whole(*by_default, noise),
            cut_whole(*chunker_of(ChunkerSpec::parse("fastcdc:16384:level=2").value()), noise));
}

class Keyed : public ::testing::TestWithParam<ChunkerKind> {};
INSTANTIATE_TEST_SUITE_P(Every, Keyed,
                         ::testing::Values(ChunkerKind::kGear, ChunkerKind::kFastCdc,
                                           ChunkerKind::kNative),
                         [](const auto& instance) {
                           return std::string(to_string(instance.param));
                         });

TEST_P(Keyed, CutsElsewhereForEverySecretAndTheSameForOne) {
  const Bytes noise = testing::splitmix64(3, 4U << 20U);
  ChunkerSpec spec{.kind = GetParam()};
  const auto open = cut_whole(*chunker_of(spec), noise);
  spec.secret = ChunkerSecret{std::byte{1}};
  const auto one = cut_whole(*chunker_of(spec), noise);
  EXPECT_EQ(cut_whole(*chunker_of(spec), noise), one);
  spec.secret = ChunkerSecret{std::byte{2}};
  const auto two = cut_whole(*chunker_of(spec), noise);
  EXPECT_NE(one, open);
  EXPECT_NE(one, two);
  EXPECT_NE(two, open);
}

// Sets PACKSTORE_CHUNKING for one test.
class PinnedScan : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv(kVariable); }

  static Result<std::unique_ptr<Chunker>> make_pinned(const ChunkerSpec& spec, const char* scan) {
    ::setenv(kVariable, scan, 1);
    return make_chunker(spec);
  }

  static constexpr const char* kVariable = "PACKSTORE_CHUNKING";
};

TEST_F(PinnedScan, IsTheOneThatRuns) {
  for (const ChunkerSpec& spec : {ChunkerSpec::fastcdc(8192), ChunkerSpec::native(8192)}) {
    for (const chunking::Scan scan : scans_for(chunking::gear_rule_of(spec))) {
      const auto chunker = make_pinned(spec, std::string(to_string(scan)).c_str());
      ASSERT_TRUE(chunker.has_value()) << chunker.error().message;
      const auto* const gear = dynamic_cast<const chunking::GearChunker*>(chunker->get());
      ASSERT_NE(gear, nullptr);
      EXPECT_EQ(to_string(gear->scan()), to_string(scan));
    }
  }
}

TEST_F(PinnedScan, MustBeOneThatThereIs) {
  const auto unknown = make_pinned({}, "fast");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(unknown.error().message, HasSubstr("PACKSTORE_CHUNKING=fast"));
}

TEST_F(PinnedScan, MustBeOneThatTheChunkerHas) {
  const auto missing = make_pinned(ChunkerSpec::xet(), "avx2");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kUnsupported);
}

TEST(ChunkerSpec, ReadsBackWhatItWrites) {
  for (const char* text :
       {"fixed:4096", "gear:4096-16384-65536:level=2", "gear:8192-65536-131072:level=0",
        "fastcdc:4096-16384-65535:level=1:seed=666", "native:64-256-1000:level=3"}) {
    const auto spec = ChunkerSpec::parse(text);
    ASSERT_TRUE(spec.has_value()) << spec.error().message;
    EXPECT_EQ(spec->to_text(), text);
  }
  EXPECT_EQ(ChunkerSpec::parse("fastcdc").value(), ChunkerSpec{});
  EXPECT_EQ(ChunkerSpec::parse("native:8192").value(), ChunkerSpec::native(8192));
  EXPECT_EQ(ChunkerSpec::parse("xet").value(), ChunkerSpec::xet());
  EXPECT_EQ(ChunkerSpec::parse(ChunkerSpec::xet().to_text()).value(), ChunkerSpec::xet());
}

TEST(ChunkerSpec, DoesNotWriteASecretAndDoesNotReadAroundIt) {
  ChunkerSpec spec;
  spec.secret = ChunkerSecret{std::byte{1}};
  EXPECT_THAT(spec.to_text(), ::testing::EndsWith(":keyed"));
  EXPECT_FALSE(ChunkerSpec::parse(spec.to_text()).has_value());
}

TEST(ChunkerSpec, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "rabin", "fastcdc:", "fastcdc:x", "fastcdc:4096-16384", "fastcdc::",
                           "fastcdc:1-2-3-4", "fastcdc:16384:level=", "fastcdc:16384:speed=1",
                           "fastcdc:99999999999", "fastcdc:-5", "xet:4096"}) {
    const auto spec = ChunkerSpec::parse(text);
    ASSERT_FALSE(spec.has_value()) << text;
    EXPECT_EQ(spec.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

struct Refusal {
  ChunkerSpec spec;
  const char* message;
};

TEST(ChunkerSpec, NamesTheFieldTheValueAndTheLimit) {
  const std::vector<Refusal> refusals = {
      {{.bytes_min = 63}, "fastcdc: bytes_min is 63, needs 64 to 16384"},
      {{.bytes_min = 16'385}, "bytes_min is 16385, needs 64 to 16384"},
      {{.bytes_min = 64, .bytes_average = 255}, "bytes_average is 255, needs 256 to 4194304"},
      {{.bytes_max = 16'383}, "bytes_max is 16383, needs 16384 to 16777216"},
      {{.bytes_max = (16U << 20U) + 1}, "bytes_max is 16777217, needs 16384 to 16777216"},
      {{.normalisation = 4}, "normalisation is 4, needs 0 to 3"},
      {{.kind = ChunkerKind::kNative, .seed = 1}, "native: seed is 1, only fastcdc"},
      {{.kind = ChunkerKind::kFixed}, "fixed: bytes_min is 4096, needs 16384 to 16384"},
      {{.kind = ChunkerKind{9}}, "chunker kind 9 is not known"},
      {ChunkerSpec::fixed(0), "fixed: bytes_average is 0, needs 64 to 16777216"},
      {ChunkerSpec::fixed(63), "fixed: bytes_average is 63, needs 64 to 16777216"},
  };
  for (const Refusal& refusal : refusals) {
    const auto made = make_chunker(refusal.spec);
    ASSERT_FALSE(made.has_value()) << refusal.message;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(made.error().message, HasSubstr(refusal.message));
  }
}

}  // namespace
}  // namespace packstore
