// What no readable LSN can see any more.
//
// A read at LSN R in a cell starts from the newest image at or below R and goes up to R. So below
// the horizon only reads at the horizon itself and at the retained LSNs are left, and
//
//   a delta is needed by R  if it begins below R and ends above the image that R starts from,
//   an image is needed by R if R starts from it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compaction/cell_stack.h"

namespace packstore {
namespace {

struct Held {
  const LayerShape* layer = nullptr;
  KeyRange cell = {};
};

Lsn newest_image(const std::vector<Held>& held, Lsn reader) {
  Lsn newest = 0;
  for (const Held& it : held) {
    if (!it.layer->is_delta() && it.layer->lsns.end <= reader) {
      newest = std::max(newest, it.layer->lsns.end);
    }
  }
  return newest;
}

bool is_needed_by(const LayerShape& layer, Lsn reader, Lsn image) {
  if (layer.is_delta()) return layer.lsns.begin < reader && layer.lsns.end > image;
  return layer.lsns.end == image;
}

}  // namespace

void append_drops(const PlannerInput& input, CompactionPlan& plan) {
  if (input.horizon == 0) return;
  std::vector<Lsn> readers;
  for (const Lsn lsn : input.retained) {
    if (lsn < input.horizon) readers.push_back(lsn);
  }
  readers.push_back(input.horizon);
  std::map<Key, std::vector<Held>> by_cell;
  for (const LayerShape& layer : input.layers) {
    for (const CellShare& share : layer.cells) {
      by_cell[share.cell].push_back({&layer, input.grid.cell_range(share.cell)});
    }
  }
  CompactionJob job{.kind = JobKind::kDrop};
  std::int64_t bytes = 0;
  for (const auto& entry : by_cell) {
    const std::vector<Held>& held = entry.second;
    for (const Held& it : held) {
      const LayerShape& layer = *it.layer;
      // Reads above the horizon start below it.
      if (layer.lsns.end > input.horizon || newest_image(held, input.horizon) == 0) continue;
      const bool is_whole_cells = layer.keys.contains(it.cell);
      const bool is_needed = std::ranges::any_of(readers, [&](Lsn reader) {
        return is_needed_by(layer, reader, newest_image(held, reader));
      });
      if (is_needed || !is_whole_cells) continue;
      job.parts.push_back({.keys = it.cell, .lsns = layer.lsns, .inputs = {{layer.id, it.cell}}});
      const auto share = std::ranges::lower_bound(layer.cells, entry.first, {}, &CellShare::cell);
      bytes += static_cast<std::int64_t>(share->bytes);
    }
  }
  if (job.parts.empty()) return;
  job.effect.space_bytes = -bytes;
  job.reason = fmt::format("below LSN {}, where images are", input.horizon);
  plan.jobs.push_back(std::move(job));
}

}  // namespace packstore
