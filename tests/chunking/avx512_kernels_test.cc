// The kernels for AVX-512, on any processor. Method: SIMDe computes each of their instructions with
// ordinary ones; the cuts must be those of one lane. Compiled where SIMDe is installed.
#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)
#include <immintrin.h>

#include <cstdint>
#include <cstring>

#define SIMDE_ENABLE_NATIVE_ALIASES
#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <simde/x86/avx512.h>

// Two that SIMDe does not have.
inline __mmask32 less_by_hand(simde__m512i a, simde__m512i b) {
  std::uint16_t left[32];
  std::uint16_t right[32];
  std::memcpy(left, &a, sizeof left);
  std::memcpy(right, &b, sizeof right);
  __mmask32 mask = 0;
  for (unsigned i = 0; i < 32; ++i) mask |= static_cast<__mmask32>(left[i] < right[i]) << i;
  return mask;
}
inline __mmask32 no_common_bit_by_hand(simde__m512i a, simde__m512i b) {
  return less_by_hand(simde_mm512_and_si512(a, b), simde_mm512_set1_epi16(1));
}
#undef _mm512_cmplt_epu16_mask
#undef _mm512_testn_epi16_mask
#define _mm512_cmplt_epu16_mask less_by_hand
#define _mm512_testn_epi16_mask no_common_bit_by_hand

// Names of their own beside the kernels of the library.
#define kNativeAvx512 kNativeAvx512ByHand
#define kFastCdcAvx512 kFastCdcAvx512ByHand
#include "chunking/fastcdc_avx512.cc"
#include "chunking/native_avx512.cc"
#pragma GCC diagnostic pop

#include <gtest/gtest.h>

#include "chunking/scalar_cut.h"
#include "chunking/stream_cut.h"
#include "inputs.h"
#include "support/store_scratch.h"

namespace packstore::chunking {
namespace {

void expect_cuts_of_one_lane(const StreamScan& kernel, const char* spec) {
  const GearRule rule = gear_rule_of(ChunkerSpec::parse(spec).value());
  const std::size_t size = 150'001;
  for (const Bytes& data :
       {testing::splitmix64(testing::test_seed(), size), testing::ramp(size), testing::text20(size),
        testing::periodic(size, 5000, 1), testing::constant(size, 0)}) {
    std::vector<std::uint32_t> expected;
    cut_in_one_lane(rule, data, InputEnd::kLast, expected);
    std::vector<std::uint32_t> lengths;
    cut_by_streams(kernel, rule, data, InputEnd::kLast, lengths);
    EXPECT_EQ(lengths, expected) << spec;
  }
}

TEST(Avx512Kernels, CutFastCdcLikeOneLane) {
  for (const char* spec : {"fastcdc:8192", "fastcdc:1001-7777-20011:level=1:seed=666"}) {
    expect_cuts_of_one_lane(kFastCdcAvx512, spec);
  }
}

TEST(Avx512Kernels, CutTheNativeProfileLikeOneLane) {
  for (const char* spec : {"native:8192", "native:1001-7777-20011"}) {
    expect_cuts_of_one_lane(kNativeAvx512, spec);
  }
}

}  // namespace
}  // namespace packstore::chunking
#endif
