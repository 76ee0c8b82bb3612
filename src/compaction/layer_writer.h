// Lays the records that a job makes into files and layers, and measures them on the way.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "compaction/layer_storage.h"
#include "packstore/compaction.h"

namespace packstore {

// What a record takes beside its value, in sizes of layers: key, LSN and length.
inline constexpr std::uint64_t kRecordHeadBytes = 16 + 8 + 4;

// The shape of a layer, from its records one after the other.
class LayerMeter {
 public:
  explicit LayerMeter(const Grid& grid) : grid_(grid) {}

  void begin(LayerKind kind, const KeyRange& keys, const LsnRange& lsns);
  // kCorrupt: the record lies outside of the layer.
  Status check(const LayerRecord& record) const;
  void add(const LayerRecord& record);
  bool is_new_page(Key key) const { return layer.records == 0 || key != last_key_; }
  Key last_key() const { return last_key_; }

  LayerShape layer;

 private:
  Grid grid_;
  Key last_key_ = {};
  std::uint64_t page_bytes_ = 0;  // Of `last_key_` so far.
};

class LayerWriter {
 public:
  LayerWriter(const OutputCuts& cuts, const Grid& grid, LayerStorage& storage,
              const JobControl& control)
      : cuts_(cuts), storage_(storage), control_(control), meter_(grid) {}

  // Records of the layer follow. A layer without any is not made.
  void begin_layer(LayerKind kind, const KeyRange& keys, const LsnRange& lsns);
  // kCorrupt: the record lies outside of the layer.
  Status append(const LayerRecord& record);
  void end_layer();
  // All files are durable.
  Status finish();

  // `file` of a layer is a position in `files`.
  std::vector<LayerShape> layers;
  std::vector<std::unique_ptr<LayerFile>> files;
  std::vector<std::uint64_t> file_bytes;

 private:
  bool is_cut_by_size() const { return cuts_.bytes != 0; }
  Status begin_section();
  void cut_at(Key key);

  const OutputCuts& cuts_;
  LayerStorage& storage_;
  const JobControl& control_;
  std::size_t cut_points_passed_ = 0;
  LayerMeter meter_;  // Of the layer in the making.
  bool has_section_ = false;
};

}  // namespace packstore
