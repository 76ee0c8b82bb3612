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

class LayerWriter {
 public:
  LayerWriter(const OutputCuts& cuts, const Grid& grid, LayerStorage& storage,
              const JobControl& control)
      : cuts_(cuts), grid_(grid), storage_(storage), control_(control) {}

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
  Status check(const LayerRecord& record) const;
  Status begin_section();
  void cut_at(Key key);
  void measure(const LayerRecord& record);

  const OutputCuts& cuts_;
  Grid grid_;
  LayerStorage& storage_;
  const JobControl& control_;
  std::size_t cut_points_passed_ = 0;
  LayerShape layer_;  // In the making.
  bool has_section_ = false;
  Key last_key_ = {};
  std::uint64_t page_bytes_ = 0;  // Of `last_key_` so far.
};

}  // namespace packstore
