// What compaction knows of layers: their shapes, never their content.
//
// A layer is a rectangle of a versioned page store, keys across and LSNs up. A delta layer holds
// every record of its rectangle; an image layer holds every page of its key range as it was at one
// LSN, that is, after all records below it. The key space is divided by a grid that never moves,
// into cells of a power of two keys, and decisions fall per cell.
//
// Plain values: any thread may use its own.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "packstore/export.h"

namespace packstore {

// Bytes of a page, the thing that a key names.
inline constexpr std::uint64_t kPageBytes = 8192;

// A position in the log, in bytes.
using Lsn = std::uint64_t;

// The name of a page: 128 bits, ordered as a number.
struct Key {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static constexpr Key min() { return {}; }
  static constexpr Key max() {
    return {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
  }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 means a 0 that the compiler wrote.
  friend constexpr auto operator<=>(const Key&, const Key&) = default;
};

// `key` + `count`, or Key::max() where that does not fit.
PACKSTORE_EXPORT Key advance(Key key, std::uint64_t count);
// `to` - `from`, or the largest 64-bit number where it does not fit; 0 where `to` is not above.
PACKSTORE_EXPORT std::uint64_t distance(Key from, Key to);

// Keys from `begin` up to, not including, `end`.
struct KeyRange {
  Key begin = Key::min();
  Key end = Key::min();

  static constexpr KeyRange all() { return {Key::min(), Key::max()}; }
  bool empty() const { return begin >= end; }
  bool contains(Key key) const { return begin <= key && key < end; }
  bool contains(const KeyRange& other) const { return begin <= other.begin && other.end <= end; }
  bool overlaps(const KeyRange& other) const { return begin < other.end && other.begin < end; }
  friend constexpr bool operator==(const KeyRange&, const KeyRange&) = default;
};

// LSNs from `begin` up to, not including, `end`. Of an image both are the LSN that it shows.
struct LsnRange {
  Lsn begin = 0;
  Lsn end = 0;

  Lsn height() const { return end - begin; }
  bool contains(const LsnRange& other) const { return begin <= other.begin && other.end <= end; }
  bool overlaps(const LsnRange& other) const { return begin < other.end && other.begin < end; }
  friend constexpr bool operator==(const LsnRange&, const LsnRange&) = default;
};

// The fixed grid: a cell is 2^cell_keys_log2 consecutive keys, at most 2^63.
struct Grid {
  unsigned cell_keys_log2 = 11;

  // First key of the cell that holds `key`.
  Key cell_of(Key key) const {
    return {key.high, key.low & ~((std::uint64_t{1} << cell_keys_log2) - 1)};
  }
  KeyRange cell_range(Key cell) const {
    return {cell, advance(cell, std::uint64_t{1} << cell_keys_log2)};
  }
};

enum class LayerKind : std::uint8_t { kDelta, kImage };

using LayerId = std::uint64_t;
// A file that holds one or more layers; it goes when the last of them does. So cutting a layer in
// two, or narrowing it, writes nothing.
using FileId = std::uint64_t;
// Where a flushed layer is that is not written yet: in no file.
inline constexpr FileId kInMemory = 0;

// What a layer holds in one cell of the grid.
struct CellShare {
  Key cell = {};  // First key of the cell.
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;         // Pages, in an image.
  std::uint64_t embedded_pages = 0;  // Whole pages beside the records of a delta; bytes has them.
  // Reads that had to look here, as shares of all reads: one read in every flush interval, spread
  // evenly over the pages in use, and one spread like the writes of that interval and the one
  // before. Whoever flushes counts them: docs/compaction.md, "Writing an executor".
  double visits_even = 0;
  double visits_hot = 0;

  friend bool operator==(const CellShare&, const CellShare&) = default;
};

struct LayerShape {
  LayerId id = 0;
  FileId file = 0;
  // Which rectangle of the file the layer is a view of, if it holds several. Policies never look.
  std::uint32_t section = 0;
  LayerKind kind = LayerKind::kDelta;
  KeyRange keys = {};
  LsnRange lsns = {};
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  // The most that the layer holds of one page; an upper bound.
  std::uint64_t page_bytes_max = 0;
  // Whole pages beside the records of a delta: a read that finds one looks no further.
  std::uint64_t embedded_pages = 0;
  // Where the layer holds anything, by ascending cell. A layer without a share in a cell holds
  // nothing there, whatever its key range says.
  std::vector<CellShare> cells = {};

  bool is_delta() const { return kind == LayerKind::kDelta; }
  bool is_in_memory() const { return file == kInMemory; }
  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

struct FileShape {
  FileId id = 0;
  // That the file takes up: all that was written to it, less what it has given back since.
  std::uint64_t bytes = 0;

  friend bool operator==(const FileShape&, const FileShape&) = default;
};

// What a cell saw in one flush interval.
struct CellInterval {
  std::uint64_t bytes = 0;    // Written to it.
  std::uint64_t records = 0;  // The same, counted.
  std::uint64_t pages = 0;    // In use at the end.

  friend bool operator==(const CellInterval&, const CellInterval&) = default;
};

// One cell of the key space in use.
struct CellState {
  KeyRange keys = {};
  std::uint64_t pages = 0;  // In use.
  // The last flush intervals, oldest first; as many for every cell.
  std::vector<CellInterval> history = {};

  friend bool operator==(const CellState&, const CellState&) = default;
};

// "h:l" in hexadecimal without leading zeros, "0:2a" for key 42.
PACKSTORE_EXPORT std::string to_string(Key key);

}  // namespace packstore
