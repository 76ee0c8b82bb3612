// Neighbouring records of one pack, read with one call and checked together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/index.h"
#include "index/rows.h"
#include "packstore/bytes.h"
#include "packstore/object.h"
#include "packstore/result.h"
#include "store/pack_files.h"
#include "store/page_buffer.h"

namespace packstore::store {

// A slice fits the second-level cache beside what else is there, so that hashing and the visitor
// find the bytes where reading left them (512 KiB: a tenth slower); a record that is longer is a
// slice of its own.
inline constexpr std::uint64_t kSliceBytesMax = 256 << 10;
inline constexpr std::size_t kSliceRowsMax = 256;

// True when one read should take in `next` too, after rows from `first` to `last` of its pack.
bool belongs_to_slice(const index::ObjectRow& first, const index::ObjectRow& last,
                      const index::ObjectRow& next, std::size_t rows);

// Thread safety: one thread at a time. Buffers are kept from one load() to the next.
class RecordSlice {
 public:
  struct Item {
    ByteView stored;             // As in the pack.
    ByteView content;            // Decoded.
    std::optional<Error> error;  // Why the two are not there.
  };

  // Reads `rows` (checked, of `pack`, by ascending offset, none far from the next), compares every
  // header with its row, decodes, and checks contents as `verify` says, hashing them side by side.
  void load(const PackFile& pack, std::span<const index::ObjectRow> rows, Verify verify);

  // One for each row; the views are valid until the next load().
  std::span<const Item> items() const { return items_; }

 private:
  Status read(const PackFile& pack, std::span<const index::ObjectRow> rows);
  Status take(std::size_t i, const PackFile& pack, const index::ObjectRow& row, Verify verify);
  void check_hashes(std::span<const index::ObjectRow> rows);

  PageBuffer buffer_;
  std::uint64_t start_ = 0;  // Where in the pack the buffer begins.
  std::vector<Item> items_;
  std::vector<Bytes> decoded_;
  std::vector<ByteView> contents_;
  std::vector<ObjectId> ids_;
};

// Cuts the rows of a snapshot into slices.
class RowSlicer {
 public:
  explicit RowSlicer(index::RowSnapshot& rows) : rows_(rows) {}

  // The next slice of `pack`; empty when the pack's rows are through. A row that fails
  // index::check() comes alone. Packs must be asked for in ascending order.
  Result<std::span<const index::ObjectRow>> next(std::uint64_t pack);

 private:
  Status peek();

  index::RowSnapshot& rows_;
  std::optional<index::ObjectRow> ahead_;
  bool ended_ = false;
  std::vector<index::ObjectRow> slice_;
};

}  // namespace packstore::store
