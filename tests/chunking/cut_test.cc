// What every scan of every chunker promises. Method: one lane, which the published vectors vouch
// for, is the model; inputs are random, regular, and hostile to one scan or the other.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "chunking/gear_chunker.h"
#include "chunking/scalar_cut.h"
#include "inputs.h"
#include "support/store_scratch.h"

namespace packstore::chunking {
namespace {

using ::packstore::testing::cut_whole;
using ::packstore::testing::sum_of;
using Lengths = std::vector<std::uint32_t>;

struct Variant {
  std::string spec;
  Scan scan;
};

void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.spec << ", " << to_string(variant.scan);
}

std::vector<Variant> every_variant() {
  std::vector<Variant> variants;
  for (const char* spec :
       {"fastcdc:1024", "fastcdc:8192", "fastcdc:16384:level=0", "fastcdc:65536:level=3",
        "fastcdc:1001-7777-20011:level=1:seed=666", "fastcdc:4096-4096-4096", "fastcdc:64-256-500",
        "gear:8192", "gear:1001-7777-20011", "xet", "native:1024", "native:8192",
        "native:16384:level=0", "native:65536:level=3", "native:1001-7777-20011",
        "native:64-256-500", "native:4096-4096-4096"}) {
    for (const Scan scan : scans_for(gear_rule_of(ChunkerSpec::parse(spec).value()))) {
      variants.push_back({spec, scan});
    }
  }
  return variants;
}

std::string name_of(const ::testing::TestParamInfo<Variant>& info) {
  std::string name = info.param.spec + '_' + std::string(to_string(info.param.scan));
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

// Two bytes whose repetition passes the loose mask and not the strict one, where there are some.
Bytes dense_hits(const GearRule& rule, std::size_t size) {
  Bytes bytes(size);
  for (unsigned pair = 0; pair < 65'536; ++pair) {
    std::uint64_t hash = 0;
    for (int i = 0; i < 64; ++i) {
      hash = 2 * hash + rule.table[i % 2 == 0 ? pair % 256 : pair / 256];
    }
    if ((hash & rule.mask_loose) != 0) continue;
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<std::byte>(i % 2 == 0 ? pair % 256 : pair / 256);
    }
    if ((hash & rule.mask_strict) != 0) break;
  }
  return bytes;
}

class Cut : public ::testing::TestWithParam<Variant> {
 protected:
  static constexpr std::size_t kSize = 600'001;

  void expect_cuts_of_one_lane(ByteView data) const {
    Lengths expected;
    cut_in_one_lane(rule_, data, InputEnd::kLast, expected);
    EXPECT_EQ(cut_whole(chunker_, data), expected);
    EXPECT_EQ(sum_of(expected), data.size());
  }

  const GearRule rule_ = gear_rule_of(ChunkerSpec::parse(GetParam().spec).value());
  const GearChunker chunker_{rule_, GetParam().scan};
};

INSTANTIATE_TEST_SUITE_P(Every, Cut, ::testing::ValuesIn(every_variant()), name_of);

TEST_P(Cut, IsThatOfOneLaneOnNoise) {
  const Bytes noise = testing::splitmix64(testing::test_seed(), kSize);
  expect_cuts_of_one_lane(noise);
  // Short ends, and streams at any alignment.
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    const std::size_t from = random() % 5000;
    expect_cuts_of_one_lane(ByteView(noise).subspan(from, random() % (kSize / 4)));
  }
}

TEST_P(Cut, IsThatOfOneLaneOnRegularBytes) {
  expect_cuts_of_one_lane(testing::constant(kSize, 0));
  expect_cuts_of_one_lane(testing::constant(kSize, 255));
  expect_cuts_of_one_lane(testing::ramp(kSize));
  expect_cuts_of_one_lane(testing::text20(kSize));
}

// Repetition keeps the two lanes apart; dense hits overflow the lists of the streams.
TEST_P(Cut, IsThatOfOneLaneOnHostileBytes) {
  for (const std::size_t period : {3U, 100U, 1000U, 5000U, 30'000U, 70'000U}) {
    expect_cuts_of_one_lane(testing::periodic(kSize, period, period));
  }
  expect_cuts_of_one_lane(dense_hits(rule_, kSize));
  Bytes mixed = testing::splitmix64(5, kSize);
  const Bytes dense = dense_hits(rule_, kSize / 3);
  std::copy(dense.begin(), dense.end(), mixed.begin() + kSize / 3);
  expect_cuts_of_one_lane(mixed);
}

TEST_P(Cut, DoesNotDependOnHowTheStreamIsDivided) {
  const std::uint64_t seed = testing::test_seed();
  const Bytes noise = testing::splitmix64(seed, kSize);
  std::mt19937_64 random(seed);
  for (const std::size_t view_bytes_max : {3000U, 100'000U, 500'000U}) {
    Lengths lengths;
    std::size_t covered = 0;
    std::size_t view_end = 0;
    while (covered < noise.size()) {
      view_end = std::min(noise.size(), view_end + 1 + random() % view_bytes_max);
      const InputEnd end = view_end == noise.size() ? InputEnd::kLast : InputEnd::kMore;
      const ByteView view = ByteView(noise).subspan(covered, view_end - covered);
      const std::size_t more = chunker_.cut(view, end, lengths);
      ASSERT_TRUE(more > 0 || view.size() < chunker_.chunk_bytes_max());
      covered += more;
    }
    EXPECT_EQ(lengths, cut_whole(chunker_, noise));
  }
}

TEST_P(Cut, KeepsToTheLimits) {
  const Bytes noise = testing::splitmix64(testing::test_seed(), kSize);
  const Lengths lengths = cut_whole(chunker_, noise);
  EXPECT_EQ(sum_of(lengths), noise.size());
  for (std::size_t i = 0; i + 1 < lengths.size(); ++i) {
    EXPECT_GE(lengths[i] + 1, rule_.bytes_min);  // FastCDC rounds odd sizes down.
    EXPECT_LE(lengths[i], rule_.bytes_max);
  }
  EXPECT_GT(lengths.back(), 0U);
}

TEST_P(Cut, OfNothingIsNothing) {
  EXPECT_EQ(cut_whole(chunker_, {}), Lengths{});
  const Bytes few(rule_.bytes_min - 1);
  Lengths lengths;
  EXPECT_EQ(chunker_.cut(few, InputEnd::kMore, lengths), 0U);
  EXPECT_EQ(lengths, Lengths{});
  EXPECT_EQ(cut_whole(chunker_, few), Lengths{rule_.bytes_min - 1});
}

}  // namespace
}  // namespace packstore::chunking
