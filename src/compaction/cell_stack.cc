// From decisions about cells to jobs about layers and files.
//
// 1. Shares of layers are sorted into stacks, one a cell, down to the newest image.
// 2. What cells are to write is laid into files from left to right. Each cell makes a rectangle of
//    its own, so that no layer but a flushed one ever straddles a border of another.
// 3. Files are as many as bring them nearest to the target size, and all as large: a file ends with
//    the cell that brings it nearest to its share.
#include "compaction/cell_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

namespace packstore {
namespace {

// Calls `visit(stack, layer, share)` for the shares of images, or of deltas.
template <typename Visit>
void visit_shares(const PlannerInput& input, LayerKind kind, std::vector<CellStack>& stacks,
                  const Visit& visit) {
  const auto is_before = [](const CellStack& stack, Key key) {
    return stack.cell->keys.begin < key;
  };
  for (const LayerShape& layer : input.layers) {
    if (layer.kind != kind) continue;
    auto stack = stacks.begin();
    for (const CellShare& share : layer.cells) {
      stack = std::lower_bound(stack, stacks.end(), share.cell, is_before);
      if (stack == stacks.end()) break;
      if (stack->cell->keys.begin == share.cell) visit(*stack, layer, share);
    }
  }
}

struct Terms {
  std::uint64_t cells = 0;
  double rent = 0;
};

void add_part(CompactionJob& job, Terms& terms, CellPart&& cell) {
  ++terms.cells;
  terms.rent += cell.rent;
  job.effect.read_amp -= cell.pages_share * cell.layers_removed;
  job.effect.bytes_written += cell.part.bytes;
  if (job.kind != JobKind::kImage) {
    job.effect.bytes_read += cell.part.bytes - std::min(cell.part.bytes, cell.bytes_in_memory);
  }
  if (job.kind == JobKind::kImage) {
    job.effect.space_bytes += static_cast<std::int64_t>(cell.part.bytes);
  }
  job.parts.push_back(std::move(cell.part));
}

void finish_job(CompactionJob&& job, const Terms& terms, const std::string& reason,
                std::uint64_t wal_bytes, CompactionPlan& plan) {
  if (job.parts.empty()) return;
  job.reason = fmt::format("{}; cells {}, bytes {}, rent {:.0f}", reason, terms.cells,
                           job.effect.bytes_written, terms.rent);
  job.effect.write_amp = static_cast<double>(job.effect.bytes_written) /
                         static_cast<double>(std::max<std::uint64_t>(wal_bytes, 1));
  plan.jobs.push_back(std::move(job));
}

using TakenCell = std::pair<LayerId, Key>;

// Of jobs that take a cell in each part.
std::vector<TakenCell> cells_taken_by(const CompactionPlan& plan) {
  std::vector<TakenCell> taken;
  for (const CompactionJob& job : plan.jobs) {
    for (const JobPart& part : job.parts) {
      for (const JobInput& input : part.inputs) taken.emplace_back(input.layer, input.keys.begin);
    }
  }
  std::ranges::sort(taken);
  return taken;
}

}  // namespace

std::vector<CellStack> stack_cells(const PlannerInput& input) {
  std::vector<CellStack> stacks(input.cells.size());
  for (std::size_t i = 0; i < stacks.size(); ++i) stacks[i].cell = &input.cells[i];
  visit_shares(input, LayerKind::kImage, stacks,
               [](CellStack& stack, const LayerShape& layer, const CellShare&) {
                 stack.image = std::max(stack.image, layer.lsns.end);
               });
  visit_shares(input, LayerKind::kDelta, stacks,
               [](CellStack& stack, const LayerShape& layer, const CellShare& share) {
                 if (layer.lsns.end > stack.image) stack.fragments.push_back({&layer, &share});
               });
  for (CellStack& stack : stacks) {
    std::ranges::sort(stack.fragments, [](const Fragment& a, const Fragment& b) {
      if (a.layer->lsns.begin != b.layer->lsns.begin) {
        return a.layer->lsns.begin > b.layer->lsns.begin;
      }
      return a.layer->id < b.layer->id;
    });
  }
  return stacks;
}

CellPart merge_newest(const CellStack& stack, std::size_t count) {
  CellPart made{.part = {.keys = stack.cell->keys,
                         .lsns = {stack.fragments[count - 1].layer->lsns.begin,
                                  stack.fragments.front().layer->lsns.end}},
                .layers_removed = static_cast<double>(count) - 1};
  for (std::size_t i = 0; i < count; ++i) {
    made.part.inputs.push_back({stack.fragments[i].layer->id, stack.cell->keys});
    made.part.bytes += stack.fragments[i].share->bytes;
    if (stack.fragments[i].layer->is_in_memory()) {
      made.bytes_in_memory += stack.fragments[i].share->bytes;
    }
  }
  return made;
}

CellPart image_at_tip(const CellStack& stack, Lsn tip) {
  CellPart made{.part = {.keys = stack.cell->keys, .lsns = {tip, tip}, .bytes = stack.page_bytes()},
                .layers_removed = static_cast<double>(stack.depth()) - 1};
  for (const Fragment& fragment : stack.fragments) {
    made.part.inputs.push_back({fragment.layer->id, stack.cell->keys});
  }
  return made;
}

void append_jobs(JobKind kind, std::vector<CellPart> parts, std::uint64_t file_bytes,
                 const std::string& reason, std::uint64_t wal_bytes, CompactionPlan& plan) {
  double total = 0;
  for (const CellPart& cell : parts) total += static_cast<double>(cell.part.bytes);
  const double files = std::max(
      std::round(total / static_cast<double>(std::max<std::uint64_t>(file_bytes, 1))), 1.0);
  const double share = total / files;
  CompactionJob job{.kind = kind};
  Terms terms;
  double laid = 0;
  double end = share;  // Of the file, among all bytes.
  for (CellPart& cell : parts) {
    const auto bytes = static_cast<double>(cell.part.bytes);
    // A file ends with the cell that brings it nearest to its end, and holds half its share at
    // least.
    const bool is_filled = 2 * static_cast<double>(job.effect.bytes_written) >= share;
    const double middle = laid + bytes / 2;
    if (middle > end && is_filled) {
      finish_job(std::exchange(job, {.kind = kind}), terms, reason, wal_bytes, plan);
      terms = {};
      end = share * std::ceil(middle / share);
    }
    laid += bytes;
    add_part(job, terms, std::move(cell));
  }
  finish_job(std::move(job), terms, reason, wal_bytes, plan);
}

void append_merges(std::vector<CellPart> parts, std::uint64_t file_bytes, const std::string& reason,
                   std::uint64_t wal_bytes, CompactionPlan& plan) {
  const auto is_single = [](const CellPart& cell) { return cell.part.inputs.size() == 1; };
  const auto singles = std::stable_partition(parts.begin(), parts.end(), std::not_fn(is_single));
  std::vector<CellPart> moves(std::make_move_iterator(singles),
                              std::make_move_iterator(parts.end()));
  parts.erase(singles, parts.end());
  for (CellPart& move : moves) move.part.bytes = 0;  // Nothing is written.
  append_jobs(JobKind::kMerge, std::move(parts), file_bytes, reason, wal_bytes, plan);
  append_jobs(JobKind::kMove, std::move(moves), file_bytes, reason + "; as they are", wal_bytes,
              plan);
}

void append_trims(const PlannerInput& input, CompactionPlan& plan) {
  const std::vector<TakenCell> taken = cells_taken_by(plan);
  for (const LayerShape& layer : input.layers) {
    if (!layer.is_delta() || layer.keys != KeyRange::all() || layer.cells.empty()) continue;
    CompactionJob job{
        .kind = JobKind::kCut,
        .reason = fmt::format("flushed; holds something in {} cells", layer.cells.size())};
    for (const CellShare& share : layer.cells) {
      if (std::ranges::binary_search(taken, TakenCell{layer.id, share.cell})) continue;
      const KeyRange cell = input.grid.cell_range(share.cell);
      if (job.parts.empty() || job.parts.back().keys.end != cell.begin) {
        job.parts.push_back({.keys = cell, .lsns = layer.lsns, .inputs = {{layer.id, cell}}});
      }
      JobPart& part = job.parts.back();
      part.keys.end = part.inputs.front().keys.end = cell.end;
      part.bytes += share.bytes;
    }
    if (!job.parts.empty()) plan.jobs.push_back(std::move(job));
  }
}

void append_reclaims(const PlannerInput& input, double reclaim_after, std::uint64_t file_bytes,
                     CompactionPlan& plan) {
  struct Live {
    std::uint64_t bytes = 0;
    Lsn newest = 0;
  };
  std::map<FileId, Live> live;
  for (const LayerShape& layer : input.layers) {
    live[layer.file].bytes += layer.bytes;
    live[layer.file].newest = std::max(live[layer.file].newest, layer.lsns.end);
  }
  std::vector<FileId> mostly_dead;
  for (const FileShape& file : input.files) {
    const std::uint64_t left = std::min(live[file.id].bytes, file.bytes);
    const double flushes = static_cast<double>(input.tip - live[file.id].newest) /
                           static_cast<double>(std::max<std::uint64_t>(file_bytes, 1));
    if (static_cast<double>(file.bytes - left) * flushes >
        reclaim_after * static_cast<double>(left)) {
      mostly_dead.push_back(file.id);
    }
  }
  std::vector<const LayerShape*> layers;
  for (const LayerShape& layer : input.layers) {
    if (std::ranges::binary_search(mostly_dead, layer.file)) layers.push_back(&layer);
  }
  std::ranges::stable_sort(layers, [](const LayerShape* a, const LayerShape* b) {
    return a->kind != b->kind ? a->kind < b->kind : a->keys.begin < b->keys.begin;
  });
  std::vector<CellPart> parts;
  for (const LayerShape* layer : layers) {
    parts.push_back({.part = {.keys = layer->keys,
                              .lsns = layer->lsns,
                              .inputs = {{layer->id, layer->keys}},
                              .bytes = layer->bytes}});
  }
  append_jobs(JobKind::kReclaim, std::move(parts), file_bytes,
              fmt::format("dead x age > {:.0f} live: files {}", reclaim_after, mostly_dead.size()),
              input.measured.wal_bytes, plan);
}

}  // namespace packstore
