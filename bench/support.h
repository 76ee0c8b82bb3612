// What the benchmarks share: content, scratch directories, giving up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/object_id.h"

namespace packstore::bench {

// A directory for one benchmark, removed with the object. It is made in TMPDIR: point that at the
// disk that should be measured.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Incompressible bytes, the same for the same seed.
Bytes random_bytes(std::size_t size, std::uint64_t seed);

// Bytes that compress to about a third: words from a small vocabulary.
Bytes text_bytes(std::size_t size, std::uint64_t seed);

// `count` random contents of `size` bytes.
std::vector<Bytes> random_contents(std::size_t count, std::size_t size, std::uint64_t seed);
std::vector<ByteView> views_of(const std::vector<Bytes>& contents);

// `count` distinct random ids, ascending.
std::vector<ObjectId> random_ids(std::size_t count, std::uint64_t seed);

}  // namespace packstore::bench
