// The native profile on AVX-512 (F and BW): four lanes, sixteen streams. Compiled with those flags,
// see stream_scan.h.
#include "chunking/kernels.h"

#if defined(PACKSTORE_AVX512)
#include <immintrin.h>

#include "chunking/native_streams.h"

namespace packstore::chunking {
namespace {

struct Avx512 {
  using Register = __m512i;
  static constexpr std::size_t kLanes = 4;

  static __m128i row(const std::byte* data) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  }
  static Register rows(const std::byte* data, std::size_t stride) {
    Register lanes = _mm512_castsi128_si512(row(data));
    lanes = _mm512_inserti32x4(lanes, row(data + stride), 1);
    lanes = _mm512_inserti32x4(lanes, row(data + 2 * stride), 2);
    return _mm512_inserti32x4(lanes, row(data + 3 * stride), 3);
  }
  static Register tables(const std::uint8_t* bytes) {
    return _mm512_broadcast_i32x4(row(reinterpret_cast<const std::byte*>(bytes)));
  }
  static Register all(std::uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }

  static Register low_halves(Register bytes) {
    return _mm512_and_si512(bytes, _mm512_set1_epi8(15));
  }
  static Register high_halves(Register bytes) { return low_halves(_mm512_srli_epi16(bytes, 4)); }
  static Register look_up(Register table, Register halves) {
    return _mm512_shuffle_epi8(table, halves);
  }
  static Register bit_xor(Register a, Register b) { return _mm512_xor_si512(a, b); }
  static Register add(Register a, Register b) { return _mm512_add_epi32(a, b); }
  static Register minimum(Register a, Register b) { return _mm512_min_epu32(a, b); }

  static Register low_bytes(Register a, Register b) { return _mm512_unpacklo_epi8(a, b); }
  static Register high_bytes(Register a, Register b) { return _mm512_unpackhi_epi8(a, b); }
  static Register low_pairs(Register a, Register b) { return _mm512_unpacklo_epi16(a, b); }
  static Register high_pairs(Register a, Register b) { return _mm512_unpackhi_epi16(a, b); }

  static void store(Register words, std::uint32_t* into) { _mm512_storeu_si512(into, words); }
  static bool any_at_most(Register words, Register limit) {
    return _mm512_cmple_epu32_mask(words, limit) != 0;
  }
};

bool run_native_streams(const StreamTask& task) { return NativeStreams<Avx512>(task).run(); }

}  // namespace

const StreamScan kNativeAvx512{.streams = NativeStreams<Avx512>::kStreams,
                               .run = run_native_streams};

}  // namespace packstore::chunking
#endif
