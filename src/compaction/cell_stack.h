// The layers over each cell of the grid, and how decisions about cells become jobs.
#pragma once

#include <string>
#include <vector>

#include "packstore/compaction.h"

namespace packstore {

// What one delta holds in one cell.
struct Fragment {
  const LayerShape* layer = nullptr;
  const CellShare* share = nullptr;
};

struct CellStack {
  const CellState* cell = nullptr;
  Lsn image = 0;                    // The newest; 0: none.
  std::vector<Fragment> fragments;  // Above the image, newest first.

  bool is_flushing() const { return !fragments.empty() && fragments[0].layer->is_in_memory(); }
  std::uint64_t page_bytes() const { return cell->pages * kPageBytes; }
  std::size_t depth() const { return fragments.size() + (image != 0 ? 1 : 0); }
};

// One for each cell of the input, in its order. Layers in cells that the input does not name are
// left alone.
std::vector<CellStack> stack_cells(const PlannerInput& input);

// What is to be done in one cell.
struct CellPart {
  JobPart part;
  std::uint64_t bytes_in_memory = 0;  // Of its inputs.
  double pages_share = 0;             // Of the cell, of the pages in use.
  double layers_removed = 0;          // From the way of a read.
  double rent = 0;                    // What decided, against the bytes of the part.
};

// Merges the newest `count` fragments of the stack.
CellPart merge_newest(const CellStack& stack, std::size_t count);

// Writes the pages of the cell as of the tip.
CellPart image_at_tip(const CellStack& stack, Lsn tip);

// One job a file; files end at cells, as near to `file_bytes` as whole cells allow. `reason` is put
// in front of the terms of the job. Parts come by ascending key.
void append_jobs(JobKind kind, std::vector<CellPart> parts, std::uint64_t file_bytes,
                 const std::string& reason, std::uint64_t wal_bytes, CompactionPlan& plan);

// The same for merges; what would be written as it is, because one layer is all there is, is moved.
void append_merges(std::vector<CellPart> parts, std::uint64_t file_bytes, const std::string& reason,
                   std::uint64_t wal_bytes, CompactionPlan& plan);

// Cuts flushed layers to the runs of cells where they hold anything that the plan does not take.
void append_trims(const PlannerInput& input, CompactionPlan& plan);

// Copies what is live out of files whose dead bytes times their age in flushes exceed their live
// bytes `reclaim_after` times.
void append_reclaims(const PlannerInput& input, double reclaim_after, std::uint64_t file_bytes,
                     CompactionPlan& plan);

// Forgets what no readable LSN can see.
void append_drops(const PlannerInput& input, CompactionPlan& plan);

}  // namespace packstore
