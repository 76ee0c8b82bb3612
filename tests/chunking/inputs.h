// Bytes that tests of chunkers cut: the synthetic inputs that the published vectors name, and
// others that are hard in one way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string_view>
#include <vector>

#include "packstore/chunker.h"

namespace packstore::testing {

// SplitMix64 from state `seed`, words little-endian.
inline Bytes splitmix64(std::uint64_t seed, std::size_t size) {
  Bytes bytes(size);
  std::byte* const into = bytes.data();
  for (std::size_t at = 0; at < size; at += 8) {
    std::uint64_t word = (seed += 0x9E3779B97F4A7C15);
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
    word ^= word >> 31;
    std::memcpy(into + at, &word, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

inline Bytes constant(std::size_t size, unsigned value) {
  return Bytes(size, static_cast<std::byte>(value));
}

inline Bytes ramp(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

// Text of 20 different characters.
inline Bytes text20(std::size_t size) {
  constexpr std::string_view kCharacters = "etaoin shrdlu\ncmfwyp";
  Bytes bytes = splitmix64(7, size);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(kCharacters[std::to_integer<std::size_t>(byte) % 20]);
  }
  return bytes;
}

// `period` random bytes again and again: whatever hits, hits in every period.
inline Bytes periodic(std::size_t size, std::size_t period, std::uint64_t seed) {
  const Bytes pattern = splitmix64(seed, period);
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = pattern[i % period];
  return bytes;
}

inline std::size_t sum_of(const std::vector<std::uint32_t>& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
}

// All chunks of `data`, in one call.
inline std::vector<std::uint32_t> cut_whole(const Chunker& chunker, ByteView data) {
  std::vector<std::uint32_t> lengths;
  chunker.cut(data, InputEnd::kLast, lengths);
  return lengths;
}

}  // namespace packstore::testing
