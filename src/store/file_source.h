// A range of a file as a stream.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <utility>

#include "io/file.h"
#include "packstore/byte_source.h"
#include "packstore/result.h"

namespace packstore::store {

// The bytes [start, start + size) of a file that the caller keeps open. kCorrupt: the file ends
// before the range does. kCancelled: `stop` was triggered.
class FileSource final : public ByteSource {
 public:
  FileSource(const io::File& file, std::uint64_t start, std::uint64_t size,
             std::stop_token stop = {})
      : file_(file), offset_(start), left_(size), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  const io::File& file_;
  std::uint64_t offset_;
  std::uint64_t left_;
  std::stop_token stop_;
};

}  // namespace packstore::store
