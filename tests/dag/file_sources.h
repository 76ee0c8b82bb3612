// Where the tests of files get their content from, and what they check it against.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/file.h"

namespace packstore::testing {

// Incompressible, the same for the same seed.
inline Bytes noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    for (std::size_t j = i; j < std::min(size, i + 8); ++j) {
      bytes[j] = static_cast<std::byte>(word >> (8 * (j - i)));
    }
  }
  return bytes;
}

// Gives its bytes in pieces of every length, and then an error where one is wanted.
class UnevenSource final : public ByteSource {
 public:
  explicit UnevenSource(ByteView rest, std::optional<Error> ends_with = std::nullopt)
      : rest_(rest), ends_with_(std::move(ends_with)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (rest_.empty() && ends_with_) return *ends_with_;
    const std::size_t piece = 1 + (++reads_ * 7919) % 100'000;
    const std::size_t count = std::min({into.size(), rest_.size(), piece});
    std::copy_n(rest_.begin(), count, into.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  ByteView rest_;
  std::optional<Error> ends_with_;
  std::size_t reads_ = 0;
};

// Claims to have read more than there is room for.
class BoastingSource final : public ByteSource {
 public:
  Result<std::size_t> read(std::span<std::byte> into) override {
    std::ranges::fill(into, std::byte{});
    return into.size() + 1;
  }
};

inline FileRoot write_bytes(BlockStore& blocks, ByteView content,
                            const WriteFileOptions& options = {}) {
  ViewSource source(content);
  return write_file(blocks, source, options).value();
}

inline Bytes read_all(FileReader& reader, std::size_t piece) {
  Bytes all;
  Bytes buffer(piece);
  while (true) {
    const std::size_t count = reader.read(buffer).value();
    if (count == 0) return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

inline FileProfile profile(std::string_view name) { return FileProfile::named(name).value(); }

// Small chunks and narrow nodes: a deep tree over little content.
inline FileProfile narrow_profile(std::string_view name = "native") {
  FileProfile narrow = profile(name);
  narrow.width = 3;
  narrow.chunker = ChunkerSpec::fastcdc(512);
  return narrow;
}

}  // namespace packstore::testing
