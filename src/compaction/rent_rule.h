// When to merge, when to write an image: the decision for one cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace packstore {

// A run of a cell's records, in the way of reads, with the rent that reads have paid for it.
struct RentedRun {
  double bytes = 0;
  double rent = 0;
};

struct CellDecision {
  std::size_t merge = 0;  // Newest runs to merge; 0: none.
  bool is_image = false;
};

struct RentRule {
  double merge_share = 1;
  std::size_t depth_max = SIZE_MAX;

  // `runs` newest first; `image_bytes` is the size of the cell's pages, `may_image` whether there
  // is room for them. `depth_below` counts the image under the runs.
  CellDecision decide(const std::vector<RentedRun>& runs, double image_bytes, bool may_image,
                      std::size_t depth_below) const;
};

}  // namespace packstore
