// Walking a pack without an index: records tell where they end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/pack_record.h"
#include "index/rows.h"
#include "io/file.h"
#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::store {

struct ScannedRecord {
  format::PackRecord record;
  std::uint64_t offset = 0;

  index::ObjectRow row(std::uint64_t pack) const {
    return {record.id, {pack, offset, record.stored_size, record.size, record.codec}};
  }
};

// Reads the records of [start, end) of one pack, front to back, each with the checksum of its
// stored bytes. Thread safety: one thread at a time.
class PackScanner {
 public:
  // `place.offset` is not used. `file` must outlive the scanner.
  PackScanner(const io::File& file, const format::RecordPlace& place, std::uint64_t start,
              std::uint64_t end);

  // The next whole record; nullopt at the end or where none stands. An error is one of reading.
  Result<std::optional<ScannedRecord>> next();

  // Where it stands: behind the last whole record.
  std::uint64_t offset() const { return offset_; }
  // Why next() gave nothing before the end; empty at the end.
  const std::string& damage() const { return damage_; }

  // Moves on, past damage, to the next place where a whole record begins; false at the end. The
  // place is part of every header's checksum, so a pack inside an object is not mistaken for one.
  Result<bool> skip_damage();

 private:
  Result<std::optional<ScannedRecord>> record_at(std::uint64_t offset);
  Result<ByteView> window(std::uint64_t offset, std::size_t length);

  const io::File& file_;
  format::RecordPlace place_;
  std::uint64_t offset_;
  std::uint64_t end_;
  std::string damage_;
  Bytes buffer_;
  std::uint64_t buffer_start_ = 0;
  std::size_t buffer_size_ = 0;
};

// What the unindexed end of a pack holds.
struct PackTail {
  std::vector<index::ObjectRow> rows;  // Of committed groups, in the order of the file.
  std::uint64_t committed_end = 0;     // Behind the last committed group.
  std::uint64_t file_end = 0;          // Above committed_end: an unfinished or torn group.
};
Result<PackTail> scan_tail(const io::File& file, const format::RecordPlace& place,
                           std::uint64_t start);

// The objects of [start, end of file) whose group was committed and is whole, in the order of the
// file, past damage. Of a group that lost a record nothing is among them: it was never synced, or
// is damaged as a whole.
Result<std::vector<ScannedRecord>> scan_whole_groups(const io::File& file,
                                                     const format::RecordPlace& place,
                                                     std::uint64_t start);

}  // namespace packstore::store
