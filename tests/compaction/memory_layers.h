// Layers kept in memory, and pages that know their history.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compaction/layer_storage.h"
#include "compaction/page_merge.h"
#include "compaction/record_executor.h"

namespace packstore {

struct OwnedRecord {
  Key key = {};
  Lsn lsn = 0;
  std::string value = {};
};

using OwnedLayer = std::vector<OwnedRecord>;

// The records of a vector whose keys are in a range.
class OwnedStream final : public RecordStream {
 public:
  OwnedStream(std::shared_ptr<const OwnedLayer> layer, const KeyRange& keys,
              const JobControl& control)
      : layer_(std::move(layer)), keys_(keys), control_(control) {}

  Result<const LayerRecord*> next() override;

 private:
  std::shared_ptr<const OwnedLayer> layer_;
  KeyRange keys_;
  const JobControl& control_;
  std::size_t next_ = 0;
  LayerRecord record_;
};

inline std::unique_ptr<RecordStream> stream_of(OwnedLayer layer) {
  static const JobControl control({}, {}, {});
  return std::make_unique<OwnedStream>(std::make_shared<const OwnedLayer>(std::move(layer)),
                                       KeyRange::all(), control);
}

// A flush whose records stay where they are.
inline OpenFlush in_memory(OwnedLayer layer) {
  return [records = std::make_shared<const OwnedLayer>(std::move(layer))](
             const KeyRange& keys,
             const JobControl& control) -> Result<std::unique_ptr<RecordStream>> {
    return std::unique_ptr<RecordStream>(std::make_unique<OwnedStream>(records, keys, control));
  };
}

class MemoryLayers final : public LayerStorage {
 public:
  using Sections = std::vector<std::shared_ptr<const OwnedLayer>>;

  void copy_from(const MemoryLayers& other) { files_ = other.files_; }

  Result<std::unique_ptr<RecordStream>> open(const LayerShape& layer, const KeyRange& keys,
                                             const JobControl& control) override;
  Result<std::unique_ptr<LayerFile>> create(const JobControl& control) override;
  Status publish(const LayerListing& listing) override;

  std::size_t file_count() const { return files_.size(); }

 private:
  std::mutex mutex_;
  std::map<FileId, Sections> files_;
};

// A page is a hash of all that was written to it, in order; a record of "gone" takes it away.
std::unique_ptr<PageBuilder> make_hash_pages();

// What make_hash_pages() makes of these values, one after the other.
std::string hash_of(const std::vector<std::string>& values);

}  // namespace packstore
