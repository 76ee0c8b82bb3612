// The native profile on NEON, which every 64-bit Arm processor has: one lane, four streams.
#include "chunking/kernels.h"

#if defined(PACKSTORE_NEON)
#include <arm_neon.h>

#include "chunking/native_streams.h"

namespace packstore::chunking {
namespace {

struct Neon {
  using Register = uint8x16_t;
  static constexpr std::size_t kLanes = 1;

  static Register rows(const std::byte* data, std::size_t) {
    return vld1q_u8(reinterpret_cast<const std::uint8_t*>(data));
  }
  static Register tables(const std::uint8_t* bytes) { return vld1q_u8(bytes); }
  static Register all(std::uint32_t word) { return vreinterpretq_u8_u32(vdupq_n_u32(word)); }

  static Register low_halves(Register bytes) { return vandq_u8(bytes, vdupq_n_u8(15)); }
  static Register high_halves(Register bytes) { return vshrq_n_u8(bytes, 4); }
  static Register look_up(Register table, Register halves) { return vqtbl1q_u8(table, halves); }
  static Register bit_xor(Register a, Register b) { return veorq_u8(a, b); }
  static Register add(Register a, Register b) {
    return vreinterpretq_u8_u32(vaddq_u32(words_of(a), words_of(b)));
  }
  static Register minimum(Register a, Register b) {
    return vreinterpretq_u8_u32(vminq_u32(words_of(a), words_of(b)));
  }

  static Register low_bytes(Register a, Register b) { return vzip1q_u8(a, b); }
  static Register high_bytes(Register a, Register b) { return vzip2q_u8(a, b); }
  static Register low_pairs(Register a, Register b) {
    return vreinterpretq_u8_u16(vzip1q_u16(pairs_of(a), pairs_of(b)));
  }
  static Register high_pairs(Register a, Register b) {
    return vreinterpretq_u8_u16(vzip2q_u16(pairs_of(a), pairs_of(b)));
  }

  static void store(Register words, std::uint32_t* into) { vst1q_u32(into, words_of(words)); }
  static bool any_at_most(Register words, Register limit) {
    return vmaxvq_u32(vcleq_u32(words_of(words), words_of(limit))) != 0;
  }

 private:
  static uint32x4_t words_of(Register bytes) { return vreinterpretq_u32_u8(bytes); }
  static uint16x8_t pairs_of(Register bytes) { return vreinterpretq_u16_u8(bytes); }
};

bool run_native_streams(const StreamTask& task) { return NativeStreams<Neon>(task).run(); }

}  // namespace

const StreamScan kNativeNeon{.streams = NativeStreams<Neon>::kStreams, .run = run_native_streams};

}  // namespace packstore::chunking
#endif
