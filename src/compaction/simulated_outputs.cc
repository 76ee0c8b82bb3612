// Two ways to the shape of an output. Where a part begins and ends with whole cells, its shares are
// the sums of its inputs' shares. Where files are to be cut at a size between any two pages, pages
// are walked over one by one (cut_by_size.cc).
#include "compaction/simulated_outputs.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace packstore {
namespace {

struct Scene {
  const CompactionJob& job;
  const WriteHistory::Data& history;
  const LayerSet& layers;
  const PageState& pages;
};

Result<const LayerShape*> find_input(const Scene& scene, const JobInput& input) {
  const LayerShape* layer = scene.layers.find(input.layer);
  if (layer != nullptr) return layer;
  return fail(ErrorCode::kInvalidArgument, "job input: layer {} is not there", input.layer);
}

// Pages whose newest embedded copy lies in `lsns`.
std::uint64_t count_embedded(const Scene& scene, const KeyRange& keys, const LsnRange& lsns) {
  const std::uint32_t end = scene.history.page_at(keys.end);
  std::uint64_t count = 0;
  for (std::uint32_t page = scene.history.page_at(keys.begin); page < end; ++page) {
    const std::uint32_t number = scene.pages.embedded_in[page];
    if (number != 0 && lsns.contains(scene.history.flushes[number - 1].lsns)) ++count;
  }
  return count;
}

// Sums the shares of equal cells. A merge keeps the newest embedded copy of a page only.
void add_up_cells(const Scene& scene, LayerShape& layer) {
  auto& cells = layer.cells;
  std::ranges::stable_sort(cells, {}, &CellShare::cell);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (kept != 0 && cells[kept - 1].cell == cells[i].cell) {
      CellShare& sum = cells[kept - 1];
      sum.bytes += cells[i].bytes;
      sum.records += cells[i].records;
      sum.embedded_pages += cells[i].embedded_pages;
      sum.visits_even += cells[i].visits_even;
      sum.visits_hot += cells[i].visits_hot;
    } else {
      cells[kept++] = cells[i];
    }
  }
  cells.resize(kept);
  for (CellShare& share : cells) {
    if (scene.job.kind == JobKind::kMerge) {
      share.visits_even = 0;
      share.visits_hot = 0;
      if (share.embedded_pages != 0) {
        const std::uint64_t left =
            count_embedded(scene, scene.history.workload.grid.cell_range(share.cell), layer.lsns);
        share.bytes -= (share.embedded_pages - std::min(left, share.embedded_pages)) * kPageBytes;
        share.embedded_pages = std::min(left, share.embedded_pages);
      }
    }
    layer.bytes += share.bytes;
    layer.records += share.records;
    layer.embedded_pages += share.embedded_pages;
  }
}

Status make_delta(const Scene& scene, const JobPart& part, LayerEdit& edit) {
  LayerShape layer{.keys = part.keys, .lsns = part.lsns};
  std::uint64_t inputs_with_records = 0;
  for (const JobInput& input : part.inputs) {
    ASSIGN_OR_RETURN(const LayerShape* from, find_input(scene, input));
    const LayerShape taken = part_of_layer(*from, input.keys);
    if (!from->is_in_memory()) edit.read_bytes += taken.bytes;
    inputs_with_records += taken.records != 0 ? 1U : 0U;
    layer.kind = from->kind;  // An image is copied out of a dead file as what it is.
    layer.file = from->file;
    layer.page_bytes_max += taken.page_bytes_max;
    layer.cells.insert(layer.cells.end(), taken.cells.begin(), taken.cells.end());
  }
  add_up_cells(scene, layer);
  if (inputs_with_records == 1) edit.single_input_bytes += layer.bytes;
  edit.added.push_back(std::move(layer));
  return {};
}

// A layer in its own file, in another rectangle.
Status cut_layer(const Scene& scene, const JobPart& part, LayerEdit& edit) {
  if (part.inputs.size() != 1) {
    return fail(ErrorCode::kInvalidArgument, "job: a cut of {} layers", part.inputs.size());
  }
  ASSIGN_OR_RETURN(const LayerShape* from, find_input(scene, part.inputs.front()));
  LayerShape layer = part_of_layer(*from, part.inputs.front().keys);
  layer.keys = part.keys;
  layer.lsns = part.lsns;
  edit.added.push_back(std::move(layer));
  return {};
}

LayerShape image_of(const Scene& scene, const KeyRange& keys, Lsn lsn) {
  LayerShape image{
      .kind = LayerKind::kImage, .keys = keys, .lsns = {lsn, lsn}, .page_bytes_max = kPageBytes};
  const unsigned shift = scene.history.workload.grid.cell_keys_log2;
  const std::uint32_t end = scene.history.page_at(keys.end);
  std::uint32_t last_cell = ~std::uint32_t{0};
  for (std::uint32_t page = scene.history.page_at(keys.begin); page < end; ++page) {
    if (scene.pages.in_use[page] == 0) continue;
    if (page >> shift != last_cell) {
      last_cell = page >> shift;
      image.cells.push_back({.cell = scene.history.key_of(last_cell << shift)});
    }
    image.cells.back().bytes += kPageBytes;
    ++image.cells.back().records;
    image.bytes += kPageBytes;
    ++image.records;
  }
  return image;
}

// Images of about `target` bytes; what would be a tail of a quarter is left with the one before it.
void cut_images(const Scene& scene, const JobPart& part, std::uint64_t target, LayerEdit& edit) {
  const std::uint32_t begin = scene.history.page_at(part.keys.begin);
  const std::uint32_t end = scene.history.page_at(part.keys.end);
  std::uint64_t left = 0;
  for (std::uint32_t page = begin; page < end; ++page) left += scene.pages.in_use[page];
  const std::uint64_t pages_target = std::max<std::uint64_t>(target / kPageBytes, 1);
  Key from = part.keys.begin;
  std::uint64_t count = 0;
  for (std::uint32_t page = begin; page < end; ++page) {
    if (count == pages_target && count + left > pages_target + pages_target / 4) {
      edit.added.push_back(image_of(scene, {from, scene.history.key_of(page)}, part.lsns.end));
      from = scene.history.key_of(page);
      count = 0;
    }
    count += scene.pages.in_use[page];
    left -= scene.pages.in_use[page];
  }
  edit.added.push_back(image_of(scene, {from, part.keys.end}, part.lsns.end));
}

Status make_images(const Scene& scene, const JobPart& part, LayerEdit& edit) {
  if (part.lsns.end != scene.history.flushes.back().lsns.end &&
      std::ranges::none_of(scene.history.flushes, [&](const FlushInterval& flush) {
        return flush.lsns.end == part.lsns.end;
      })) {
    return fail(ErrorCode::kInvalidArgument, "job: an image at LSN {}, where no flush ends",
                part.lsns.end);
  }
  for (const JobInput& input : part.inputs) {
    ASSIGN_OR_RETURN(const LayerShape* from, find_input(scene, input));
    edit.read_bytes += part_of_layer(*from, input.keys).bytes;
  }
  if (scene.job.cuts.bytes != 0) {
    cut_images(scene, part, scene.job.cuts.bytes, edit);
  } else {
    edit.added.push_back(image_of(scene, part.keys, part.lsns.end));
  }
  return {};
}

Status make_part(const Scene& scene, const JobPart& part, LayerEdit& edit) {
  switch (scene.job.kind) {
    case JobKind::kDrop:
      return {};
    case JobKind::kCut:
    case JobKind::kMove:
      return cut_layer(scene, part, edit);
    case JobKind::kImage:
      return make_images(scene, part, edit);
    case JobKind::kMerge:
    case JobKind::kReclaim:
      break;
  }
  if (scene.job.cuts.bytes == 0) return make_delta(scene, part, edit);
  for (const JobInput& input : part.inputs) {
    ASSIGN_OR_RETURN(const LayerShape* from, find_input(scene, input));
    edit.read_bytes += from->bytes;
  }
  std::ranges::move(cut_by_size(part, scene.history, scene.job.cuts.bytes),
                    std::back_inserter(edit.added));
  return {};
}

bool writes_nothing(JobKind kind) {
  return kind == JobKind::kCut || kind == JobKind::kMove || kind == JobKind::kDrop;
}

void divide_into_files(const CompactionJob& job, LayerEdit& edit) {
  auto point = job.cuts.points.begin();
  for (LayerShape& layer : edit.added) {
    bool is_new = edit.file_bytes.empty() || job.cuts.bytes != 0;
    while (point != job.cuts.points.end() && *point <= layer.keys.begin) {
      is_new = true;
      ++point;
    }
    if (is_new) edit.file_bytes.push_back(0);
    layer.file = edit.file_bytes.size() - 1;
    edit.file_bytes.back() += layer.bytes;
  }
}

}  // namespace

Area area_of(const WriteHistory::Data& history, const KeyRange& keys, const LsnRange& lsns) {
  return {history.page_at(keys.begin), history.page_at(keys.end), lsns};
}

std::uint64_t bytes_within(const PageWrites& writes, const LsnRange& interval,
                           const LsnRange& lsns) {
  if (lsns.contains(interval)) return writes.bytes;
  const auto before = [&](Lsn lsn) {
    const Lsn inside = std::clamp(lsn, interval.begin, interval.end) - interval.begin;
    return writes.bytes * inside / interval.height();
  };
  return before(lsns.end) - before(lsns.begin);
}

Result<LayerEdit> work_out(const CompactionJob& job, const WriteHistory::Data& history,
                           const LayerSet& layers, const PageState& pages) {
  const Scene scene{job, history, layers, pages};
  LayerEdit edit;
  for (const JobPart& part : job.parts) {
    RETURN_IF_ERROR(make_part(scene, part, edit));
    if (job.kind == JobKind::kImage) continue;  // What is under an image stays.
    for (const JobInput& input : part.inputs) {
      ASSIGN_OR_RETURN(const LayerShape* from, find_input(scene, input));
      edit.removed.push_back(input);
      if (!from->is_delta()) continue;
      const KeyRange keys{std::max(input.keys.begin, from->keys.begin),
                          std::min(input.keys.end, from->keys.end)};
      edit.removed_areas.push_back(area_of(history, keys, from->lsns));
    }
  }
  std::erase_if(edit.added, [](const LayerShape& layer) { return layer.cells.empty(); });
  for (const LayerShape& layer : edit.added) {
    if (layer.is_delta()) edit.added_areas.push_back(area_of(history, layer.keys, layer.lsns));
  }
  if (!writes_nothing(job.kind)) divide_into_files(job, edit);
  return edit;
}

}  // namespace packstore
