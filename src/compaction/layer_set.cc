// 1. Layers lose ranges of cells; what they lost is noted by the name that the plan knows them by.
// 2. settle() divides a layer where it lost a range. The first piece keeps its name.
// 3. A file takes up what its layers need in whole blocks, at most what was written to it, and goes
//    with the last of them.
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

LayerSet::LayerSet(Grid grid, std::vector<LayerShape> layers, std::vector<FileShape> files,
                   std::uint64_t hole_bytes)
    : grid_(grid), hole_bytes_(hole_bytes), layers_(std::move(layers)), files_(std::move(files)) {
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

std::uint64_t LayerSet::write_memory() {
  std::uint64_t bytes = 0;
  for (LayerShape& layer : layers_) {
    if (!layer.is_in_memory()) continue;
    layer.file = next_file_;
    bytes += layer.bytes;
  }
  if (bytes != 0) add_file(bytes);
  return bytes;
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
  give_back_dead_bytes();
}

void LayerSet::give_back_dead_bytes() {
  struct Held {
    FileId file = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Held> held;
  held.reserve(layers_.size());
  for (const LayerShape& layer : layers_) {
    // A layer begins and ends within blocks, which stay.
    const std::uint64_t whole_blocks =
        hole_bytes_ == 0 ? layer.bytes : (layer.bytes / hole_bytes_ + 2) * hole_bytes_;
    held.push_back({layer.file, whole_blocks});
  }
  std::ranges::sort(held, {}, &Held::file);
  auto next = held.begin();
  std::size_t kept = 0;
  for (const FileShape& file : files_) {
    next = std::ranges::lower_bound(next, held.end(), file.id, {}, &Held::file);
    if (next == held.end() || next->file != file.id) continue;
    std::uint64_t bytes = 0;
    for (; next != held.end() && next->file == file.id; ++next) bytes += next->bytes;
    files_[kept++] = {file.id, hole_bytes_ == 0 ? file.bytes : std::min(file.bytes, bytes)};
  }
  files_.resize(kept);
}

}  // namespace packstore
