#include "dag/multibase.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace packstore::dag {
namespace {

constexpr std::string_view kBase32Digits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBase58Digits =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

// Value of each character; -1 for those that are no digit.
constexpr std::array<int, 256> values_of(std::string_view digits) {
  std::array<int, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<int>(i);
  }
  return values;
}

constexpr std::array<int, 256> kBase32Values = values_of(kBase32Digits);
constexpr std::array<int, 256> kBase58Values = values_of(kBase58Digits);

// A number in another base, least digit first: number = number * factor + addend.
void multiply_add(std::span<std::uint8_t> number, std::size_t& used, std::uint32_t base,
                  std::uint32_t factor, std::uint32_t addend) {
  std::uint32_t carry = addend;
  for (std::size_t i = 0; i < used || carry != 0; ++i) {
    carry += number[i] * factor;
    number[i] = static_cast<std::uint8_t>(carry % base);
    carry /= base;
    used = std::max(used, i + 1);
  }
}

}  // namespace

std::string to_base32(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const std::byte byte : bytes) {
    buffer = (buffer << 8 | std::to_integer<std::uint32_t>(byte)) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text.push_back(kBase32Digits[buffer >> (bits - 5) & 31]);
  }
  if (bits > 0) text.push_back(kBase32Digits[buffer << (5 - bits) & 31]);
  return text;
}

std::optional<Bytes> from_base32(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size() * 5 / 8);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kBase32Values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    buffer = (buffer << 5 | static_cast<std::uint32_t>(value)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>(buffer >> bits));
  }
  // A whole digit left over, or a bit in the rest of the last one.
  if (bits >= 5 || (buffer & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::string to_base58(ByteView bytes) {
  const auto first = std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{0}; });
  const auto zeros = static_cast<std::size_t>(first - bytes.begin());
  // log 256 / log 58 < 1.38.
  std::vector<std::uint8_t> number((bytes.size() - zeros) * 138 / 100 + 1);
  std::size_t used = 0;
  for (const std::byte byte : bytes.subspan(zeros)) {
    multiply_add(number, used, 58, 256, std::to_integer<std::uint32_t>(byte));
  }
  std::string text(zeros, '1');
  while (used > 0) text.push_back(kBase58Digits[number[--used]]);
  return text;
}

std::optional<Bytes> from_base58(std::string_view text) {
  const std::size_t zeros = std::min(text.find_first_not_of('1'), text.size());
  // log 58 / log 256 < 0.74.
  std::vector<std::uint8_t> number((text.size() - zeros) * 74 / 100 + 1);
  std::size_t used = 0;
  for (const char c : text.substr(zeros)) {
    const int value = kBase58Values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    multiply_add(number, used, 256, 58, static_cast<std::uint32_t>(value));
  }
  Bytes bytes(zeros);
  while (used > 0) bytes.push_back(static_cast<std::byte>(number[--used]));
  return bytes;
}

}  // namespace packstore::dag
