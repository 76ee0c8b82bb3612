// FastCDC on AVX-512 (F, BW, VBMI): 64 streams. Compiled with those flags, see stream_scan.h.
//
// The masks of FastCDC lie in the lower 48 bits of the hash, and so do all carries into them.
//
// 1. Load 64 bytes of each stream and transpose them: a register then holds one byte of every
//    stream. Sixteen streams at a time by 32-bit words, then four such groups by lanes.
// 2. Look each byte up in six tables of 256 bytes, one for each byte of a word's lower 48 bits: a
//    permutation reaches 128 entries, two of them and a blend on the top bit all 256.
// 3. Interleave these to 16-bit digits: three for each stream, in registers of 32 streams.
// 4. Double the hash and add the word, digit by digit. A digit that came out smaller than what was
//    added to it has carried; the carry is added to the table's digit above, which is never 0xffff
//    (a table that has one is not for this kernel), so that this sum does not carry itself.
// 5. A stream whose digits have none of the bits that both masks share may have a hit: it is looked
//    at with both masks.
// 6. While it scans, the kernel asks for the next 64 bytes of each stream: 64 streams are too many
//    for the processor to guess.
#include "chunking/kernels.h"

#if defined(PACKSTORE_AVX512)
#include <immintrin.h>

#include "chunking/stream_scan.h"

namespace packstore::chunking {
namespace {

constexpr std::size_t kStreams = 64;
constexpr std::size_t kStep = 64;
constexpr unsigned kPlanes = 6;
constexpr unsigned kDigits = 3;

// One digit of 64 streams, as they come out of interleaving bytes within lanes.
struct Digits {
  __m512i front;
  __m512i back;
};

// The stream of an element of the front (half 0) or back register: lanes of eight.
constexpr std::size_t stream_at(unsigned half, std::size_t element) {
  return element / 8 * 16 + 8 * half + element % 8;
}

class FastCdcStreams {
 public:
  explicit FastCdcStreams(const StreamTask& task)
      : task_(task), common_(task.mask_loose & task.mask_strict) {
    for (unsigned plane = 0; plane < kPlanes; ++plane) {
      alignas(64) std::uint8_t bytes[256];
      for (unsigned i = 0; i < 256; ++i) {
        bytes[i] = static_cast<std::uint8_t>(task.table[i] >> 8 * plane);
      }
      for (unsigned quarter = 0; quarter < 4; ++quarter) {
        tables_[plane][quarter] = _mm512_load_si512(bytes + 64 * quarter);
      }
    }
    for (unsigned digit = 0; digit < kDigits; ++digit) {
      hash_[digit] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
      masks_[digit] = _mm512_set1_epi16(static_cast<short>(common_ >> 16 * digit));
    }
  }

  bool run() {
    transpose(task_.data - kWarmBytes);
    for (std::size_t i = 0; i < kStep; ++i) static_cast<void>(hash_byte(i));
    for (std::size_t offset = 0; offset < task_.stream_bytes; offset += kStep) {
      transpose(task_.data + offset);
      const bool has_next = offset + kStep < task_.stream_bytes;
      const std::byte* const next = task_.data + offset + (has_next ? kStep : 0);
      for (std::size_t i = 0; i < kStep; ++i) {
        _mm_prefetch(reinterpret_cast<const char*>(next + i * task_.stream_bytes), _MM_HINT_T0);
        if (hash_byte(i)) [[unlikely]] {
          if (!add_hits(offset + i)) return false;
        }
      }
    }
    return true;
  }

 private:
  // Sixteen rows of 64 bytes to sixteen columns of 32-bit words, as far as lanes of the columns.
  static void transpose_words(const std::byte* data, std::size_t stride, __m512i (&columns)[16]) {
    __m512i rows[16];
    for (std::size_t i = 0; i < 16; ++i) rows[i] = _mm512_loadu_si512(data + i * stride);
    __m512i pairs[16];
    for (std::size_t i = 0; i < 16; i += 2) {
      pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // quads[4 * g + w]: lane n has word 4n + w of rows 4g to 4g + 3.
    __m512i quads[16];
    for (std::size_t i = 0; i < 16; i += 4) {
      quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
      quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
      quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
      quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    for (std::size_t w = 0; w < 4; ++w) {
      __m512i lanes[4];
      transpose_lanes(quads[w], quads[4 + w], quads[8 + w], quads[12 + w], lanes);
      for (std::size_t n = 0; n < 4; ++n) columns[4 * n + w] = lanes[n];
    }
  }

  // into[n]: lane n of a, b, c and d.
  [[gnu::always_inline]] static inline void transpose_lanes(__m512i a, __m512i b, __m512i c,
                                                            __m512i d, __m512i (&into)[4]) {
    const __m512i front_ab = _mm512_shuffle_i32x4(a, b, 0x44);
    const __m512i back_ab = _mm512_shuffle_i32x4(a, b, 0xee);
    const __m512i front_cd = _mm512_shuffle_i32x4(c, d, 0x44);
    const __m512i back_cd = _mm512_shuffle_i32x4(c, d, 0xee);
    into[0] = _mm512_shuffle_i32x4(front_ab, front_cd, 0x88);
    into[1] = _mm512_shuffle_i32x4(front_ab, front_cd, 0xdd);
    into[2] = _mm512_shuffle_i32x4(back_ab, back_cd, 0x88);
    into[3] = _mm512_shuffle_i32x4(back_ab, back_cd, 0xdd);
  }

  // bytes_[i] becomes byte i of every stream, in their order.
  void transpose(const std::byte* data) {
    // Byte 0 of sixteen words, then byte 1, ...
    alignas(64) static constexpr std::uint8_t kByByte[64] = {
        0, 4, 8,  12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60,  //
        1, 5, 9,  13, 17, 21, 25, 29, 33, 37, 41, 45, 49, 53, 57, 61,  //
        2, 6, 10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58, 62,  //
        3, 7, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47, 51, 55, 59, 63};
    const __m512i by_byte = _mm512_load_si512(kByByte);
    __m512i columns[4][16];
    for (std::size_t group = 0; group < 4; ++group) {
      transpose_words(data + 16 * group * task_.stream_bytes, task_.stream_bytes, columns[group]);
    }
    for (std::size_t word = 0; word < 16; ++word) {
      __m512i bytes[4];
      transpose_lanes(_mm512_permutexvar_epi8(by_byte, columns[0][word]),
                      _mm512_permutexvar_epi8(by_byte, columns[1][word]),
                      _mm512_permutexvar_epi8(by_byte, columns[2][word]),
                      _mm512_permutexvar_epi8(by_byte, columns[3][word]), bytes);
      for (std::size_t i = 0; i < 4; ++i) bytes_[4 * word + i] = bytes[i];
    }
  }

  [[gnu::always_inline]] inline __m512i look_up(unsigned plane, __m512i bytes,
                                                __mmask64 is_upper) const {
    const __m512i(&table)[4] = tables_[plane];
    const __m512i lower = _mm512_permutex2var_epi8(table[0], bytes, table[1]);
    const __m512i upper = _mm512_permutex2var_epi8(table[2], bytes, table[3]);
    return _mm512_mask_blend_epi8(is_upper, lower, upper);
  }

  // Hashes byte i of every stream: may one of them have a hit?
  [[gnu::always_inline]] inline bool hash_byte(std::size_t i) {
    const __m512i bytes = bytes_[i];
    const __mmask64 is_upper = _mm512_movepi8_mask(bytes);
    Digits words[kDigits];
    for (unsigned digit = 0; digit < kDigits; ++digit) {
      const __m512i even = look_up(2 * digit, bytes, is_upper);
      const __m512i odd = look_up(2 * digit + 1, bytes, is_upper);
      words[digit] = {_mm512_unpacklo_epi8(even, odd), _mm512_unpackhi_epi8(even, odd)};
    }
    maybe_front_ = add_word(hash_[0].front, hash_[1].front, hash_[2].front, words[0].front,
                            words[1].front, words[2].front);
    maybe_back_ = add_word(hash_[0].back, hash_[1].back, hash_[2].back, words[0].back,
                           words[1].back, words[2].back);
    return (maybe_front_ | maybe_back_) != 0;
  }

  // Twice a digit, and the top bit of the one below.
  [[gnu::always_inline]] static inline __m512i twice(__m512i digit, __m512i below) {
    return _mm512_or_si512(_mm512_add_epi16(digit, digit), _mm512_srli_epi16(below, 15));
  }

  // hash = 2 * hash + word; the streams without any bit of the common mask.
  [[gnu::always_inline]] inline __mmask32 add_word(__m512i& hash0, __m512i& hash1, __m512i& hash2,
                                                   __m512i word0, __m512i word1, __m512i word2) {
    const __m512i one = _mm512_set1_epi16(1);
    hash2 = twice(hash2, hash1);
    hash1 = twice(hash1, hash0);
    hash0 = _mm512_add_epi16(_mm512_add_epi16(hash0, hash0), word0);
    const __mmask32 carry0 = _mm512_cmplt_epu16_mask(hash0, word0);
    word1 = _mm512_mask_add_epi16(word1, carry0, word1, one);
    hash1 = _mm512_add_epi16(hash1, word1);
    const __mmask32 carry1 = _mm512_cmplt_epu16_mask(hash1, word1);
    word2 = _mm512_mask_add_epi16(word2, carry1, word2, one);
    hash2 = _mm512_add_epi16(hash2, word2);
    const __m512i lower =
        _mm512_or_si512(_mm512_and_si512(hash0, masks_[0]), _mm512_and_si512(hash1, masks_[1]));
    const __m512i bits = _mm512_or_si512(lower, _mm512_and_si512(hash2, masks_[2]));
    return _mm512_testn_epi16_mask(bits, bits);
  }

  [[gnu::noinline]] bool add_hits(std::size_t offset) const {
    for (unsigned half = 0; half < 2; ++half) {
      const __mmask32 maybe = half == 0 ? maybe_front_ : maybe_back_;
      if (maybe == 0) continue;
      alignas(64) std::uint16_t digits[kDigits][32];
      for (unsigned digit = 0; digit < kDigits; ++digit) {
        _mm512_store_si512(digits[digit], half == 0 ? hash_[digit].front : hash_[digit].back);
      }
      for (unsigned element = 0; element < 32; ++element) {
        if ((maybe >> element & 1U) == 0) continue;
        const std::uint64_t hash = std::uint64_t{digits[2][element]} << 32U |
                                   std::uint64_t{digits[1][element]} << 16U | digits[0][element];
        const Hit hit{static_cast<std::uint32_t>(offset), (hash & task_.mask_loose) == 0,
                      (hash & task_.mask_strict) == 0};
        if (!hit.loose && !hit.strict) continue;
        if (!add_hit(task_, stream_at(half, element), hit)) return false;
      }
    }
    return true;
  }

  const StreamTask task_;
  const std::uint64_t common_;
  __m512i tables_[kPlanes][4];
  __m512i masks_[kDigits];
  __m512i bytes_[kStep];
  Digits hash_[kDigits];
  __mmask32 maybe_front_ = 0;
  __mmask32 maybe_back_ = 0;
};

bool run_fastcdc_streams(const StreamTask& task) { return FastCdcStreams(task).run(); }

}  // namespace

const StreamScan kFastCdcAvx512{.streams = kStreams, .run = run_fastcdc_streams};

}  // namespace packstore::chunking
#endif
