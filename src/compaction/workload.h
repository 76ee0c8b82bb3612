// The records of a workload, one after the other, and of a page write trace.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/result.h"
#include "packstore/simulation.h"

namespace packstore {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}

  static std::uint64_t finalise(std::uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBU;
    return bits ^ (bits >> 31);
  }
  std::uint64_t draw() { return finalise(state_ += kGolden); }
  // In [low, high).
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + multiply_high(draw(), high - low);
  }
  bool coin(double probability) {
    return static_cast<double>(draw() >> 11) * 0x1p-53 < probability;
  }
  static std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(a) * b) >> 64);
  }

  static constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;

 private:
  std::uint64_t state_;
};

// Pages are numbered densely: the segments of the key space one after the other, each from a
// multiple of the cell size.
struct WorkloadRecord {
  std::uint32_t page = 0;
  std::uint32_t bytes = 0;
  // The page is not in use afterwards.
  std::uint32_t is_delete = 0;
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // Fills the front of `into` with the next records; less than all of it at the end only.
  virtual std::size_t fill(std::span<WorkloadRecord> into) = 0;
};

// Consecutive keys, numbered consecutively from `page_begin`.
struct KeySegment {
  Key key_begin = {};
  std::uint32_t page_begin = 0;
  std::uint32_t page_end = 0;    // A multiple of the cell size; keys behind the last used included.
  std::uint32_t page_count = 0;  // Pages that are ever used.
};

struct Workload {
  std::string name;
  Grid grid;    // Of decisions.
  Grid bitmap;  // Of what a read asks a layer about; never finer.
  std::uint64_t file_bytes = 0;
  std::uint64_t records = 0;
  Lsn first_lsn = 0;
  std::vector<KeySegment> segments;
  // Pages are in use from the start, or from the first write to them or behind them.
  bool starts_full = true;
  std::function<std::unique_ptr<RecordSource>()> open;
};

// Takes both for `workload`. kInvalidArgument: cells are too large to count their pages.
Status take_grids(unsigned cell_keys_log2, unsigned bitmap_keys_log2, Workload& workload);

// kInvalidArgument: no such workload, or too large.
Result<Workload> make_workload(const WorkloadOptions& options);

// kCorrupt: not a trace. The workload keeps a decoded copy.
Result<Workload> make_trace_workload(ByteView trace, const TraceOptions& options);

}  // namespace packstore
