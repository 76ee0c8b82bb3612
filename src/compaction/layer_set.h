// The layers and files that are live, and how jobs change them.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "packstore/compaction.h"
#include "packstore/layer_shape.h"
#include "packstore/result.h"

namespace packstore {

// The part of `layer` that lies in `keys`; its bytes and records are those of the whole cells.
LayerShape part_of_layer(const LayerShape& layer, const KeyRange& keys);

// Shapes by ascending id. Between two settle() calls a layer keeps its id however much of it is
// removed, so that jobs of one plan name layers as the plan found them.
class LayerSet {
 public:
  // Files give back what is dead in them in blocks of `hole_bytes`; 0: only when all of it is.
  explicit LayerSet(Grid grid, std::uint64_t hole_bytes = 0)
      : grid_(grid), hole_bytes_(hole_bytes) {}
  // Layers and files as another set listed them.
  LayerSet(Grid grid, std::vector<LayerShape> layers, std::vector<FileShape> files,
           std::uint64_t hole_bytes = 0);

  FileId add_file(std::uint64_t bytes);
  // Gives the layer the next id. Its file must be known, or kInMemory.
  LayerId add(LayerShape layer);
  // Puts the layers that are in memory into a new file; returns its bytes. 0: there are none.
  std::uint64_t write_memory();
  // kInvalidArgument: no such layer, a range that it has lost already, or borders within a cell.
  Status remove(const JobInput& input);
  // Narrows and divides what lost parts, and lets files give back what is dead in them.
  void settle();

  // The layer as it was at the last settle(), or nullptr.
  const LayerShape* find(LayerId id) const;
  std::span<const LayerShape> layers() const { return layers_; }
  std::span<const FileShape> files() const { return files_; }
  const Grid& grid() const { return grid_; }
  // Calls `visit(layer, share)` for every share; it may change the visits of the share.
  template <typename Visit>
  void visit_shares(const Visit& visit) {
    for (LayerShape& layer : layers_) {
      for (CellShare& share : layer.cells) visit(layer, share);
    }
  }
  std::uint64_t deleted_count() const { return deleted_count_; }

 private:
  struct Lost {
    std::vector<KeyRange> ranges;
  };

  bool is_border(const LayerShape& layer, Key key) const;
  void keep_rest(LayerShape&& layer, std::vector<KeyRange> lost, std::vector<LayerShape>& pieces);
  void give_back_dead_bytes();

  Grid grid_;
  std::uint64_t hole_bytes_;
  std::vector<LayerShape> layers_;
  std::vector<FileShape> files_;
  std::map<LayerId, Lost> lost_;
  LayerId next_layer_ = 1;
  FileId next_file_ = 1;
  std::uint64_t deleted_count_ = 0;
};

}  // namespace packstore
