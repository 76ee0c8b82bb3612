#include "compaction/memory_layers.h"

#include <utility>

#include "base/error.h"

namespace packstore {

Result<const LayerRecord*> OwnedStream::next() {
  while (next_ < layer_->size() && !keys_.contains((*layer_)[next_].key)) ++next_;
  if (next_ == layer_->size()) return nullptr;
  const OwnedRecord& record = (*layer_)[next_++];
  RETURN_IF_ERROR(control_.before_read(record.value.size()));
  record_ = {record.key, record.lsn, as_bytes(record.value)};
  return &record_;
}

namespace {

class MemoryFile final : public LayerFile {
 public:
  explicit MemoryFile(const JobControl& control) : control_(control) {}

  Status begin_section() override {
    sections_.push_back(std::make_shared<OwnedLayer>());
    return {};
  }
  Status append(const LayerRecord& record) override {
    RETURN_IF_ERROR(control_.before_write(record.value.size()));
    sections_.back()->push_back({record.key, record.lsn, std::string(as_text(record.value))});
    return {};
  }
  Status finish() override { return {}; }

  MemoryLayers::Sections sections() const { return {sections_.begin(), sections_.end()}; }

 private:
  const JobControl& control_;
  std::vector<std::shared_ptr<OwnedLayer>> sections_;
};

std::uint64_t hash_on(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash * 0x9E3779B97F4A7C15U + text.size();
}

class HashPages final : public PageBuilder {
 public:
  void begin(Key, ByteView page) override { page_ = as_text(page); }
  Status apply(const LayerRecord& record) override {
    apply(as_text(record.value));
    return {};
  }
  void apply(std::string_view value) {
    const std::uint64_t before = page_.empty() ? 0xCBF29CE484222325U : std::stoull(page_);
    page_ = value == "gone" ? std::string() : std::to_string(hash_on(before, value));
  }
  Result<ByteView> finish() override { return as_bytes(page_); }

 private:
  std::string page_;
};

}  // namespace

Result<std::unique_ptr<RecordStream>> MemoryLayers::open(const LayerShape& layer,
                                                         const KeyRange& keys,
                                                         const JobControl& control) {
  const std::lock_guard lock(mutex_);
  const auto file = files_.find(layer.file);
  if (file == files_.end() || layer.section >= file->second.size()) {
    return fail(ErrorCode::kNotFound, "file {} section {}", layer.file, layer.section);
  }
  const KeyRange inside{std::max(keys.begin, layer.keys.begin), std::min(keys.end, layer.keys.end)};
  return std::unique_ptr<RecordStream>(
      std::make_unique<OwnedStream>(file->second[layer.section], inside, control));
}

Result<std::unique_ptr<LayerFile>> MemoryLayers::create(const JobControl& control) {
  return std::unique_ptr<LayerFile>(std::make_unique<MemoryFile>(control));
}

Status MemoryLayers::publish(const LayerListing& listing) {
  const std::lock_guard lock(mutex_);
  std::map<FileId, Sections> left;
  for (const NewLayerFile& added : listing.added) {
    files_[added.id] = static_cast<const MemoryFile*>(added.file)->sections();
  }
  for (const FileShape& file : listing.files) left[file.id] = files_.at(file.id);
  files_ = std::move(left);
  return {};
}

std::unique_ptr<PageBuilder> make_hash_pages() { return std::make_unique<HashPages>(); }

std::string hash_of(const std::vector<std::string>& values) {
  HashPages pages;
  pages.begin({}, {});
  for (const std::string& value : values) pages.apply(value);
  return std::string(as_text(pages.finish().value()));
}

}  // namespace packstore
