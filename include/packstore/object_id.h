// The name of an object: the SHA-256 of its uncompressed content.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "packstore/bytes.h"
#include "packstore/export.h"
#include "packstore/result.h"

namespace packstore {

// A value; 32 bytes, ordered as unsigned bytes. The text form is exactly 64 lower-case hexadecimal
// digits, and nothing else is ever accepted for it: paths are built from ids, so an id is checked
// where it enters.
struct PACKSTORE_EXPORT ObjectId {
  static constexpr std::size_t kSize = 32;
  static constexpr std::size_t kHexSize = 2 * kSize;

  std::array<std::byte, kSize> bytes{};

  // kInvalidArgument: `hex` is not 64 lower-case hexadecimal digits.
  static Result<ObjectId> parse(std::string_view hex);

  // kInvalidArgument: `raw` is not 32 bytes long.
  static Result<ObjectId> from_bytes(ByteView raw);

  // The id that `content` has in every store.
  static ObjectId of(ByteView content);

  std::string to_hex() const;

  friend bool operator==(const ObjectId&, const ObjectId&) = default;
  friend std::strong_ordering operator<=>(const ObjectId& a, const ObjectId& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), kSize) <=> 0;
  }
};

}  // namespace packstore

// An id is already uniformly distributed: its first bytes are the hash.
template <>
struct std::hash<packstore::ObjectId> {
  std::size_t operator()(const packstore::ObjectId& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
