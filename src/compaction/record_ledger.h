// Counts, for every record of a simulation, the delta layers that hold it.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "compaction/write_history.h"
#include "packstore/layer_shape.h"
#include "packstore/result.h"

namespace packstore {

// Pages by LSNs.
struct Area {
  std::uint32_t page_begin = 0;
  std::uint32_t page_end = 0;
  LsnRange lsns = {};
};

// Which LSNs can be read, and the images from which reads can start.
struct Readable {
  Lsn horizon = 0;
  std::span<const Lsn> retained = {};
  std::span<const Area> images = {};  // lsns.end is what they show.
};

// Counts are kept for rectangles, not for single records: LSNs are divided into rows where areas
// begin and end, and each row into steps of pages. So counts are exact at the cost of shapes.
class RecordLedger {
 public:
  explicit RecordLedger(const WriteHistory::Data& history) : history_(history) {}

  // The records of the next flush interval are in one layer that covers `area`.
  void flush(const Area& area);
  // One edit. kCorrupt: a record that `readable` needs is in no layer, or a record is in two; the
  // message names it.
  Status change(std::span<const Area> added, std::span<const Area> removed,
                const Readable& readable);

 private:
  // Counts from `page` up to the next step.
  struct Step {
    std::uint32_t page = 0;
    std::int32_t count = 0;
  };
  struct Row {
    Lsn end = 0;
    std::vector<Step> steps;  // By ascending page; the first is for page 0.
  };
  using Rows = std::map<Lsn, Row>;

  Rows::iterator split_at(Lsn lsn);
  void count(const Area& area, std::int32_t change);
  Status check(const Area& area, const Readable& readable) const;
  Status check_step(const Area& piece, std::int32_t count, const Readable& readable) const;
  std::optional<std::string> find_record(const Area& piece) const;

  const WriteHistory::Data& history_;
  Rows rows_;
};

}  // namespace packstore
