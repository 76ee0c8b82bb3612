// Carries out jobs on shapes, and keeps account of what they cost.
#pragma once

#include <vector>

#include "compaction/layer_set.h"
#include "compaction/record_ledger.h"
#include "compaction/simulated_outputs.h"
#include "compaction/write_history.h"
#include "packstore/compaction_runner.h"

namespace packstore {

struct WrittenFile {
  JobKind kind = JobKind::kMerge;
  double size = 0;  // Over the target.
};

struct JobTotals {
  std::uint64_t jobs = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t flush_bytes = 0;
  std::uint64_t merge_bytes = 0;
  std::uint64_t image_bytes = 0;
  std::uint64_t reclaim_bytes = 0;
  std::uint64_t single_input_bytes = 0;
  std::uint64_t embedded_bytes = 0;
  std::uint64_t files = 0;
  std::uint64_t layers = 0;
  std::vector<WrittenFile> written;
};

class SimulatedExecutor final : public JobExecutor {
 public:
  SimulatedExecutor(const WriteHistory::Data& history, const SimulationOptions& options)
      : history_(history),
        options_(options),
        layers_(history.workload.grid, options.hole_bytes),
        ledger_(history) {}

  // The flush that ends interval `number` is in memory.
  void begin_flush(std::size_t number);
  // What no job has taken of it is written to a file. After a plan: when that is settled.
  void finish_flush();
  Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job,
                                           const JobControl& control) override;
  Status publish(const CompactionJob& job, JobOutputs& outputs) override;
  void settle() { layers_.settle(); }

  const LayerSet& layers() const { return layers_; }
  LayerSet& layers() { return layers_; }
  const PageState& pages() const { return pages_; }
  const JobTotals& totals() const { return totals_; }
  Lsn tip() const { return tip_; }
  Lsn horizon() const;

 private:
  Status check(const LayerEdit& edit);
  void count_job(const CompactionJob& job, const LayerEdit& edit);
  void start_reads_at(const LayerShape& image);

  const WriteHistory::Data& history_;
  const SimulationOptions& options_;
  LayerSet layers_;
  RecordLedger ledger_;
  JobTotals totals_;
  PageState pages_;
  Lsn tip_ = 0;
  bool fault_is_made_ = false;
};

}  // namespace packstore
