// Content of every kind that compressors treat differently.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"

namespace packstore::codec {

struct Content {
  std::string name;
  Bytes bytes;
};

inline Bytes to_bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

inline Bytes random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// Words of a small vocabulary: compresses to about a quarter.
inline Bytes text_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> words(500);
  for (std::string& word : words) {
    for (auto i = 2 + random() % 8; i > 0; --i) {
      word += static_cast<char>('a' + random() % 26);
    }
  }
  std::string text;
  while (text.size() < size) text += words[random() % words.size()] + ' ';
  return to_bytes(std::string_view(text).substr(0, size));
}

// Stretches of text and of random bytes, `size` of it.
inline Bytes mixed_bytes(std::size_t size, std::uint32_t seed) {
  Bytes mixed;
  for (std::uint32_t i = seed; mixed.size() < size; ++i) {
    const Bytes piece = i % 2 == 0 ? text_bytes(40'000, i) : random_bytes(9'000, i);
    mixed.insert(mixed.end(), piece.begin(), piece.end());
  }
  mixed.resize(size);
  return mixed;
}

inline const std::vector<Content>& small_contents() {
  static const std::vector<Content> contents = {
      {"empty", {}},
      {"one byte", to_bytes("x")},
      {"short text", to_bytes("immutable, immutable")},
      {"text", text_bytes(150'000, 1)},
      {"random", random_bytes(150'000, 2)},
      {"zeros", Bytes(150'000)},
  };
  return contents;
}

inline constexpr std::size_t kLargeBytes = 3 * 1024 * 1024;

}  // namespace packstore::codec
