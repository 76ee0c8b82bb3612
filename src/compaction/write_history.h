// What a workload writes, summed up by page and flush interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compaction/workload.h"
#include "packstore/simulation.h"

namespace packstore {

// What one page received between two flushes.
struct PageWrites {
  std::uint32_t page = 0;
  std::uint32_t records = 0;
  std::uint32_t bytes = 0;
};

struct CellWrites {
  std::uint32_t cell = 0;  // Number of the page that the cell begins with, over the cell size.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

// From one flush to the next.
struct FlushInterval {
  LsnRange lsns;
  std::uint64_t records = 0;
  std::vector<PageWrites> pages;  // By ascending page.
  std::vector<CellWrites> cells;  // By ascending cell.
  // Pages whose use changed, by ascending page; the way it went is the opposite of what was.
  std::vector<std::uint32_t> toggled;
  std::uint64_t pages_in_use = 0;  // At the end.
};

struct WriteHistory::Data {
  Workload workload;
  std::uint32_t page_count = 0;  // Of all segments, padding included.
  std::uint32_t cell_count = 0;
  std::uint64_t records = 0;
  std::uint64_t wal_bytes = 0;
  std::vector<FlushInterval> flushes;
  // Intervals that wrote each page, counted from 1 and ascending, page after page.
  std::vector<std::uint16_t> intervals;
  std::vector<std::uint32_t> intervals_begin;  // page_count + 1 positions in them.

  std::span<const std::uint16_t> intervals_of(std::uint32_t page) const {
    return std::span(intervals).subspan(intervals_begin[page],
                                        intervals_begin[page + 1] - intervals_begin[page]);
  }
  // Number of the first page at or above `key`; page_count where there is none.
  std::uint32_t page_at(Key key) const;
  Key key_of(std::uint32_t page) const;
  std::uint32_t cell_pages() const { return 1U << workload.grid.cell_keys_log2; }
  KeyRange cell_keys(std::uint32_t cell) const;
  // The first record of pages [page_begin, page_end) in `lsns`, by reading the workload again.
  std::optional<std::string> name_record(std::uint32_t page_begin, std::uint32_t page_end,
                                         const LsnRange& lsns) const;
};

}  // namespace packstore
