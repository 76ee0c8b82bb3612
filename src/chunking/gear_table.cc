#include "chunking/gear_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string_view>

#include "base/endian.h"
#include "hash/sha256.h"

namespace packstore::chunking {
namespace {

constexpr std::size_t kMd5BlockBytes = 64;
using Md5Block = std::array<std::byte, kMd5BlockBytes>;
using Md5State = std::array<std::uint32_t, 4>;

// RFC 1321, section 3.4: the integer part of 2^32 times the sine of each step.
std::array<std::uint32_t, 64> md5_constants() {
  std::array<std::uint32_t, 64> constants{};
  for (std::size_t i = 0; i < constants.size(); ++i) {
    const double sine = std::fabs(std::sin(static_cast<double>(i + 1)));
    constants[i] = static_cast<std::uint32_t>(std::ldexp(sine, 32));
  }
  return constants;
}

// RFC 1321, section 3.4. Here because the table of FastCDC is defined by it, and libraries for
// cryptography may refuse MD5; nothing rests on its strength.
void md5_compress(Md5State& state, const Md5Block& block) {
  static const std::array<std::uint32_t, 64> constants = md5_constants();
  constexpr std::array<std::array<int, 4>, 4> kRotations = {
      {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};
  auto [a, b, c, d] = state;
  for (std::uint32_t i = 0; i < 64; ++i) {
    std::uint32_t mixed = 0;
    std::uint32_t word = 0;
    switch (i / 16) {
      case 0:
        mixed = (b & c) | (~b & d), word = i;
        break;
      case 1:
        mixed = (d & b) | (~d & c), word = 5 * i + 1;
        break;
      case 2:
        mixed = b ^ c ^ d, word = 3 * i + 5;
        break;
      default:
        mixed = c ^ (b | ~d), word = 7 * i;
    }
    const std::span<const std::byte, 4> bytes(block.data() + 4 * std::size_t{word % 16}, 4);
    const std::uint32_t sum = a + mixed + constants[i] + load_le<std::uint32_t>(bytes);
    a = d, d = c, c = b;
    b += std::rotl(sum, kRotations[i / 16][i % 4]);
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d};
}

// The MD5 of one block's worth of `byte`: its first 8 bytes as a big-endian number.
std::uint64_t md5_word(std::byte byte) {
  Md5State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  Md5Block block{};
  block.fill(byte);
  md5_compress(state, block);
  // The padding: a set bit, zeros, the length in bits.
  block.fill(std::byte{0});
  block[0] = std::byte{0x80};
  store_le(std::span<std::byte, 8>(block.data() + 56, 8), std::uint64_t{8 * kMd5BlockBytes});
  md5_compress(state, block);

  std::array<std::byte, 8> digest{};
  store_le(std::span(digest).first<4>(), state[0]);
  store_le(std::span(digest).last<4>(), state[1]);
  std::reverse(digest.begin(), digest.end());
  return load_le<std::uint64_t>(digest);
}

// SHA-256(label, secret, index). The three have fixed lengths, so no two tables share an input.
ObjectId derived_bytes(std::string_view label, const ChunkerSecret& secret, std::size_t index) {
  hash::Sha256 sha;
  sha.update(as_bytes(label));
  sha.update(secret);
  const auto byte = static_cast<std::byte>(index);
  sha.update(ByteView(&byte, 1));
  return sha.finish();
}

}  // namespace

const GearTable& md5_gear_table() {
  static const GearTable table = [] {
    GearTable words{};
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = md5_word(static_cast<std::byte>(i));
    return words;
  }();
  return table;
}

GearTable keyed_gear_table(const ChunkerSecret& secret) {
  GearTable words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const ObjectId derived = derived_bytes("packstore gear table 1\n", secret, i);
    words[i] = load_le<std::uint64_t>(std::span(derived.bytes).first<8>());
  }
  return words;
}

NibbleTables native_nibble_tables(const ChunkerSecret& secret) {
  const auto word = [&](std::size_t index) {
    const ObjectId derived = derived_bytes("packstore native table 1\n", secret, index);
    return load_le<std::uint32_t>(std::span(derived.bytes).first<4>());
  };
  NibbleTables tables;
  for (std::size_t i = 0; i < tables.low.size(); ++i) {
    tables.low[i] = word(i);
    tables.high[i] = word(i + tables.low.size());
  }
  return tables;
}

}  // namespace packstore::chunking
