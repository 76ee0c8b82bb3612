#include "compaction/layer_set.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace packstore {

LayerShape part_of_layer(const LayerShape& layer, const KeyRange& keys) {
  LayerShape part = layer;
  part.keys = {std::max(layer.keys.begin, keys.begin), std::min(layer.keys.end, keys.end)};
  part.cells.clear();
  part.bytes = 0;
  part.records = 0;
  part.embedded_pages = 0;
  const auto first = std::ranges::lower_bound(layer.cells, keys.begin, {}, &CellShare::cell);
  for (auto it = first; it != layer.cells.end() && it->cell < keys.end; ++it) {
    part.cells.push_back(*it);
    part.bytes += it->bytes;
    part.records += it->records;
    part.embedded_pages += it->embedded_pages;
  }
  part.page_bytes_max = std::min(part.page_bytes_max, part.bytes);
  return part;
}

LayerSet::LayerSet(Grid grid, std::vector<LayerShape> layers, std::vector<FileShape> files)
    : grid_(grid), layers_(std::move(layers)), files_(std::move(files)) {
  for (const LayerShape& layer : layers_) next_layer_ = std::max(next_layer_, layer.id + 1);
  for (const FileShape& file : files_) next_file_ = std::max(next_file_, file.id + 1);
}

FileId LayerSet::add_file(std::uint64_t bytes) {
  files_.push_back({next_file_, bytes});
  return next_file_++;
}

LayerId LayerSet::add(LayerShape layer) {
  PACKSTORE_CHECK(layer.file < next_file_);
  layer.id = next_layer_++;
  layers_.push_back(std::move(layer));
  return layers_.back().id;
}

const LayerShape* LayerSet::find(LayerId id) const {
  const auto found = std::ranges::lower_bound(layers_, id, {}, &LayerShape::id);
  return found != layers_.end() && found->id == id ? &*found : nullptr;
}

bool LayerSet::is_border(const LayerShape& layer, Key key) const {
  return key <= layer.keys.begin || key >= layer.keys.end || grid_.cell_of(key) == key;
}

Status LayerSet::remove(const JobInput& input) {
  const LayerShape* layer = find(input.layer);
  if (layer == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: is not there", input.layer);
  }
  if (input.keys.empty() || !layer->keys.overlaps(input.keys)) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: keys {} to {} are not in it", input.layer,
                to_string(input.keys.begin), to_string(input.keys.end));
  }
  if (!is_border(*layer, input.keys.begin) || !is_border(*layer, input.keys.end)) {
    return fail(ErrorCode::kInvalidArgument, "layer {}: keys {} to {} end within a cell",
                input.layer, to_string(input.keys.begin), to_string(input.keys.end));
  }
  Lost& lost = lost_[input.layer];
  for (const KeyRange& range : lost.ranges) {
    if (range.overlaps(input.keys)) {
      return fail(ErrorCode::kInvalidArgument, "layer {}: keys {} to {} went before", input.layer,
                  to_string(input.keys.begin), to_string(input.keys.end));
    }
  }
  lost.ranges.push_back(input.keys);
  return {};
}

void LayerSet::keep_rest(LayerShape&& layer, std::vector<KeyRange> lost,
                         std::vector<LayerShape>& pieces) {
  std::ranges::sort(lost, {}, &KeyRange::begin);
  Key begin = layer.keys.begin;
  bool is_first = true;
  const auto keep_until = [&](Key end) {
    if (begin >= end) return;
    LayerShape piece = part_of_layer(layer, {begin, end});
    if (piece.cells.empty()) return;  // Nothing is in it.
    piece.id = is_first ? layer.id : next_layer_++;
    is_first = false;
    pieces.push_back(std::move(piece));
  };
  for (const KeyRange& range : lost) {
    keep_until(range.begin);
    begin = std::max(begin, range.end);
  }
  keep_until(layer.keys.end);
  if (is_first) ++deleted_count_;
}

void LayerSet::settle() {
  std::vector<LayerShape> pieces;
  for (auto& [id, lost] : lost_) {
    const auto found = std::ranges::lower_bound(layers_, id, {}, &LayerShape::id);
    keep_rest(std::move(*found), std::move(lost.ranges), pieces);
    found->cells.clear();
    found->keys = {};  // To be swept.
  }
  if (!lost_.empty()) {
    std::erase_if(layers_, [](const LayerShape& layer) { return layer.keys.empty(); });
    std::ranges::move(pieces, std::back_inserter(layers_));
    std::ranges::sort(layers_, {}, &LayerShape::id);
    lost_.clear();
  }
  forget_empty_files();
}

void LayerSet::forget_empty_files() {
  std::vector<FileId> used;
  used.reserve(layers_.size());
  for (const LayerShape& layer : layers_) used.push_back(layer.file);
  std::ranges::sort(used);
  std::erase_if(files_,
                [&](const FileShape& file) { return !std::ranges::binary_search(used, file.id); });
}

}  // namespace packstore
