// The native profile on AVX2: two lanes, eight streams. Compiled with -mavx2, see stream_scan.h.
#include "chunking/kernels.h"

#if defined(PACKSTORE_AVX2)
#include <immintrin.h>

#include "chunking/native_streams.h"

namespace packstore::chunking {
namespace {

struct Avx2 {
  using Register = __m256i;
  static constexpr std::size_t kLanes = 2;

  static __m128i row(const std::byte* data) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  }
  static Register rows(const std::byte* data, std::size_t stride) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(row(data)), row(data + stride), 1);
  }
  static Register tables(const std::uint8_t* bytes) {
    return _mm256_broadcastsi128_si256(row(reinterpret_cast<const std::byte*>(bytes)));
  }
  static Register all(std::uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }

  static Register low_halves(Register bytes) {
    return _mm256_and_si256(bytes, _mm256_set1_epi8(15));
  }
  static Register high_halves(Register bytes) { return low_halves(_mm256_srli_epi16(bytes, 4)); }
  static Register look_up(Register table, Register halves) {
    return _mm256_shuffle_epi8(table, halves);
  }
  static Register bit_xor(Register a, Register b) { return _mm256_xor_si256(a, b); }
  static Register add(Register a, Register b) { return _mm256_add_epi32(a, b); }
  static Register minimum(Register a, Register b) { return _mm256_min_epu32(a, b); }

  static Register low_bytes(Register a, Register b) { return _mm256_unpacklo_epi8(a, b); }
  static Register high_bytes(Register a, Register b) { return _mm256_unpackhi_epi8(a, b); }
  static Register low_pairs(Register a, Register b) { return _mm256_unpacklo_epi16(a, b); }
  static Register high_pairs(Register a, Register b) { return _mm256_unpackhi_epi16(a, b); }

  static void store(Register words, std::uint32_t* into) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(into), words);
  }
  static bool any_at_most(Register words, Register limit) {
    const Register lesser = _mm256_min_epu32(words, limit);
    return _mm256_movemask_epi8(_mm256_cmpeq_epi32(lesser, words)) != 0;
  }
};

bool run_native_streams(const StreamTask& task) { return NativeStreams<Avx2>(task).run(); }

}  // namespace

const StreamScan kNativeAvx2{.streams = NativeStreams<Avx2>::kStreams, .run = run_native_streams};

}  // namespace packstore::chunking
#endif
