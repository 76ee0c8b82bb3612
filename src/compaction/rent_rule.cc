#include "compaction/rent_rule.h"

#include <cmath>
#include <limits>

namespace packstore {
namespace {

// The newest runs of which each that goes costs least, so many that the depth is at most
// `depth_max` afterwards, or as little as it can be.
std::size_t cheapest_merge(const std::vector<RentedRun>& runs, std::size_t depth_below,
                           std::size_t depth_max) {
  std::size_t cheapest = runs.size();
  double cheapest_bytes = std::numeric_limits<double>::infinity();
  double bytes = 0;
  for (std::size_t count = 1; count <= runs.size(); ++count) {
    bytes += runs[count - 1].merge_bytes();
    const std::size_t depth = runs.size() - count + 1 + depth_below;
    if (count < 2 || depth > depth_max) continue;
    const double each = bytes / static_cast<double>(count - 1);
    if (each < cheapest_bytes) {
      cheapest_bytes = each;
      cheapest = count;
    }
  }
  return cheapest;
}

constexpr double kGolden = 0.6180339887498949;

}  // namespace

ImageRoom SpaceRoom::ask(double bytes) {
  if (bytes <= now_) {
    now_ -= bytes;
    soon_ -= bytes;
    return ImageRoom::kNow;
  }
  waiting_ += bytes;
  return waiting_ <= soon_ ? ImageRoom::kSoon : ImageRoom::kNever;
}

CellDecision RentRule::decide(const std::vector<RentedRun>& runs, double image_bytes,
                              ImageRoom room, std::size_t depth_below) const {
  double rent_of_all = 0;
  for (const RentedRun& run : runs) rent_of_all += run.rent;
  const bool is_image_due = rent_of_all > 0 && image_bytes <= rent_of_all;
  if (is_image_due && room == ImageRoom::kNow) return {.merge = 0, .is_image = true};
  const double bytes_max = is_image_due && room == ImageRoom::kSoon
                               ? image_bytes
                               : std::numeric_limits<double>::infinity();
  CellDecision decision;
  double bytes = 0;
  double rent = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    bytes += runs[i].merge_bytes();
    rent += runs[i].rent;
    if (bytes > bytes_max) break;
    if (i > 0 && bytes <= merge_share * (rent - runs[i].rent / 2)) decision.merge = i + 1;
  }
  if (decision.merge == 0 && runs.size() > 1 && runs.size() + depth_below > depth_max) {
    decision.merge = cheapest_merge(runs, depth_below, depth_max);
  }
  return decision;
}

double rent_bias(Key cell, const Grid& grid, double spread) {
  // Multiples of the golden ratio are spread evenly, however many there are.
  const auto number = static_cast<double>((cell.low >> grid.cell_keys_log2) % (1U << 20U)) +
                      7 * static_cast<double>(cell.high % (1U << 20U));
  return std::exp(spread * (2 * std::fmod(number * kGolden, 1.0) - 1));
}

}  // namespace packstore
