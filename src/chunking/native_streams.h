// The native profile with registers of any width.
//
// A register is made of lanes of 16 bytes, and every instruction used here works within them. A
// lane serves four streams: their four 32-bit hashes.
//
// 1. Load 16 bytes of each stream: four registers, with one row of 16 bytes in each lane.
// 2. Interleave them by byte, twice. A register now holds, in each lane, four bytes of stream 0, 1,
//    2, 3; then the next byte of each, and so on.
// 3. Look up both halves of every byte in tables of 16 entries, one for each byte of a table word;
//    XOR gives the four bytes of the word, in four registers.
// 4. Interleave these by byte, then by 16 bits: four registers of whole words, each of which holds
//    the word of one byte of each stream.
// 5. Four times hash = 2 * hash + word; the minimum of all hashes is kept.
// 6. After the 16 bytes: a minimum that passes the loose mask means that there was a hit in that
//    stream. It is found again byte by byte, from the hash in front of the 16 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "chunking/stream_scan.h"

namespace packstore::chunking {

// `Vector` has a Register and these static members: kLanes; rows(data, stride), the 16 bytes at
// data of the first lane, stride bytes further for the next, and so on; tables(bytes), 16 bytes in
// every lane; all(word), 32 bits everywhere; low_halves, high_halves of bytes; look_up(table,
// halves); bit_xor; add and minimum of 32-bit words, unsigned; low_bytes, high_bytes, low_pairs,
// high_pairs: two lanes' halves interleaved by 8 or 16 bits; store(register, words);
// any_at_most(words, limit).
template <typename Vector>
class NativeStreams {
 public:
  static constexpr std::size_t kStreams = 4 * Vector::kLanes;

  explicit NativeStreams(const StreamTask& task)
      : task_(task),
        loose_max_(static_cast<std::uint32_t>(~task.mask_loose >> 32U)),
        strict_max_(static_cast<std::uint32_t>(~task.mask_strict >> 32U)) {
    for (unsigned plane = 0; plane < 4; ++plane) {
      low_[plane] = plane_of(task.nibbles_low, plane);
      high_[plane] = plane_of(task.nibbles_high, plane);
    }
  }

  bool run() {
    Register hashes = Vector::all(0);
    const Register limit = Vector::all(loose_max_);
    const std::byte* at = task_.data - kWarmBytes;
    for (std::size_t warm = 0; warm < kWarmBytes; warm += kStep) hash_step(at + warm, hashes);
    at = task_.data;
    for (std::size_t offset = 0; offset < task_.stream_bytes; offset += kStep) {
      const Register before = hashes;
      const Register least = hash_step(at + offset, hashes);
      if (Vector::any_at_most(least, limit)) [[unlikely]] {
        if (!add_hits(offset, before, least)) return false;
      }
    }
    return true;
  }

 private:
  using Register = typename Vector::Register;
  static constexpr std::size_t kStep = 16;

  static Register plane_of(const std::uint32_t* words, unsigned plane) {
    std::uint8_t bytes[16];
    for (unsigned i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(words[i] >> 8 * plane);
    return Vector::tables(bytes);
  }

  // Hashes 16 bytes of every stream; the least hash of each.
  [[gnu::always_inline]] inline Register hash_step(const std::byte* at, Register& hashes) const {
    const std::size_t stride = task_.stream_bytes;
    // Lane n has streams 4n to 4n + 3, one in each of four registers.
    const Register row0 = Vector::rows(at, 4 * stride);
    const Register row1 = Vector::rows(at + stride, 4 * stride);
    const Register row2 = Vector::rows(at + 2 * stride, 4 * stride);
    const Register row3 = Vector::rows(at + 3 * stride, 4 * stride);
    const Register even_front = Vector::low_bytes(row0, row2);
    const Register even_back = Vector::high_bytes(row0, row2);
    const Register odd_front = Vector::low_bytes(row1, row3);
    const Register odd_back = Vector::high_bytes(row1, row3);
    Register least = Vector::all(UINT32_MAX);
    hash_four(Vector::low_bytes(even_front, odd_front), hashes, least);
    hash_four(Vector::high_bytes(even_front, odd_front), hashes, least);
    hash_four(Vector::low_bytes(even_back, odd_back), hashes, least);
    hash_four(Vector::high_bytes(even_back, odd_back), hashes, least);
    return least;
  }

  [[gnu::always_inline]] inline void hash_four(Register bytes, Register& hashes,
                                               Register& least) const {
    const Register low = Vector::low_halves(bytes);
    const Register high = Vector::high_halves(bytes);
    const Register byte0 = word_byte(0, low, high);
    const Register byte1 = word_byte(1, low, high);
    const Register byte2 = word_byte(2, low, high);
    const Register byte3 = word_byte(3, low, high);
    const Register lower_front = Vector::low_bytes(byte0, byte1);
    const Register lower_back = Vector::high_bytes(byte0, byte1);
    const Register upper_front = Vector::low_bytes(byte2, byte3);
    const Register upper_back = Vector::high_bytes(byte2, byte3);
    hash_one(Vector::low_pairs(lower_front, upper_front), hashes, least);
    hash_one(Vector::high_pairs(lower_front, upper_front), hashes, least);
    hash_one(Vector::low_pairs(lower_back, upper_back), hashes, least);
    hash_one(Vector::high_pairs(lower_back, upper_back), hashes, least);
  }

  [[gnu::always_inline]] inline Register word_byte(unsigned plane, Register low,
                                                   Register high) const {
    return Vector::bit_xor(Vector::look_up(low_[plane], low), Vector::look_up(high_[plane], high));
  }

  [[gnu::always_inline]] static inline void hash_one(Register words, Register& hashes,
                                                     Register& least) {
    hashes = Vector::add(Vector::add(hashes, hashes), words);
    least = Vector::minimum(least, hashes);
  }

  [[gnu::noinline]] bool add_hits(std::size_t offset, Register before, Register least) const {
    std::uint32_t hashes[kStreams];
    std::uint32_t minima[kStreams];
    Vector::store(before, hashes);
    Vector::store(least, minima);
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      if (minima[stream] > loose_max_) continue;
      if (!add_hits_of(stream, offset, hashes[stream])) return false;
    }
    return true;
  }

  bool add_hits_of(std::size_t stream, std::size_t offset, std::uint32_t hash) const {
    const std::byte* const bytes = task_.data + stream * task_.stream_bytes + offset;
    for (std::size_t i = 0; i < kStep; ++i) {
      hash = 2 * hash +
             static_cast<std::uint32_t>(task_.table[static_cast<unsigned>(bytes[i])] >> 32U);
      if (hash > loose_max_) continue;
      const Hit hit{static_cast<std::uint32_t>(offset + i), true, hash <= strict_max_};
      if (!add_hit(task_, stream, hit)) return false;
    }
    return true;
  }

  const StreamTask task_;
  const std::uint32_t loose_max_;
  const std::uint32_t strict_max_;
  Register low_[4];
  Register high_[4];
};

}  // namespace packstore::chunking
