// Comparing records with their index rows, and what lies between them with what may lie there.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "format/pack_record.h"
#include "index/rows.h"
#include "packstore/bytes.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "packstore/validate.h"
#include "store/pack_files.h"
#include "store/page_buffer.h"
#include "store/validate_run.h"

namespace packstore::store {

// An extent of this length with at least so many rows is long enough: it stays in the second-level
// cache, so that hashing finds the bytes where reading left them.
inline constexpr std::uint64_t kExtentBytesGood = 512 << 10;
inline constexpr std::size_t kExtentRowsGood = 16;
// Fewer and longer records share an extent up to this length, because 16 are hashed side by side at
// twice the speed of one by one: 16 of 1 MiB, with their headers. A longer extent is one record, or
// one gap. Many threads share what three may take, so that memory stays below 64 MiB.
inline constexpr std::uint64_t kExtentBytesMax = (16 << 20) + (4 << 10);
inline std::uint64_t extent_bytes_max(unsigned threads) {
  return std::clamp(3 * kExtentBytesMax / std::max(threads, 1U), kExtentBytesGood, kExtentBytesMax);
}
inline constexpr std::size_t kExtentRowsMax = 4096;

struct ByteRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;

  std::uint64_t size() const { return end - start; }
};

// Hears of bytes that were gone through; its error ends the call.
using BytesVisitor = std::function<Status(std::uint64_t bytes)>;

// What lies between the records that rows point at.
struct GapScan {
  std::uint64_t dead_bytes = 0;    // In whole records of objects. Commit records are not dead.
  std::vector<ByteRange> damaged;  // Anything else.
};
// Hears of each whole record of an object in a gap; its error ends the call.
using DeadRecordVisitor = std::function<Status(const index::ObjectRow& row)>;
Result<GapScan> scan_gap(const PackFile& pack, ByteRange gap, const BytesVisitor& on_bytes,
                         const DeadRecordVisitor& on_record = nullptr);

// Reads one record through, in bounded memory, and compares header, checksum and content with its
// row. nullopt: all is well. An error is one of the system or of `on_bytes`.
Result<std::optional<Finding>> inspect_record(const PackFile& pack, const index::ObjectRow& row,
                                              const BytesVisitor& on_bytes);

// The sums over the gaps of one pack.
struct GapTally {
  std::atomic<std::uint64_t> dead_bytes{0};
  std::atomic<std::uint64_t> damaged_bytes{0};
};

// A part of a pack: rows and the gaps between them, in the order of the file.
struct Extent {
  std::shared_ptr<const PackFile> pack;  // Shared with the other extents of the pack,
  std::shared_ptr<GapTally> tally;       // and this with whoever adds up in the end.
  ByteRange range;
  std::vector<index::ObjectRow> rows;
  std::vector<ByteRange> gaps;
};

// Checks extents; reports about rows, and adds up gaps in the tally. Thread safety: one thread.
class ExtentChecker {
 public:
  explicit ExtentChecker(ValidateRun& run)
      : run_(run), extent_bytes_max_(extent_bytes_max(run.threads())) {}

  Status run(const Extent& extent);

 private:
  Status check_headers(const Extent& extent);
  Result<bool> load(const Extent& extent);
  Status check_loaded(const Extent& extent);
  Status check_one_by_one(const Extent& extent);
  Status take_record(const PackFile& pack, const index::ObjectRow& row, ByteView bytes);
  Status take_compressed(const PackFile& pack, const index::ObjectRow& row, ByteView stored,
                         std::uint64_t checksum);
  void add(const index::ObjectRow& row, ByteView content, ByteView stored, std::uint64_t checksum);
  void check_batch();
  std::optional<std::uint64_t> dead_bytes_in(const Extent& extent, ByteRange gap) const;
  Status check_gap(const Extent& extent, ByteRange gap, const BytesVisitor& on_bytes);
  void report(FindingKind kind, const index::ObjectRow& row, std::string message);

  ValidateRun& run_;
  const std::uint64_t extent_bytes_max_;
  PageBuffer buffer_;  // The bytes of the extent.
  Bytes decoded_;      // Contents of compressed records of the batch.
  std::size_t decoded_size_ = 0;

  // The records whose contents are hashed together.
  struct Waiting {
    const index::ObjectRow* row = nullptr;
    bool checksum_fits = false;
  };
  std::vector<Waiting> batch_;
  std::vector<ByteView> contents_;
  std::vector<ObjectId> ids_;
};

}  // namespace packstore::store
