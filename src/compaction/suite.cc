// Workloads are taken by threads one after the other, the largest work in one piece: a history is
// generated once, simulated with each policy, and dropped. Rows come out in the order of the list.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "compaction/workload.h"
#include "packstore/simulation.h"

namespace packstore {
namespace {

class Suite {
 public:
  explicit Suite(const SuiteOptions& options)
      : options_(options),
        names_(options.workloads.empty() && options.traces.empty() ? workload_names()
                                                                   : options.workloads),
        rows_(names_.size() + options.traces.size()) {}

  Status work() {
    for (;;) {
      const std::size_t item = next_++;
      if (item >= rows_.size()) return {};
      if (item >= names_.size()) {
        RETURN_IF_ERROR(run_policies(*options_.traces[item - names_.size()], rows_[item]));
      } else {
        ASSIGN_OR_RETURN(
            const WorkloadOptions workload,
            scale_workload({.name = names_[item], .seed = options_.seed}, options_.scale));
        ASSIGN_OR_RETURN(const WriteHistory history, WriteHistory::generate(workload));
        RETURN_IF_ERROR(run_policies(history, rows_[item]));
      }
      report();
    }
  }

  std::vector<SimulationResult> rows() && {
    std::vector<SimulationResult> all;
    for (auto& rows : rows_) std::ranges::move(rows, std::back_inserter(all));
    return all;
  }

 private:
  Status run_policies(const WriteHistory& history, std::vector<SimulationResult>& rows) const {
    const PolicySizing sizing{.file_bytes = history.file_bytes()};
    SimulationOptions options{.hole_bytes = options_.hole_bytes};
    options.control.stop = options_.control.stop;
    ASSIGN_OR_RETURN(SimulationResult tiered, run(history, *make_tiered_policy(sizing), options));
    options.budgets = {.read_amp_even = tiered.read_even.occupied,
                       .read_amp_hot = tiered.read_hot.occupied,
                       .read_amp_peak = tiered.read_peak,
                       .space_amp = tiered.storage_amp};
    rows.push_back(std::move(tiered));
    for (const auto& policy : {make_count_policy(sizing), make_lazy_leveling_policy(sizing)}) {
      ASSIGN_OR_RETURN(SimulationResult row, run(history, *policy, options));
      rows.push_back(std::move(row));
    }
    const double bound = write_amp_bound(history, options.budgets);
    for (SimulationResult& row : rows) row.bound = bound;
    options.flush_mode = options_.flush_mode;
    ASSIGN_OR_RETURN(SimulationResult cells,
                     run(history, *make_cell_policy({.sizing = sizing}), options));
    cells.bound = options.flush_mode == FlushMode::kAlone
                      ? bound
                      : write_amp_bound(history, options.budgets, options.flush_mode);
    rows.push_back(std::move(cells));
    return {};
  }

  Result<SimulationResult> run(const WriteHistory& history, const CompactionPolicy& policy,
                               SimulationOptions options) const {
    if (options_.on_flush) {
      options.on_flush = [&](const SimulatedMoment& moment) {
        options_.on_flush(history.name(), policy.name(), moment);
      };
    }
    const double begin = options_.clock ? options_.clock() : 0;
    ASSIGN_OR_RETURN(SimulationResult row, simulate(history, policy, options));
    row.seconds = options_.clock ? options_.clock() - begin : 0;
    return row;
  }

  void report() {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (!options_.control.on_progress) return;
    options_.control.on_progress({.phase = "simulate",
                                  .done = done_,
                                  .total = rows_.size(),
                                  .unit = ProgressUnit::kObjects});
  }

  const SuiteOptions& options_;
  std::vector<std::string> names_;
  std::vector<std::vector<SimulationResult>> rows_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::size_t done_ = 0;
};

}  // namespace

Result<WorkloadOptions> scale_workload(const WorkloadOptions& options, double scale) {
  if (!(scale > 0 && scale <= 1)) {
    return fail(ErrorCode::kInvalidArgument, "scale {}: must be above 0 and at most 1", scale);
  }
  ASSIGN_OR_RETURN(const Workload full, make_workload(options));
  WorkloadOptions made = options;
  const int halvings = static_cast<int>(std::lround(-std::log2(scale)));
  if (halvings == 0) return made;
  const auto shrunk = [&](std::uint64_t size, std::uint64_t least) {
    return std::max(size >> std::min(halvings, 63), least);
  };
  made.records = shrunk(full.records, 1000);
  made.pages = shrunk(full.segments.front().page_count, 64);
  made.file_bytes = shrunk(full.file_bytes, 4096);
  const auto finer = [&](const Grid& grid) {
    return static_cast<unsigned>(std::max(static_cast<int>(grid.cell_keys_log2) - halvings, 4));
  };
  made.cell_keys_log2 = finer(full.grid);
  made.bitmap_keys_log2 = finer(full.bitmap);
  return made;
}

Result<std::vector<SimulationResult>> run_suite(const SuiteOptions& options) {
  Suite suite(options);
  RETURN_IF_ERROR(run_on_threads(options.threads, [&](unsigned) { return suite.work(); }));
  return std::move(suite).rows();
}

std::string print_suite(std::span<const SimulationResult> rows) {
  std::size_t name_width = 10;
  for (const SimulationResult& row : rows) name_width = std::max(name_width, row.workload.size());
  std::string text = fmt::format(
      "{:<{}} {:<7} {:>6} {:>6} {:>6} {:>6} {:>5} {:>5} {:>5} {:>5} {:>6} {:>6} {:>9} {:>5}\n",
      "workload", name_width, "policy", "WA", "ratio", "bound", "space", "even", "hot", "p99",
      "peak", "files", "layers", "replay", "dead");
  double reference = 1;
  for (const SimulationResult& row : rows) {
    if (row.policy == "tiered") reference = row.write_amp;
    text += fmt::format(
        "{:<{}} {:<7} {:>6.3f} {:>6.3f} {:>6.3f} {:>6.3f} {:>5.2f} {:>5.2f} {:>5.2f} {:>5} {:>6} "
        "{:>6} {:>9.1f} {:>5.2f}\n",
        row.workload, name_width, row.policy, row.write_amp, row.write_amp / reference, row.bound,
        row.storage_amp, row.read_even.occupied, row.read_hot.occupied, row.read_p99, row.read_peak,
        row.files_written, row.deltas_left + row.images_left, row.replay_records,
        row.storage_amp > 0 ? row.physical_amp / row.storage_amp - 1 : 0);
  }
  return text;
}

}  // namespace packstore
