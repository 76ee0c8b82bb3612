// When to merge, when to write an image: the decision for one cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "packstore/layer_shape.h"

namespace packstore {

// A run of a cell's records, in the way of reads, with the rent that reads have paid for it.
struct RentedRun {
  double bytes = 0;
  double rent = 0;
  bool is_in_memory = false;  // It must be written in any case; a merge that does costs the others.

  double merge_bytes() const { return is_in_memory ? 0 : bytes; }
};

struct CellDecision {
  std::size_t merge = 0;  // Newest runs to merge; 0: none.
  bool is_image = false;
};

// When there is room for an image that is due.
enum class ImageRoom : std::uint8_t {
  kNow,
  kSoon,  // By the time the log is twice as long.
  kNever,
};

// What the space budget leaves for images, given to cells in the order in which they ask.
class SpaceRoom {
 public:
  SpaceRoom(std::optional<double> space_amp, double wal_bytes, double live_bytes) {
    if (!space_amp) return;
    now_ = *space_amp * wal_bytes - live_bytes;
    soon_ = now_ + (*space_amp - 1) * wal_bytes;
  }

  // What is given now is taken; what is not waits behind all that asked before.
  ImageRoom ask(double bytes);

 private:
  double now_ = std::numeric_limits<double>::infinity();
  double soon_ = std::numeric_limits<double>::infinity();
  double waiting_ = 0;
};

struct RentRule {
  double merge_share = 1;
  std::size_t depth_max = SIZE_MAX;

  // The newest runs are merged, as many as can be while their bytes are at most `merge_share` times
  // their rent. Of the oldest of them half the rent counts: the merged run is in the way as it was.
  // An image is due when the rent of all runs reaches `image_bytes`, the size of the cell's pages.
  // Where it is due and must wait, no merge writes more than it would: it would soon be in vain.
  // `runs` newest first. `depth_below` counts the image under the runs.
  CellDecision decide(const std::vector<RentedRun>& runs, double image_bytes, ImageRoom room,
                      std::size_t depth_below) const;
};

// What the rent of a cell is multiplied with: e^-spread to e^spread, different from cell to cell.
double rent_bias(Key cell, const Grid& grid, double spread);

}  // namespace packstore
