// Where the records of layers are kept: as much of it as carrying out jobs needs. Tests keep them
// in memory and in a directory; layers of a timeline are objects of a store.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "compaction/record_merge.h"
#include "packstore/compaction_runner.h"
#include "packstore/layer_shape.h"
#include "packstore/result.h"

namespace packstore {

// A file that is being written: sections, one for each layer, numbered from 0. Destroying it before
// it is published removes it. One thread at a time.
class LayerFile {
 public:
  virtual ~LayerFile();
  virtual Status begin_section() = 0;
  // By ascending key, then LSN, within a section. Holds a block, and a few bytes for each block.
  virtual Status append(const LayerRecord& record) = 0;
  // Makes every byte durable; nothing is appended afterwards.
  virtual Status finish() = 0;
};

struct NewLayerFile {
  FileId id = 0;
  LayerFile* file = nullptr;
};

// All that is live from now on. Files that are no longer listed may go.
struct LayerListing {
  std::span<const LayerShape> layers = {};  // By ascending id.
  std::span<const FileShape> files = {};    // By ascending id.
  std::span<const NewLayerFile> added = {};
};

// Thread safety: open() and create() from any thread, the others from one at a time.
class LayerStorage {
 public:
  virtual ~LayerStorage();
  // The records of the layer's section whose keys are in `keys`. Asks `control` before every block.
  virtual Result<std::unique_ptr<RecordStream>> open(const LayerShape& layer, const KeyRange& keys,
                                                     const JobControl& control) = 0;
  virtual Result<std::unique_ptr<LayerFile>> create(const JobControl& control) = 0;
  // One step that a crash does not divide: afterwards this listing holds, or the last one does.
  virtual Status publish(const LayerListing& listing) = 0;
  // Nobody reads by an older listing than the last one any more, whose layers these are: what none
  // of them holds may go from files that stay.
  virtual Status give_back_dead_bytes(std::span<const LayerShape> /*layers*/) { return {}; }
};

}  // namespace packstore
