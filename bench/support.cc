#include "support.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string_view>

namespace packstore::bench {

ScratchDirectory::ScratchDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "packstore-bench-").string();
  path += std::string(6, 'X');
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
  path_ = path;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

Bytes text_bytes(std::size_t size, std::uint64_t seed) {
  constexpr std::array<std::string_view, 16> kWords{
      "object ", "store ", "pack ", "record ",  "index ", "sandbox ", "the ", "of ",
      "and ",    "bytes ", "name ", "durable ", "hash ",  "reader ",  "a ",   "writer\n"};
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < size) text += kWords[random() % kWords.size()];
  const ByteView view = as_bytes(text);
  return {view.begin(), view.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::vector<Bytes> random_contents(std::size_t count, std::size_t size, std::uint64_t seed) {
  std::vector<Bytes> contents;
  contents.reserve(count);
  for (std::size_t i = 0; i < count; ++i) contents.push_back(random_bytes(size, seed + i));
  return contents;
}

std::vector<ByteView> views_of(const std::vector<Bytes>& contents) {
  return {contents.begin(), contents.end()};
}

std::vector<ObjectId> random_ids(std::size_t count, std::uint64_t seed) {
  const Bytes bytes = random_bytes(count * ObjectId::kSize, seed);
  std::vector<ObjectId> ids(count);
  std::memcpy(ids.data(), bytes.data(), bytes.size());
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace packstore::bench
