#include "compaction/random_layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "packstore/compaction_runner.h"

namespace packstore {

RandomLayers::RandomLayers(std::uint64_t seed) : random_(seed) {
  cell_count_ = 1 + below(8);
  compaction_chance_ = below(4);
  sizing_ = {.file_bytes = 200 + below(4000), .fan_out = 2 + static_cast<std::uint32_t>(below(4))};
  executor_ = std::make_unique<RecordExecutor>(LayerSet(grid_), storage_, make_hash_pages);
  const std::uint64_t flushes = below(14);
  for (std::uint64_t i = 0; i < flushes; ++i) {
    flush();
    if (below(4) < compaction_chance_) compact_at_random();
  }
}

// Cells lie in two places, the second far away.
Key RandomLayers::key_of(std::uint64_t number) const {
  const std::uint64_t half = (cell_count_ + 1) / 2 * 16;
  return number < half ? Key{0, number + 16} : Key{7, ~std::uint64_t{0} - 15 - (number - half)};
}

OwnedLayer RandomLayers::write(const LsnRange& lsns) {
  std::set<std::pair<Key, Lsn>> places;
  const std::uint64_t records = below(60);
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::uint64_t number = below(4) == 0 ? 0 : below(cell_count_ * 16);
    places.insert({key_of(number), lsns.begin + below(lsns.height())});
  }
  OwnedLayer layer;
  last_writes_.clear();
  for (const auto& [key, lsn] : places) {
    const std::string value =
        below(8) == 0 ? "gone" : std::string(1 + below(below(10) == 0 ? 900 : 60), 'a');
    layer.push_back({key, lsn, value + (value == "gone" ? "" : std::to_string(lsn))});
    written_[key].push_back(layer.back());
    last_writes_[grid_.cell_of(key)] += value.size();
  }
  return layer;
}

void RandomLayers::advance_to(Lsn tip) {
  tip_ = tip;
  flush_ends_.push_back(tip_);
}

void RandomLayers::flush() {
  const LsnRange lsns{tip_, tip_ + 1 + below(300)};
  ASSERT_TRUE(executor_->flush(*stream_of(write(lsns)), lsns).has_value());
  advance_to(lsns.end);
}

void RandomLayers::begin_flush() {
  const LsnRange lsns{tip_, tip_ + 1 + below(300)};
  ASSERT_TRUE(executor_->begin_flush(in_memory(write(lsns)), lsns).has_value());
  is_flushing_ = true;
  advance_to(lsns.end);
}

void RandomLayers::finish_flush() {
  ASSERT_TRUE(executor_->finish_flush().has_value());
  is_flushing_ = false;
}

void RandomLayers::run(CompactionPlan plan) {
  std::erase_if(plan.jobs, [](const CompactionJob& job) { return job.parts.empty(); });
  const Status done = run_plan(plan, *executor_, {.threads = 1});
  ASSERT_TRUE(done.has_value()) << done.error().message << "\n" << print_plan(plan);
  ASSERT_TRUE(executor_->settle().has_value());
}

void RandomLayers::compact_at_random() {
  std::set<Key> cells;
  CompactionJob cut{.kind = JobKind::kCut};
  for (const LayerShape& layer : executor_->layers().layers()) {
    for (const CellShare& share : layer.cells) {
      const KeyRange cell = grid_.cell_range(share.cell);
      cells.insert(share.cell);
      if (layer.keys != KeyRange::all() || below(3) == 0) continue;
      cut.parts.push_back({.keys = cell, .lsns = layer.lsns, .inputs = {{layer.id, cell}}});
    }
  }
  run({.jobs = {cut}});
  CompactionJob merges{.kind = JobKind::kMerge};
  CompactionJob images{.kind = JobKind::kImage};
  for (const Key cell : cells) {
    decide_at_random(cell, merges, images);
    if (below(2) == 0) merges.cuts.points.push_back(grid_.cell_range(cell).end);
  }
  run({.jobs = {merges, images}});
}

// Any neighbours in a cell may be merged, not only the newest; or the cell is imaged at the tip.
void RandomLayers::decide_at_random(Key cell, CompactionJob& merges, CompactionJob& images) {
  const KeyRange keys = grid_.cell_range(cell);
  std::vector<const LayerShape*> deltas;
  for (const LayerShape& layer : executor_->layers().layers()) {
    const bool is_here =
        std::ranges::binary_search(layer.cells, cell, {}, &CellShare::cell) && layer.is_delta();
    if (is_here) deltas.push_back(&layer);
  }
  std::ranges::sort(deltas, [](auto* a, auto* b) { return a->lsns.begin > b->lsns.begin; });
  const std::uint64_t wish = below(4);
  if (wish == 0) {
    images.parts.push_back({.keys = keys, .lsns = {tip_, tip_}});
  } else if (wish < 3 && deltas.size() > 1) {
    const std::size_t begin = below(deltas.size() - 1);
    const std::size_t end = begin + 2 + below(deltas.size() - begin - 1);
    JobPart part{.keys = keys, .lsns = {deltas[end - 1]->lsns.begin, deltas[begin]->lsns.end}};
    for (std::size_t i = begin; i < end; ++i) part.inputs.push_back({deltas[i]->id, keys});
    merges.parts.push_back(std::move(part));
  }
}

void RandomLayers::draw_circumstances() {
  executor_->layers().visit_shares([&](const LayerShape&, CellShare& share) {
    share.visits_even = static_cast<double>(below(3) * below(50));
    share.visits_hot = static_cast<double>(below(3) * below(50));
  });
  const auto maybe = [&](double most) -> std::optional<double> {
    if (below(2) == 0) return std::nullopt;
    return most * static_cast<double>(below(100)) / 100;
  };
  budgets_ = {.read_amp_even = maybe(6), .read_amp_hot = maybe(6), .space_amp = maybe(40)};
  if (below(2) == 0) budgets_.read_amp_peak = static_cast<std::uint32_t>(below(9));
  measured_ = {.flushes = flush_ends_.size(),
               .wal_bytes = tip_,
               .read_amp_even = static_cast<double>(below(8)),
               .read_amp_hot = static_cast<double>(below(8))};
  tuning_ = {.even = static_cast<double>(below(2000)) / 10, .hot = static_cast<double>(below(300))};
  draw_horizon();
  cells_.clear();
  const bool are_images_cheap = below(2) == 0;
  std::set<Key> cells;
  for (std::uint64_t i = 0; i < cell_count_; ++i) cells.insert(grid_.cell_of(key_of(i * 16)));
  for (const Key cell : cells) {
    CellState state{.keys = grid_.cell_range(cell), .pages = are_images_cheap ? below(2) : 16};
    for (std::size_t i = 0; i < flush_ends_.size(); ++i) {
      const bool is_last = i + 1 == flush_ends_.size();
      state.history.push_back({.bytes = is_last ? last_writes_[cell] : below(400),
                               .records = below(20),
                               .pages = below(17)});
    }
    if (below(12) != 0) cells_.push_back(std::move(state));
  }
}

// What was below the horizon and not retained is gone for ever.
void RandomLayers::draw_horizon() {
  std::erase_if(retained_, [&](Lsn) { return below(2) == 0; });
  for (std::uint64_t i = below(4); i > 0; --i) {
    retained_.push_back(horizon_ + below(tip_ - horizon_ + 1));
  }
  std::ranges::sort(retained_);
  if (below(2) == 0) horizon_ += below(tip_ - horizon_ + 1);
}

PlannerInput RandomLayers::input(std::uint32_t round) {
  return {.layers = executor_->layers().layers(),
          .files = executor_->layers().files(),
          .cells = cells_,
          .grid = grid_,
          .tip = tip_,
          .horizon = horizon_,
          .retained = retained_,
          .budgets = budgets_,
          .measured = measured_,
          .tuning = tuning_,
          .round = round};
}

std::unique_ptr<RecordExecutor> RandomLayers::copy(MemoryLayers& storage) {
  storage.copy_from(storage_);
  return std::make_unique<RecordExecutor>(executor_->layers(), storage, make_hash_pages);
}

std::vector<Lsn> RandomLayers::readable() {
  std::set<Lsn> lsns(retained_.begin(), retained_.end());
  lsns.insert({horizon_, tip_});
  for (int i = 0; i < 3; ++i) lsns.insert(horizon_ + below(tip_ - horizon_ + 1));
  for (const Lsn end : flush_ends_) {
    if (end >= horizon_) lsns.insert(end);
  }
  return {lsns.begin(), lsns.end()};
}

Pages RandomLayers::truth_at(Lsn lsn) const {
  Pages pages;
  for (const auto& [key, records] : written_) {
    std::vector<std::string> values;
    for (const OwnedRecord& record : records) {
      if (record.lsn < lsn) values.push_back(record.value);
    }
    const std::string page = hash_of(values);
    if (!page.empty()) pages.emplace(key, page);
  }
  return pages;
}

Pages RandomLayers::read_at(RecordExecutor& executor, Lsn lsn) {
  Pages pages;
  const Status read =
      executor.read_pages(KeyRange::all(), lsn, [&](const LayerRecord& page) -> Status {
        EXPECT_TRUE(pages.emplace(page.key, as_text(page.value)).second);
        return {};
      });
  EXPECT_TRUE(read.has_value()) << read.error().message;
  return pages;
}

}  // namespace packstore
