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

void LayerMeter::begin(LayerKind kind, const KeyRange& keys, const LsnRange& lsns) {
  layer = {.kind = kind, .keys = keys, .lsns = lsns};
}

Status LayerMeter::check(const LayerRecord& record) const {
  const bool is_inside = layer.is_delta()
                             ? layer.lsns.begin <= record.lsn && record.lsn < layer.lsns.end
                             : record.lsn == layer.lsns.end;
  if (is_inside && layer.keys.contains(record.key)) return {};
  return fail(ErrorCode::kCorrupt,
              "record of key {} at LSN {}: is not in keys {} to {}, LSNs {} to {}",
              to_string(record.key), record.lsn, to_string(layer.keys.begin),
              to_string(layer.keys.end), layer.lsns.begin, layer.lsns.end);
}

void LayerMeter::add(const LayerRecord& record) {
  const std::uint64_t bytes = record.value.size() + kRecordHeadBytes;
  const Key cell = grid_.cell_of(record.key);
  if (is_new_page(record.key)) page_bytes_ = 0;
  if (layer.cells.empty() || layer.cells.back().cell != cell) {
    layer.cells.push_back({.cell = cell});
  }
  layer.cells.back().bytes += bytes;
  ++layer.cells.back().records;
  layer.bytes += bytes;
  ++layer.records;
  page_bytes_ += bytes;
  layer.page_bytes_max = std::max(layer.page_bytes_max, page_bytes_);
  last_key_ = record.key;
}

void LayerWriter::begin_layer(LayerKind kind, const KeyRange& keys, const LsnRange& lsns) {
  meter_.begin(kind, keys, lsns);
  has_section_ = false;
}

Status LayerWriter::append(const LayerRecord& record) {
  RETURN_IF_ERROR(meter_.check(record));
  const LayerShape& layer = meter_.layer;
  const bool is_full = is_cut_by_size() && layer.bytes >= cuts_.bytes;
  if (is_full && meter_.is_new_page(record.key)) {
    cut_at(record.key);
  }
  if (!has_section_) RETURN_IF_ERROR(begin_section());
  if (layer.records == 0 && is_cut_by_size() && layer.is_delta()) {
    meter_.layer.keys.begin = record.key;
  }
  const std::uint64_t bytes_before = layer.bytes;
  meter_.add(record);
  file_bytes.back() += layer.bytes - bytes_before;
  return files.back()->append(record);
}

Status LayerWriter::begin_section() {
  bool is_new_file = files.empty() || is_cut_by_size();
  LayerShape& layer = meter_.layer;
  while (cut_points_passed_ < cuts_.points.size() &&
         cuts_.points[cut_points_passed_] <= layer.keys.begin) {
    is_new_file = true;
    ++cut_points_passed_;
  }
  if (is_new_file) {
    ASSIGN_OR_RETURN(auto file, storage_.create(control_));
    files.push_back(std::move(file));
    file_bytes.push_back(0);
  }
  layer.file = files.size() - 1;
  layer.section = 0;
  for (const LayerShape& written : layers) layer.section += written.file == layer.file ? 1U : 0U;
  has_section_ = true;
  return files.back()->begin_section();
}

void LayerWriter::cut_at(Key key) {
  const LayerKind kind = meter_.layer.kind;
  const KeyRange keys = meter_.layer.keys;
  const LsnRange lsns = meter_.layer.lsns;
  if (kind == LayerKind::kImage) meter_.layer.keys.end = key;
  end_layer();
  begin_layer(kind, {key, keys.end}, lsns);
}

void LayerWriter::end_layer() {
  if (!std::exchange(has_section_, false)) return;
  if (is_cut_by_size() && meter_.layer.is_delta()) {
    meter_.layer.keys.end = advance(meter_.last_key(), 1);
  }
  layers.push_back(std::move(meter_.layer));
}

Status LayerWriter::finish() {
  for (const auto& file : files) RETURN_IF_ERROR(file->finish());
  return {};
}

}  // namespace packstore
