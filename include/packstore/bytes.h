// Bytes, owned and borrowed. The whole API speaks std::byte, never char.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace packstore {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

// The characters of `text` as bytes: a loan, valid as long as `text` is.
inline ByteView as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

// The bytes as characters: a loan, valid as long as `bytes` is.
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace packstore
