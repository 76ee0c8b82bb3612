#include "compaction/simulated_fault.h"

#include <algorithm>
#include <utility>

namespace packstore {
namespace {

// The first or last page of `area` that has a record in it, or nullopt.
std::optional<std::uint32_t> outermost_page(const WriteHistory::Data& history, const Area& area,
                                            bool (*is_further)(std::uint32_t, std::uint32_t)) {
  std::optional<std::uint32_t> outermost;
  for (const FlushInterval& flush : history.flushes) {
    if (!area.lsns.contains(flush.lsns)) continue;
    for (const PageWrites& writes : flush.pages) {
      if (writes.page < area.page_begin || writes.page >= area.page_end) continue;
      if (!outermost || is_further(writes.page, *outermost)) outermost = writes.page;
    }
  }
  return outermost;
}

bool cut_short(const WriteHistory::Data& history, Area& area) {
  const auto last = outermost_page(history, area, [](auto a, auto b) { return a > b; });
  if (last) area.page_end = *last;
  return last.has_value();
}

bool cut_late(const WriteHistory::Data& history, Area& area) {
  const auto first = outermost_page(history, area, [](auto a, auto b) { return a < b; });
  if (first) area.page_begin = *first + 1;
  return first.has_value();
}

// The area begins just above its first record; the record is found by halving.
bool begin_above_first_record(const WriteHistory::Data& history, Area& area) {
  const auto has_record_below = [&](Lsn end) {
    return history.name_record(area.page_begin, area.page_end, {area.lsns.begin, end}).has_value();
  };
  Lsn without = area.lsns.begin;
  Lsn with = area.lsns.end;
  if (!has_record_below(with)) return false;
  while (with - without > 1) {
    const Lsn middle = without + (with - without) / 2;
    (has_record_below(middle) ? with : without) = middle;
  }
  area.lsns.begin = with;
  return true;
}

bool forget_neighbour(const WriteHistory::Data& history, const LayerSet& layers, LayerEdit& edit) {
  for (const LayerShape& layer : layers.layers()) {
    const bool is_input = std::ranges::any_of(
        edit.removed, [&](const JobInput& input) { return input.layer == layer.id; });
    if (is_input || !layer.is_delta()) continue;
    edit.removed_areas.push_back(area_of(history, layer.keys, layer.lsns));
    return true;
  }
  return false;
}

bool forget_base(const WriteHistory::Data& history, const LayerSet& layers, LayerEdit& edit) {
  const std::size_t before = edit.removed_areas.size();
  for (const LayerShape& image : edit.added) {
    for (const LayerShape& layer : layers.layers()) {
      const KeyRange keys{std::max(image.keys.begin, layer.keys.begin),
                          std::min(image.keys.end, layer.keys.end)};
      if (layer.is_delta() && !keys.empty() && layer.lsns.end <= image.lsns.begin) {
        edit.removed_areas.push_back(area_of(history, keys, layer.lsns));
      }
    }
  }
  return edit.removed_areas.size() != before;
}

bool swap_ranges(LayerEdit& edit) {
  for (std::size_t i = 1; i < edit.added_areas.size(); ++i) {
    if (edit.added_areas[i].lsns == edit.added_areas[0].lsns) continue;
    std::swap(edit.added_areas[i].lsns, edit.added_areas[0].lsns);
    return true;
  }
  return false;
}

}  // namespace

bool make_fault(SimulatedFault fault, const CompactionJob& job, const WriteHistory::Data& history,
                const LayerSet& layers, LayerEdit& edit) {
  if (fault == SimulatedFault::kImageWithoutBase) {
    return job.kind == JobKind::kImage && forget_base(history, layers, edit);
  }
  if (job.kind != JobKind::kMerge || edit.added_areas.empty()) return false;
  Area& some = edit.added_areas[edit.added_areas.size() / 2];
  switch (fault) {
    case SimulatedFault::kNone:
    case SimulatedFault::kImageWithoutBase:
      return false;
    case SimulatedFault::kLoseOutput:
      edit.added_areas.erase(edit.added_areas.begin() +
                             static_cast<std::ptrdiff_t>(edit.added_areas.size() / 2));
      return true;
    case SimulatedFault::kDropInputEarly:
      edit.added_areas.clear();
      return true;
    case SimulatedFault::kCutOnePageShort:
      return cut_short(history, some);
    case SimulatedFault::kCutOnePageLate:
      return cut_late(history, some);
    case SimulatedFault::kLsnOffByOne:
      return begin_above_first_record(history, some);
    case SimulatedFault::kPublishTwice:
      edit.added_areas.push_back(some);
      return true;
    case SimulatedFault::kKeepInputs:
      edit.removed_areas.clear();
      return true;
    case SimulatedFault::kWrongInput:
      return forget_neighbour(history, layers, edit);
    case SimulatedFault::kSwapRanges:
      return swap_ranges(edit);
  }
  return false;
}

}  // namespace packstore
