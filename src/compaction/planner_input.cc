// Whether an input makes sense, before any policy looks at it: layers by themselves, layers against
// each other, cells against the grid, budgets.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "packstore/compaction.h"

namespace packstore {
namespace {

Status check_rectangle(const LayerShape& layer, Lsn tip) {
  if (layer.keys.empty()) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: keys {} to {} are no range", layer.id,
                to_string(layer.keys.begin), to_string(layer.keys.end));
  }
  if (layer.is_delta() ? layer.lsns.begin >= layer.lsns.end : layer.lsns.begin != layer.lsns.end) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: LSNs {} to {} are no range of its kind",
                layer.id, layer.lsns.begin, layer.lsns.end);
  }
  if (layer.lsns.end > tip) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: reaches LSN {}, above the tip at {}",
                layer.id, layer.lsns.end, tip);
  }
  return {};
}

Status check_shares(const LayerShape& layer, const Grid& grid) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < layer.cells.size(); ++i) {
    const CellShare& share = layer.cells[i];
    const KeyRange cell = grid.cell_range(share.cell);
    if (grid.cell_of(share.cell) != share.cell || !cell.overlaps(layer.keys)) {
      return fail(ErrorCode::kInvalidArgument, "layer {}: has a share in {}, no cell of its keys",
                  layer.id, to_string(share.cell));
    }
    if (i != 0 && layer.cells[i - 1].cell >= share.cell) {
      return fail(ErrorCode::kInvalidArgument, "layer {}: the share in {} is out of order",
                  layer.id, to_string(share.cell));
    }
    if (__builtin_add_overflow(bytes, share.bytes, &bytes)) bytes = ~std::uint64_t{0};
  }
  if (bytes > layer.bytes) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: shares of {} bytes in {}", layer.id, bytes,
                layer.bytes);
  }
  return {};
}

Status check_layers(const PlannerInput& input) {
  for (std::size_t i = 0; i < input.layers.size(); ++i) {
    const LayerShape& layer = input.layers[i];
    if (i != 0 && input.layers[i - 1].id >= layer.id) {
      return fail(ErrorCode::kInvalidArgument, "layer {}: ids must ascend", layer.id);
    }
    RETURN_IF_ERROR(check_rectangle(layer, input.tip));
    RETURN_IF_ERROR(check_shares(layer, input.grid));
    if (layer.is_in_memory()) continue;
    if (!std::ranges::binary_search(input.files, layer.file, {}, &FileShape::id)) {
      return fail(ErrorCode::kInvalidArgument, "layer {}: file {} is not among the files", layer.id,
                  layer.file);
    }
  }
  return {};
}

// Two deltas of one cell may not hold the same LSNs of the same keys.
Status check_overlaps(const PlannerInput& input) {
  struct Held {
    Key cell;
    LsnRange lsns;
    const LayerShape* layer;
  };
  std::vector<Held> held;
  for (const LayerShape& layer : input.layers) {
    if (!layer.is_delta()) continue;
    for (const CellShare& share : layer.cells) held.push_back({share.cell, layer.lsns, &layer});
  }
  std::ranges::sort(held, [](const Held& a, const Held& b) {
    if (a.cell != b.cell) return a.cell < b.cell;
    return a.lsns.begin < b.lsns.begin;
  });
  std::size_t cell_begin = 0;
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (held[cell_begin].cell != held[i].cell) cell_begin = i;
    for (std::size_t j = i; j-- > cell_begin;) {
      const bool overlaps =
          held[j].lsns.overlaps(held[i].lsns) && held[j].layer->keys.overlaps(held[i].layer->keys);
      if (overlaps) {
        return fail(ErrorCode::kInvalidArgument, "layers {} and {}: overlap in cell {}",
                    held[j].layer->id, held[i].layer->id, to_string(held[i].cell));
      }
      // Columns of one key may lie beside anything; whole cells are in order.
      if (held[j].lsns.end <= held[i].lsns.begin &&
          held[j].layer->keys.contains(input.grid.cell_range(held[j].cell))) {
        break;
      }
    }
  }
  return {};
}

Status check_cells(const PlannerInput& input) {
  for (std::size_t i = 0; i < input.cells.size(); ++i) {
    const CellState& cell = input.cells[i];
    if (cell.keys != input.grid.cell_range(cell.keys.begin) ||
        input.grid.cell_of(cell.keys.begin) != cell.keys.begin) {
      return fail(ErrorCode::kInvalidArgument, "cell {} to {}: is none of the grid",
                  to_string(cell.keys.begin), to_string(cell.keys.end));
    }
    if (i != 0 && input.cells[i - 1].keys.begin >= cell.keys.begin) {
      return fail(ErrorCode::kInvalidArgument, "cell {}: is out of order",
                  to_string(cell.keys.begin));
    }
    if (cell.pages > distance(cell.keys.begin, cell.keys.end)) {
      return fail(ErrorCode::kInvalidArgument, "cell {}: {} pages in use of {}",
                  to_string(cell.keys.begin), cell.pages, distance(cell.keys.begin, cell.keys.end));
    }
    if (cell.history.size() != input.cells.front().history.size()) {
      return fail(ErrorCode::kInvalidArgument, "cell {}: a history of {} intervals, others of {}",
                  to_string(cell.keys.begin), cell.history.size(),
                  input.cells.front().history.size());
    }
  }
  return {};
}

Status check_budget(const char* name, const std::optional<double>& budget) {
  if (!budget || (std::isfinite(*budget) && *budget >= 0)) return {};
  return fail(ErrorCode::kInvalidArgument, "budget {}: {} is no amount", name, *budget);
}

}  // namespace

Status check_planner_input(const PlannerInput& input) {
  if (input.grid.cell_keys_log2 > 63) {
    return fail(ErrorCode::kInvalidArgument, "grid: cells of 2^{} keys, limit 2^63",
                input.grid.cell_keys_log2);
  }
  if (input.horizon > input.tip) {
    return fail(ErrorCode::kInvalidArgument, "horizon: {} is above the tip at {}", input.horizon,
                input.tip);
  }
  if (!std::ranges::is_sorted(input.retained)) {
    return fail(ErrorCode::kInvalidArgument, "retained LSNs: are out of order");
  }
  RETURN_IF_ERROR(check_layers(input));
  RETURN_IF_ERROR(check_overlaps(input));
  RETURN_IF_ERROR(check_cells(input));
  RETURN_IF_ERROR(check_budget("read_amp_even", input.budgets.read_amp_even));
  RETURN_IF_ERROR(check_budget("read_amp_hot", input.budgets.read_amp_hot));
  return check_budget("space_amp", input.budgets.space_amp);
}

CompactionPolicy::~CompactionPolicy() = default;

}  // namespace packstore
