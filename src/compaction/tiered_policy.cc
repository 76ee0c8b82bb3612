// The reference rule: one decision a level, for all keys.
//
//   LSN ^   tip ------------------------------------     1. Walk down from the tip over deltas not
//       |   [=========== delta, height h ==========]        taller than 1.75 h; a bottom is where
//       no |   [=====][======][=====][======]  h              delta crosses. |   ------ bottom of
//       level 0 ---------------     2. Depth: deltas stacked above the newest |   [==   ][== ][==
//       ][==    ]  4h              image, at the worst key. Columns one key | wide do not count.
//       +------------------------------------> keys      3. Under F deep: stop. Else compact it:
//
// 4. If the pages in use are fewer bytes than all deltas of the level, those that images already
//    cover included, the whole key space gets images at the top of the level, and the deltas stay.
//    (So a young database is imaged, and then, as its deltas stay, imaged for ever.)
// 5. Else the deltas are merged and cut at the target size, keys between pages.
// The next round looks at the next level, F times as tall.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "packstore/compaction.h"

namespace packstore {
namespace {

struct Level {
  std::vector<const LayerShape*> deltas;  // By descending end.
  LsnRange lsns;
};

// Levels are recognised by their shape: nothing marks them.
Level find_level(const PlannerInput& input, std::uint64_t height) {
  Level level;
  std::vector<const LayerShape*> deltas;
  for (const LayerShape& layer : input.layers) {
    if (layer.is_delta()) deltas.push_back(&layer);
  }
  if (deltas.empty()) return level;
  std::ranges::sort(deltas, [](const LayerShape* a, const LayerShape* b) {
    return a->lsns.end != b->lsns.end ? a->lsns.end > b->lsns.end : a->id < b->id;
  });
  Lsn lowest = deltas.front()->lsns.end;
  std::size_t accepted = 0;
  std::size_t walked = 0;
  Lsn bottom = lowest;
  for (; walked < deltas.size(); ++walked) {
    const LayerShape& delta = *deltas[walked];
    if (delta.lsns.end <= lowest) {
      accepted = walked;
      bottom = lowest;
    }
    if (static_cast<double>(delta.lsns.height()) > 1.75 * static_cast<double>(height)) break;
    lowest = std::min(lowest, delta.lsns.begin);
  }
  if (walked == deltas.size()) {
    accepted = walked;
    bottom = lowest;
  }
  level.lsns = {bottom, deltas.front()->lsns.end};
  level.deltas.assign(deltas.begin(), deltas.begin() + static_cast<std::ptrdiff_t>(accepted));
  return level;
}

bool is_one_key(const LayerShape& layer) { return distance(layer.keys.begin, layer.keys.end) == 1; }

// The newest image over each key, as steps: from the key up to the next one.
std::map<Key, Lsn> newest_images(const PlannerInput& input) {
  std::map<Key, Lsn> newest{{Key::min(), 0}};
  const auto split = [&](Key key) {
    const auto after = newest.lower_bound(key);
    if (after != newest.end() && after->first == key) return after;
    return newest.emplace_hint(after, key, std::prev(after)->second);
  };
  for (const LayerShape& layer : input.layers) {
    if (layer.is_delta()) continue;
    auto step = split(layer.keys.begin);
    const auto end = split(layer.keys.end);
    for (; step != end; ++step) step->second = std::max(step->second, layer.lsns.end);
  }
  return newest;
}

std::int64_t find_depth(const PlannerInput& input, const Level& level) {
  std::map<Key, std::int64_t> changes;
  const std::map<Key, Lsn> images = newest_images(input);
  for (const LayerShape* delta : level.deltas) {
    if (is_one_key(*delta)) continue;
    // Where the newest image lies below the delta's end, it is in the way of reads.
    for (auto step = std::prev(images.upper_bound(delta->keys.begin));
         step != images.end() && step->first < delta->keys.end; ++step) {
      if (step->second >= delta->lsns.end) continue;
      const auto next = std::next(step);
      ++changes[std::max(step->first, delta->keys.begin)];
      --changes[next == images.end() ? delta->keys.end : std::min(next->first, delta->keys.end)];
    }
  }
  std::int64_t depth = 0;
  std::int64_t deepest = 0;
  for (const auto& [key, change] : changes) deepest = std::max(deepest, depth += change);
  return deepest;
}

CompactionJob make_images(const Level& level, std::uint64_t page_bytes, std::uint64_t delta_bytes,
                          std::uint64_t file_bytes) {
  CompactionJob job{.kind = JobKind::kImage, .cuts = {.bytes = file_bytes}};
  job.parts.push_back(
      {.keys = KeyRange::all(), .lsns = {level.lsns.end, level.lsns.end}, .bytes = page_bytes});
  job.effect.bytes_written = page_bytes;
  job.effect.space_bytes = static_cast<std::int64_t>(page_bytes);
  job.reason = fmt::format("pages {} bytes < deltas {} bytes", page_bytes, delta_bytes);
  return job;
}

CompactionJob retile(const Level& level, std::uint64_t page_bytes, std::uint64_t delta_bytes,
                     std::uint64_t file_bytes) {
  CompactionJob job{.kind = JobKind::kMerge, .cuts = {.bytes = file_bytes}};
  JobPart part{.keys = KeyRange::all(), .lsns = level.lsns, .bytes = delta_bytes};
  for (const LayerShape* delta : level.deltas) part.inputs.push_back({delta->id, delta->keys});
  job.parts.push_back(std::move(part));
  job.effect.bytes_read = delta_bytes;
  job.effect.bytes_written = delta_bytes;
  job.reason = fmt::format("deltas {} bytes <= pages {} bytes", delta_bytes, page_bytes);
  return job;
}

class TieredPolicy final : public CompactionPolicy {
 public:
  explicit TieredPolicy(const PolicySizing& sizing) : sizing_(sizing) {}

  std::string_view name() const override { return "tiered"; }

  Result<CompactionPlan> plan(const PlannerInput& input) const override {
    RETURN_IF_ERROR(check_planner_input(input));
    CompactionPlan plan{.tuning = input.tuning};
    std::uint64_t height = sizing_.file_bytes;
    for (std::uint32_t level = 0; level < input.round; ++level) {
      if (__builtin_mul_overflow(height, std::max(sizing_.fan_out, 2U), &height)) return plan;
    }
    const Level level = find_level(input, height);
    if (find_depth(input, level) < sizing_.fan_out) return plan;
    std::uint64_t delta_bytes = 0;
    for (const LayerShape* delta : level.deltas) delta_bytes += delta->bytes;
    std::uint64_t page_bytes = 0;
    for (const CellState& cell : input.cells) page_bytes += cell.pages * kPageBytes;
    plan.jobs.push_back(page_bytes < delta_bytes
                            ? make_images(level, page_bytes, delta_bytes, sizing_.file_bytes)
                            : retile(level, page_bytes, delta_bytes, sizing_.file_bytes));
    return plan;
  }

 private:
  PolicySizing sizing_;
};

}  // namespace

std::unique_ptr<CompactionPolicy> make_tiered_policy(const PolicySizing& sizing) {
  return std::make_unique<TieredPolicy>(sizing);
}

}  // namespace packstore
