// 1. A layer begins with its first record: in a new section of the file at hand, or of a new file
//    where the job's cuts say so.
// 2. Where files are cut by size, a layer that has reached it ends before the next page. Deltas
//    then span the keys from the first that they hold to the last; images span all, because an
//    absent page says something, too.
#include "compaction/layer_writer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace packstore {

void LayerWriter::begin_layer(LayerKind kind, const KeyRange& keys, const LsnRange& lsns) {
  layer_ = {.kind = kind, .keys = keys, .lsns = lsns};
  has_section_ = false;
}

Status LayerWriter::append(const LayerRecord& record) {
  RETURN_IF_ERROR(check(record));
  const bool is_new_page = !has_section_ || record.key != last_key_;
  if (has_section_ && is_new_page && is_cut_by_size() && layer_.bytes >= cuts_.bytes) {
    cut_at(record.key);
  }
  if (!has_section_) RETURN_IF_ERROR(begin_section());
  if (is_new_page) page_bytes_ = 0;
  if (layer_.records == 0 && is_cut_by_size() && layer_.is_delta()) layer_.keys.begin = record.key;
  measure(record);
  return files.back()->append(record);
}

Status LayerWriter::check(const LayerRecord& record) const {
  const bool is_inside = layer_.is_delta()
                             ? layer_.lsns.begin <= record.lsn && record.lsn < layer_.lsns.end
                             : record.lsn == layer_.lsns.end;
  if (is_inside && layer_.keys.contains(record.key)) return {};
  return fail(ErrorCode::kCorrupt,
              "record of key {} at LSN {}: is not in keys {} to {}, LSNs {} to {}",
              to_string(record.key), record.lsn, to_string(layer_.keys.begin),
              to_string(layer_.keys.end), layer_.lsns.begin, layer_.lsns.end);
}

Status LayerWriter::begin_section() {
  bool is_new_file = files.empty() || is_cut_by_size();
  while (cut_points_passed_ < cuts_.points.size() &&
         cuts_.points[cut_points_passed_] <= layer_.keys.begin) {
    is_new_file = true;
    ++cut_points_passed_;
  }
  if (is_new_file) {
    ASSIGN_OR_RETURN(auto file, storage_.create(control_));
    files.push_back(std::move(file));
    file_bytes.push_back(0);
  }
  layer_.file = files.size() - 1;
  layer_.section = 0;
  for (const LayerShape& layer : layers) layer_.section += layer.file == layer_.file ? 1U : 0U;
  has_section_ = true;
  return files.back()->begin_section();
}

void LayerWriter::cut_at(Key key) {
  const LayerKind kind = layer_.kind;
  const KeyRange keys = layer_.keys;
  const LsnRange lsns = layer_.lsns;
  if (kind == LayerKind::kImage) layer_.keys.end = key;
  end_layer();
  begin_layer(kind, {key, keys.end}, lsns);
}

void LayerWriter::measure(const LayerRecord& record) {
  const std::uint64_t bytes = record.value.size() + kRecordHeadBytes;
  const Key cell = grid_.cell_of(record.key);
  if (layer_.cells.empty() || layer_.cells.back().cell != cell) {
    layer_.cells.push_back({.cell = cell});
  }
  layer_.cells.back().bytes += bytes;
  ++layer_.cells.back().records;
  layer_.bytes += bytes;
  ++layer_.records;
  page_bytes_ += bytes;
  layer_.page_bytes_max = std::max(layer_.page_bytes_max, page_bytes_);
  file_bytes.back() += bytes;
  last_key_ = record.key;
}

void LayerWriter::end_layer() {
  if (!std::exchange(has_section_, false)) return;
  if (is_cut_by_size() && layer_.is_delta()) layer_.keys.end = advance(last_key_, 1);
  layers.push_back(std::move(layer_));
}

Status LayerWriter::finish() {
  for (const auto& file : files) RETURN_IF_ERROR(file->finish());
  return {};
}

}  // namespace packstore
