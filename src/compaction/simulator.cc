// One run: flush, let the policy plan until it has nothing left to do, measure; once an interval.
// Where flushes are merged, the first plan is made while the flush is in memory.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "compaction/read_meter.h"
#include "compaction/simulated_executor.h"
#include "packstore/simulation.h"

namespace packstore {
namespace {

constexpr unsigned kHistoricalReads = 8;

// Flush intervals that a policy is told about.
constexpr std::size_t kIntervalsKnown = 256;

// A policy that always finds something to do would never let a run end.
constexpr std::uint32_t kRoundsMax = 64;

class Simulation {
 public:
  Simulation(const WriteHistory::Data& history, const CompactionPolicy& policy,
             const SimulationOptions& options)
      : history_(history),
        policy_(policy),
        options_(options),
        executor_(history, options),
        meter_(history, options.embed_after_pages != 0) {
    for (std::uint32_t cell = 0; cell < history.cell_count; ++cell) {
      all_cells_.push_back({.keys = history.cell_keys(cell)});
    }
  }

  Result<SimulationResult> run() {
    for (std::size_t number = 0; number < history_.flushes.size(); ++number) {
      if (options_.control.stop.stop_requested()) {
        return fail(ErrorCode::kCancelled,
                    "simulation of {} with {}: stopped after {} of {} flushes",
                    history_.workload.name, policy_.name(), number, history_.flushes.size());
      }
      executor_.begin_flush(number);
      if (options_.flush_mode == FlushMode::kAlone) executor_.finish_flush();
      wal_bytes_ += history_.flushes[number].lsns.height();
      const std::uint64_t jobs_before = executor_.totals().jobs;
      RETURN_IF_ERROR(compact(number));
      meter_.sample(number, executor_.layers(), executor_.pages());
      report(number, executor_.totals().jobs - jobs_before);
    }
    return finish();
  }

 private:
  Status compact(std::size_t number) {
    update_cells(number);
    for (std::uint32_t round = 0; round < kRoundsMax; ++round) {
      const PlannerInput input = planner_input(round);
      Result<CompactionPlan> plan = policy_.plan(input);
      if (!plan.has_value()) return named(std::move(plan).error());
      tuning_ = plan->tuning;
      const bool is_in_memory = round == 0 && options_.flush_mode == FlushMode::kMerged;
      if (plan->jobs.empty() && !is_in_memory) return {};
      if (options_.on_plan) options_.on_plan(*plan, input);
      const std::size_t files_before = executor_.totals().written.size();
      Status done = run_plan(*plan, executor_, {.control = {.stop = options_.control.stop}});
      if (!done.has_value()) return named(std::move(done).error());
      keep_sizes(files_before);
      executor_.settle();
      if (is_in_memory) executor_.finish_flush();
    }
    return fail(ErrorCode::kInvalidArgument, "policy {}: still plans after {} rounds",
                policy_.name(), kRoundsMax);
  }

  Error named(Error error) const {
    error.message = std::string("simulation of ") + history_.workload.name + " with " +
                    std::string(policy_.name()) + ": " + error.message;
    return error;
  }

  // Of the files that a plan writes in a row, the last is as large as what was left for it.
  void keep_sizes(std::size_t from) {
    const auto& files = executor_.totals().written;
    for (std::size_t i = from; i + 1 < files.size(); ++i) {
      if (files[i].kind == files[i + 1].kind) file_sizes_.push_back(files[i].size);
    }
  }

  // What the policy may know of the key space.
  void update_cells(std::size_t number) {
    const FlushInterval& interval = history_.flushes[number];
    auto writes = interval.cells.begin();
    for (std::uint32_t cell = 0; cell < history_.cell_count; ++cell) {
      CellState& state = all_cells_[cell];
      if (!interval.toggled.empty()) {
        const auto pages = executor_.pages().in_use.begin() + cell * history_.cell_pages();
        state.pages = static_cast<std::uint64_t>(
            std::count(pages, pages + history_.cell_pages(), std::uint8_t{1}));
      }
      const bool is_written = writes != interval.cells.end() && writes->cell == cell;
      CellInterval seen{.pages = state.pages};
      if (is_written) {
        seen.bytes = writes->bytes;
        seen.records = writes->records;
        ++writes;
      }
      state.history.push_back(seen);
      if (state.history.size() > kIntervalsKnown) state.history.erase(state.history.begin());
    }
    cells_.clear();
    std::ranges::copy_if(all_cells_, std::back_inserter(cells_), [](const CellState& state) {
      return state.pages != 0 || std::ranges::any_of(state.history, [](const CellInterval& seen) {
               return seen.bytes != 0;
             });
    });
  }

  PlannerInput planner_input(std::uint32_t round) const {
    return {.layers = executor_.layers().layers(),
            .files = executor_.layers().files(),
            .cells = cells_,
            .grid = history_.workload.grid,
            .tip = executor_.tip(),
            .horizon = executor_.horizon(),
            .retained = options_.retained,
            .budgets = options_.budgets,
            .measured = {.flushes = meter_.samples(),
                         .wal_bytes = wal_bytes_,
                         .read_amp_even = meter_.mean_even().occupied,
                         .read_amp_hot = meter_.mean_hot().occupied},
            .tuning = tuning_,
            .round = round};
  }

  std::uint64_t live_bytes() const {
    std::uint64_t bytes = 0;
    for (const LayerShape& layer : executor_.layers().layers()) bytes += layer.bytes;
    return bytes;
  }

  std::uint64_t written_bytes() const {
    const JobTotals& totals = executor_.totals();
    return totals.flush_bytes + totals.merge_bytes + totals.image_bytes + totals.reclaim_bytes;
  }

  double over_wal(std::uint64_t bytes) const {
    return static_cast<double>(bytes) / static_cast<double>(wal_bytes_);
  }

  void report(std::size_t number, std::uint64_t jobs) {
    const std::uint64_t live = live_bytes();
    const std::uint64_t window = std::min(wal_bytes_, options_.window_bytes.value_or(wal_bytes_));
    const std::uint64_t ideal = history_.flushes[number].pages_in_use * kPageBytes + window;
    sum_live_over_ideal_ += static_cast<double>(live) / static_cast<double>(ideal);
    if (options_.control.on_progress) {
      options_.control.on_progress({.phase = "simulate",
                                    .done = wal_bytes_,
                                    .total = history_.wal_bytes,
                                    .unit = ProgressUnit::kBytes});
    }
    if (!options_.on_flush) return;
    options_.on_flush({.flush = number,
                       .tip = executor_.tip(),
                       .layers = executor_.layers().layers(),
                       .jobs = jobs,
                       .write_amp = over_wal(written_bytes()),
                       .read_amp_even = meter_.last_even().occupied,
                       .read_amp_hot = meter_.last_hot().occupied,
                       .space_amp = over_wal(live)});
  }

  SimulationResult finish() {
    SimulationResult row;
    row.workload = history_.workload.name;
    row.policy = policy_.name();
    row.flush_mode = options_.flush_mode;
    row.wal_bytes = wal_bytes_;
    row.records = history_.records;
    row.write_amp = over_wal(written_bytes());
    row.storage_amp = over_wal(live_bytes());
    row.read_even = meter_.mean_even();
    row.read_hot = meter_.mean_hot();
    row.read_p99 = meter_.mean_p99();
    row.read_peak = meter_.peak();
    row.read_history = meter_.sample_history(executor_.layers(), executor_.horizon(),
                                             executor_.tip(), kHistoricalReads);
    row.replay_records = meter_.mean_replay_records();
    row.replay_bytes = meter_.mean_replay_bytes();
    row.replay_bytes_max = meter_.replay_bytes_max();
    add_totals(row);
    add_layers(row);
    return row;
  }

  void add_totals(SimulationResult& row) {
    const JobTotals& totals = executor_.totals();
    row.flush_bytes = totals.flush_bytes;
    row.merge_bytes = totals.merge_bytes;
    row.image_bytes = totals.image_bytes;
    row.reclaim_bytes = totals.reclaim_bytes;
    row.embedded_bytes = totals.embedded_bytes;
    row.single_input_bytes = totals.single_input_bytes;
    row.compaction_read_amp = over_wal(totals.read_bytes);
    row.files_written = totals.files;
    row.layers_made = totals.layers;
    row.layers_deleted = executor_.layers().deleted_count();
    row.live_over_ideal = sum_live_over_ideal_ / static_cast<double>(history_.flushes.size());
    std::ranges::sort(file_sizes_);
    if (!file_sizes_.empty()) {
      row.file_size_p1 = file_sizes_[file_sizes_.size() / 100];
      row.file_size_p99 = file_sizes_[file_sizes_.size() - 1 - file_sizes_.size() / 100];
    }
  }

  void add_layers(SimulationResult& row) const {
    const auto layers = executor_.layers().layers();
    std::uint64_t physical = 0;
    for (const FileShape& file : executor_.layers().files()) physical += file.bytes;
    row.physical_amp = over_wal(physical);
    row.files_left = executor_.layers().files().size();
    std::vector<Key> cuts;
    for (const LayerShape& layer : layers) {
      (layer.is_delta() ? row.deltas_left : row.images_left) += 1;
      row.occupancy_bytes += sizeof(LayerShape) + layer.cells.size() * sizeof(CellShare);
      if (!is_flushed(layer)) cuts.push_back(layer.keys.begin);
    }
    std::ranges::sort(cuts);
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    row.cut_points = cuts.size();
    row.perfect_cut_points =
        static_cast<std::uint64_t>(std::ranges::count_if(cuts, [&](const Key& cut) {
          return std::ranges::none_of(layers, [&](const LayerShape& layer) {
            return !is_flushed(layer) && layer.keys.begin < cut && cut < layer.keys.end;
          });
        }));
  }

  // As a flush left it, or trimmed: never merged.
  bool is_flushed(const LayerShape& layer) const {
    const auto flush = std::ranges::lower_bound(
        history_.flushes, layer.lsns.end, {}, [](const FlushInterval& it) { return it.lsns.end; });
    return layer.is_delta() && flush != history_.flushes.end() && flush->lsns == layer.lsns;
  }

  const WriteHistory::Data& history_;
  const CompactionPolicy& policy_;
  const SimulationOptions& options_;
  SimulatedExecutor executor_;
  ReadMeter meter_;
  std::vector<CellState> cells_;
  std::vector<CellState> all_cells_;
  PriceTuning tuning_;
  std::uint64_t wal_bytes_ = 0;
  std::vector<double> file_sizes_;
  double sum_live_over_ideal_ = 0;
};

}  // namespace

Result<SimulationResult> simulate(const WriteHistory& history, const CompactionPolicy& policy,
                                  const SimulationOptions& options) {
  return Simulation(history.data(), policy, options).run();
}

}  // namespace packstore
