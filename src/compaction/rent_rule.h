// When to merge, when to write an image: the decision for one cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "packstore/layer_shape.h"

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

  // The newest runs are merged, as many as can be while their bytes are at most `merge_share` times
  // their rent. Of the oldest of them half the rent counts: the merged run is in the way as it was.
  // `runs` newest first; `image_bytes` is the size of the cell's pages, `may_image` whether there
  // is room for them. `depth_below` counts the image under the runs.
  CellDecision decide(const std::vector<RentedRun>& runs, double image_bytes, bool may_image,
                      std::size_t depth_below) const;
};

// What the rent of a cell is multiplied with: e^-spread to e^spread, different from cell to cell.
double rent_bias(Key cell, const Grid& grid, double spread);

}  // namespace packstore
