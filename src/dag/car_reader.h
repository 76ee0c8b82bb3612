// The blocks of a CAR file, one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dag/source_reader.h"
#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

struct CarBlock {
  Cid cid;
  std::uint64_t offset = 0;  // In the file, of the length in front of it.
  Bytes section = {};        // The CID, then the content.
  std::size_t cid_size = 0;

  ByteView content() const { return ByteView(section).subspan(cid_size); }
};

// Reads versions 1 and 2. Contents are not compared with their names here. Thread safety: one
// thread at a time.
class CarReader {
 public:
  // Reads the header. kCorrupt: no CAR. kUnsupported: a later version.
  static Result<CarReader> open(ByteSource& source);

  std::uint64_t version() const { return version_; }
  const std::vector<Cid>& roots() const { return roots_; }
  std::uint64_t offset() const { return reader_.offset(); }

  // nullopt: the end, or the place where the file breaks off.
  // kCorrupt: no section, or one beyond its limit.
  Result<std::optional<CarBlock>> next();

  // After the end: where the whole blocks end, if there is something behind that is not whole.
  std::optional<std::uint64_t> cut_off_at() const { return cut_off_at_; }

 private:
  // A length in front of something. Absent: at the end; `is_cut`: within it.
  struct Length {
    std::optional<std::uint64_t> value = {};
    bool is_cut = false;
  };

  explicit CarReader(ByteSource& source) : reader_(source) {}

  Result<Length> read_length();
  Result<Bytes> read_header();
  Status enter_version_2();
  std::optional<CarBlock> break_off(std::uint64_t offset);

  SourceReader reader_;
  std::uint64_t version_ = 1;
  std::vector<Cid> roots_;
  std::optional<std::uint64_t> cut_off_at_;
};

}  // namespace packstore::dag
