// 1. The keys are divided where images begin and end, so that one image is the newest under all
//    keys of a stretch, or none is.
// 2. In each stretch the deltas that reach above its image are merged. Records below the image are
//    in it already, and those at or above the LSN came later.
// 3. Pages of the image are walked over beside them; where a key has records, they are applied.
#include "compaction/page_merge.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"

namespace packstore {

LayerFile::~LayerFile() = default;
LayerStorage::~LayerStorage() = default;
PageBuilder::~PageBuilder() = default;

namespace {

class StretchMerge {
 public:
  StretchMerge(PageBuilder& builder, Lsn lsn, Lsn image_lsn,
               const std::function<Status(const LayerRecord&)>& visit)
      : builder_(builder), lsn_(lsn), image_lsn_(image_lsn), visit_(visit) {}

  Status begin(std::unique_ptr<RecordStream> image) {
    image_ = std::move(image);
    return next_page();
  }

  Status apply(const LayerRecord& record) {
    if (record.lsn >= lsn_ || record.lsn < image_lsn_) return {};
    if (!is_building_ || building_ != record.key) {
      RETURN_IF_ERROR(finish_page());
      RETURN_IF_ERROR(pass_pages_before(record.key));
      const bool has_page = page_ != nullptr && page_->key == record.key;
      builder_.begin(record.key, has_page ? page_->value : ByteView());
      is_building_ = true;
      building_ = record.key;
      if (has_page) RETURN_IF_ERROR(next_page());
    }
    return builder_.apply(record);
  }

  Status finish() {
    RETURN_IF_ERROR(finish_page());
    return pass_pages_before(std::nullopt);
  }

 private:
  Status next_page() {
    page_ = nullptr;
    if (!image_) return {};
    ASSIGN_OR_RETURN(page_, image_->next());
    return {};
  }

  Status finish_page() {
    if (!std::exchange(is_building_, false)) return {};
    ASSIGN_OR_RETURN(const ByteView page, builder_.finish());
    return page.empty() ? Status() : visit_({building_, lsn_, page});
  }

  // Pages that nothing was written to since; all that are left if there is no key.
  Status pass_pages_before(std::optional<Key> key) {
    while (page_ != nullptr && (!key || page_->key < *key)) {
      RETURN_IF_ERROR(visit_({page_->key, lsn_, page_->value}));
      RETURN_IF_ERROR(next_page());
    }
    return {};
  }

  PageBuilder& builder_;
  Lsn lsn_;
  Lsn image_lsn_;
  const std::function<Status(const LayerRecord&)>& visit_;
  std::unique_ptr<RecordStream> image_;
  const LayerRecord* page_ = nullptr;  // The next of the image that is not passed.
  bool is_building_ = false;
  Key building_ = {};
};

struct Scene {
  std::span<const LayerShape> layers;
  const OpenLayer& open;
  Lsn lsn;
  PageBuilder& builder;
  const JobControl& control;
};

std::vector<Key> borders_of_images(const Scene& scene, const KeyRange& keys) {
  std::vector<Key> borders{keys.begin, keys.end};
  for (const LayerShape& layer : scene.layers) {
    if (layer.is_delta() || layer.lsns.end > scene.lsn) continue;
    for (const Key border : {layer.keys.begin, layer.keys.end}) {
      if (keys.contains(border)) borders.push_back(border);
    }
  }
  std::ranges::sort(borders);
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  return borders;
}

Status visit_stretch(const Scene& scene, const KeyRange& keys,
                     const std::function<Status(const LayerRecord&)>& visit) {
  const LayerShape* image = nullptr;
  for (const LayerShape& layer : scene.layers) {
    const bool is_under =
        !layer.is_delta() && layer.lsns.end <= scene.lsn && layer.keys.overlaps(keys);
    if (is_under && (image == nullptr || layer.lsns.end > image->lsns.end)) image = &layer;
  }
  const Lsn image_lsn = image == nullptr ? 0 : image->lsns.end;
  StretchMerge merge(scene.builder, scene.lsn, image_lsn, visit);
  std::unique_ptr<RecordStream> pages;
  if (image != nullptr) {
    ASSIGN_OR_RETURN(pages, scene.open(*image, keys, scene.control));
  }
  RETURN_IF_ERROR(merge.begin(std::move(pages)));
  std::vector<std::unique_ptr<RecordStream>> streams;
  for (const LayerShape& layer : scene.layers) {
    if (!layer.is_delta() || !layer.keys.overlaps(keys)) continue;
    if (layer.lsns.begin >= scene.lsn || layer.lsns.end <= image_lsn) continue;
    ASSIGN_OR_RETURN(auto stream, scene.open(layer, keys, scene.control));
    streams.push_back(std::move(stream));
  }
  RETURN_IF_ERROR(
      merge_records(streams, [&](const LayerRecord& record) { return merge.apply(record); }));
  return merge.finish();
}

}  // namespace

Status visit_pages(std::span<const LayerShape> layers, const OpenLayer& open, const KeyRange& keys,
                   Lsn lsn, PageBuilder& builder, const JobControl& control,
                   const std::function<Status(const LayerRecord&)>& visit) {
  const Scene scene{layers, open, lsn, builder, control};
  const std::vector<Key> borders = borders_of_images(scene, keys);
  for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
    RETURN_IF_ERROR(visit_stretch(scene, {borders[i], borders[i + 1]}, visit));
  }
  return {};
}

}  // namespace packstore
