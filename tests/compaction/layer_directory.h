// Layers as files of a directory: what tests and the benchmark put under RecordExecutor.
//
//   layer-N   sections of blocks of about 64 KiB, then where each block is and what it begins with
//   listing   the layers and files that are live; replaced in one step
//
// Blocks that no layer holds any more become holes, where the file system can do that.
// What a crash leaves beside the listed files goes when the directory is opened.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "compaction/layer_set.h"
#include "compaction/layer_storage.h"
#include "io/file.h"

namespace packstore {

struct LayerBlock {
  Key first = {};
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;
};

struct OpenLayerFile {
  std::unique_ptr<io::File> file;
  std::vector<std::vector<LayerBlock>> sections;
};

class LayerDirectory final : public LayerStorage {
 public:
  static constexpr std::size_t kBlockBytes = 64 * 1024;
  // Between two layers no more than a block stays on either side of what is dead.
  static constexpr std::uint64_t kHoleBytes = 2 * kBlockBytes;

  // Takes up what is there. kCorrupt: the listing is damaged.
  static Result<std::unique_ptr<LayerDirectory>> open(std::unique_ptr<io::Directory> directory,
                                                      Grid grid);

  // As listed when it was opened.
  const LayerSet& layers() const { return layers_; }

  Result<std::unique_ptr<RecordStream>> open(const LayerShape& layer, const KeyRange& keys,
                                             const JobControl& control) override;
  Result<std::unique_ptr<LayerFile>> create(const JobControl& control) override;
  Status publish(const LayerListing& listing) override;
  Status give_back_dead_bytes(std::span<const LayerShape> layers) override;

 private:
  LayerDirectory(std::unique_ptr<io::Directory> directory, Grid grid)
      : directory_(std::move(directory)), layers_(grid, kHoleBytes) {}

  Status remove_unlisted(std::span<const FileShape> files);
  Status punch_holes(FileId id, std::span<const LayerShape> layers);
  Result<std::shared_ptr<const OpenLayerFile>> file_of(FileId id);

  std::unique_ptr<io::Directory> directory_;
  LayerSet layers_;
  std::atomic<std::uint64_t> created_ = 0;
  std::mutex mutex_;
  std::map<FileId, std::shared_ptr<const OpenLayerFile>> open_;  // Shared with streams.
  std::vector<FileShape> files_;                                 // As listed last.
  std::map<FileId, std::uint64_t> without_holes_;  // Bytes of layers when holes were last made.
};

}  // namespace packstore
