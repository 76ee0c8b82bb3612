#include "hash/murmur3.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "base/endian.h"

namespace packstore::hash {
namespace {

constexpr std::size_t kBlockSize = 16;
constexpr std::uint64_t kFactor1 = 0x87c37b91114253d5;
constexpr std::uint64_t kFactor2 = 0x4cf5ad432745937f;

std::uint64_t scrambled_low(std::uint64_t word) {
  return std::rotl(word * kFactor1, 31) * kFactor2;
}

std::uint64_t scrambled_high(std::uint64_t word) {
  return std::rotl(word * kFactor2, 33) * kFactor1;
}

// Every bit of the input reaches every bit of the output.
std::uint64_t finished(std::uint64_t word) {
  word = (word ^ word >> 33) * 0xff51afd7ed558ccd;
  word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53;
  return word ^ word >> 33;
}

// Up to 8 bytes as a little-endian number.
std::uint64_t word_of(ByteView bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    word = word << 8 | std::to_integer<std::uint64_t>(bytes[i - 1]);
  }
  return word;
}

}  // namespace

std::uint64_t murmur3(ByteView bytes) {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  ByteView rest = bytes;
  for (; rest.size() >= kBlockSize; rest = rest.subspan(kBlockSize)) {
    low ^= scrambled_low(load_le<std::uint64_t>(rest.first<8>()));
    low = (std::rotl(low, 27) + high) * 5 + 0x52dce729;
    high ^= scrambled_high(load_le<std::uint64_t>(rest.subspan<8, 8>()));
    high = (std::rotl(high, 31) + low) * 5 + 0x38495ab5;
  }
  // Zero scrambles to zero: a half that the end does not reach stays as it is.
  const std::size_t first_half = std::min<std::size_t>(rest.size(), 8);
  high ^= scrambled_high(word_of(rest.subspan(first_half)));
  low ^= scrambled_low(word_of(rest.first(first_half)));

  low ^= bytes.size();
  high ^= bytes.size();
  low += high;
  high += low;
  low = finished(low);
  high = finished(high);
  return low + high;
}

}  // namespace packstore::hash
