// Layers drawn with characters. A column is a cell of 16 keys, a row is 100 LSNs, the top row the
// newest:
//
//   "aaaa"      letters are deltas, one letter one layer, 100 bytes a character
//   "bb.c"      dots hold nothing
//   "==.."      an image at the lower border of the row
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "packstore/compaction.h"

namespace packstore {

struct DrawnLayers {
  static constexpr Lsn kRow = 100;
  std::vector<LayerShape> layers;
  std::vector<FileShape> files;
  std::vector<CellState> cells;
  Grid grid{4};
  Lsn tip = 0;

  Key column(std::size_t i) const { return {0, std::uint64_t{i} * 16}; }
  KeyRange columns(std::size_t begin, std::size_t end) const {
    return {column(begin), column(end)};
  }

  PlannerInput input() const {
    PlannerInput made;
    made.layers = layers;
    made.files = files;
    made.cells = cells;
    made.grid = grid;
    made.tip = tip;
    made.measured = {.flushes = 3, .wal_bytes = 1'000'000};
    return made;
  }

  LayerShape& named(char name) {
    const auto found = std::ranges::find_if(
        layers, [&](const LayerShape& layer) { return layer.id == static_cast<LayerId>(name); });
    return *found;
  }

  // Reads have visited the layer so often, in each of its cells.
  void visit(char name, double times) {
    for (CellShare& share : named(name).cells) share.visits_even = times;
  }
};

inline DrawnLayers draw_layers(const std::vector<std::string>& rows) {
  DrawnLayers made;
  made.tip = rows.size() * DrawnLayers::kRow;
  std::map<LayerId, LayerShape> layers;
  LayerId next_image = 1;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Lsn bottom = (rows.size() - 1 - row) * DrawnLayers::kRow;
    for (std::size_t column = 0; column < rows[row].size(); ++column) {
      const char c = rows[row][column];
      if (c == '.') continue;
      const bool is_image = c == '=';
      const LayerId id = is_image ? next_image++ : static_cast<LayerId>(c);
      LayerShape& layer = layers[id];
      const bool is_new = layer.id == 0;
      layer.id = id;
      layer.file = id;
      layer.kind = is_image ? LayerKind::kImage : LayerKind::kDelta;
      const KeyRange keys = made.columns(column, column + 1);
      const LsnRange lsns =
          is_image ? LsnRange{bottom, bottom} : LsnRange{bottom, bottom + DrawnLayers::kRow};
      layer.keys = is_new ? keys
                          : KeyRange{std::min(layer.keys.begin, keys.begin),
                                     std::max(layer.keys.end, keys.end)};
      layer.lsns = is_new ? lsns
                          : LsnRange{std::min(layer.lsns.begin, lsns.begin),
                                     std::max(layer.lsns.end, lsns.end)};
      layer.bytes += 100;
      layer.records += 10;
      auto share = std::ranges::find(layer.cells, keys.begin, &CellShare::cell);
      if (share == layer.cells.end()) {
        layer.cells.push_back({.cell = keys.begin, .bytes = 100, .records = 10});
      } else {
        share->bytes += 100;
        share->records += 10;
      }
    }
  }
  for (auto& [id, layer] : layers) {
    std::ranges::sort(layer.cells, {}, &CellShare::cell);
    made.files.push_back({id, layer.bytes});
    made.layers.push_back(std::move(layer));
  }
  for (std::size_t column = 0; !rows.empty() && column < rows.front().size(); ++column) {
    made.cells.push_back({.keys = made.columns(column, column + 1),
                          .pages = 16,
                          .history = {{.bytes = 100, .records = 1, .pages = 16}}});
  }
  return made;
}

// "merge 0-2 a b" for each part: kind, columns, inputs by name.
inline std::vector<std::string> outline(const CompactionPlan& plan) {
  std::vector<std::string> lines;
  for (const CompactionJob& job : plan.jobs) {
    for (const JobPart& part : job.parts) {
      std::string line(to_string(job.kind));
      line += " " + std::to_string(part.keys.begin.low / 16) + "-" +
              std::to_string(part.keys.end.low / 16);
      for (const JobInput& input : part.inputs) {
        line += std::string(" ") + static_cast<char>(input.layer);
      }
      lines.push_back(line);
    }
  }
  return lines;
}

}  // namespace packstore
