// Walking over the fields of an on-disk structure, bounds checked.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>

#include "base/check.h"
#include "base/endian.h"
#include "packstore/bytes.h"

namespace packstore {

// Reads fields front to back. The caller has checked the length of the whole structure first, so a
// read past the end is a broken promise of ours, not bad data.
class ByteReader {
 public:
  explicit ByteReader(ByteView rest) : rest_(rest) {}

  template <std::unsigned_integral T>
  T read() {
    return load_le<T>(take(sizeof(T)).template first<sizeof(T)>());
  }
  void read(std::span<std::byte> into) {
    const ByteView from = take(into.size());
    std::copy(from.begin(), from.end(), into.begin());
  }
  ByteView take(std::size_t count) {
    PACKSTORE_CHECK(count <= rest_.size());
    const ByteView front = rest_.first(count);
    rest_ = rest_.subspan(count);
    return front;
  }
  std::size_t remaining() const { return rest_.size(); }

 private:
  ByteView rest_;
};

// Writes fields front to back into a buffer of the structure's size.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::byte> rest) : rest_(rest) {}

  template <std::unsigned_integral T>
  void write(T value) {
    store_le<T>(take(sizeof(T)).template first<sizeof(T)>(), value);
  }
  void write(ByteView bytes) {
    const std::span<std::byte> into = take(bytes.size());
    std::copy(bytes.begin(), bytes.end(), into.begin());
  }
  std::size_t remaining() const { return rest_.size(); }

 private:
  std::span<std::byte> take(std::size_t count) {
    PACKSTORE_CHECK(count <= rest_.size());
    const std::span<std::byte> front = rest_.first(count);
    rest_ = rest_.subspan(count);
    return front;
  }

  std::span<std::byte> rest_;
};

}  // namespace packstore
