// Compaction tried out on paper: a workload's writes, a policy's plans, and what they cost.
//
// Nothing is stored. A simulation knows of each page how much was written to it between two
// flushes, carries out plans on the shapes of layers, and follows every record: one that is in no
// layer while some readable LSN needs it, or in two, ends the run with kCorrupt and its name.
//
// Equal arguments give equal results, apart from `seconds`. Thread safety: any thread, each call by
// itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/compaction.h"
#include "packstore/export.h"
#include "packstore/layer_shape.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

namespace packstore {

struct WorkloadOptions {
  // One of workload_names().
  std::string name = "uniform";
  // 0: as many as the workload is defined with; so for those below.
  std::uint64_t records = 0;
  std::uint64_t pages = 0;
  // Target for a file, and size of a flush.
  std::uint64_t file_bytes = 0;
  unsigned cell_keys_log2 = 0;  // The grid: decisions fall for so many keys; 11, or 13.
  // A read asks a bitmap whether a layer holds anything in so many keys around its own; 13.
  unsigned bitmap_keys_log2 = 0;
  std::uint64_t seed = 1;
};

struct TraceOptions {
  std::string name = "trace";
  std::uint64_t file_bytes = 4 * 1024 * 1024;
  unsigned cell_keys_log2 = 6;
  unsigned bitmap_keys_log2 = 10;
  unsigned repeat = 1;  // Read so many times over.
};

// uniform hotcold zipf append window twotable shift singlekey timeseries bulkload deletes mixed
PACKSTORE_EXPORT const std::vector<std::string>& workload_names();

// What a workload writes between flushes, ready to be simulated any number of times. Holds about
// 12 bytes for each page written in each flush interval.
class PACKSTORE_EXPORT WriteHistory {
 public:
  // kInvalidArgument: no such workload, or sizes beyond what page counts of 32 bits can name.
  static Result<WriteHistory> generate(const WorkloadOptions& options);
  // From the bytes of a page write trace (shared format "PGBLKTR1"), read `repeat` times over.
  // kCorrupt: the trace is not what it claims to be.
  static Result<WriteHistory> from_trace(ByteView trace, const TraceOptions& options);

  WriteHistory(WriteHistory&&) noexcept;
  WriteHistory& operator=(WriteHistory&&) noexcept;
  ~WriteHistory();

  const std::string& name() const;
  std::uint64_t record_count() const;
  std::uint64_t wal_bytes() const;
  std::size_t flush_count() const;
  std::uint64_t file_bytes() const;
  const Grid& grid() const;

  struct Data;
  const Data& data() const { return *data_; }

 private:
  explicit WriteHistory(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

// The layers as they stand after a flush and the compaction that followed it.
struct SimulatedMoment {
  std::size_t flush = 0;  // Counted from 0.
  Lsn tip = 0;
  std::span<const LayerShape> layers = {};
  std::uint64_t jobs = 0;    // Carried out since the last flush.
  double write_amp = 0;      // So far.
  double read_amp_even = 0;  // Now; by occupancy.
  double read_amp_hot = 0;
  double space_amp = 0;
};

// A mistake, made on purpose at one job, that the checks must find.
enum class SimulatedFault : std::uint8_t {
  kNone,
  kLoseOutput,        // One part of the job is never published.
  kDropInputEarly,    // An input goes before what replaces it is there.
  kCutOnePageShort,   // An output ends one page before its range does.
  kCutOnePageLate,    // An output begins one page after its range does.
  kLsnOffByOne,       // An output begins one LSN above its range.
  kPublishTwice,      // The outputs are added twice.
  kKeepInputs,        // A crash between publishing outputs and forgetting inputs.
  kWrongInput,        // A neighbour of the input is forgotten as well.
  kImageWithoutBase,  // Deltas under an image go although older LSNs are still readable.
  kSwapRanges,        // Two parts are published with each other's LSN ranges.
};

// When a flush is written, and how.
enum class FlushMode : std::uint8_t {
  kAlone,   // By itself, before anything is planned.
  kMerged,  // After the first plan: what its merges take from memory is not written by itself.
};

struct SimulationOptions {
  CompactionBudgets budgets = {};
  FlushMode flush_mode = FlushMode::kAlone;
  // Files give back what is dead in them in blocks of so many bytes, as fallocate(2) punches holes;
  // 0: they give back nothing before all of it is dead.
  std::uint64_t hole_bytes = 4096;
  // Bytes of WAL behind the tip at which every LSN can be read; nullopt: all of them.
  std::optional<std::uint64_t> window_bytes = {};
  std::vector<Lsn> retained = {};  // Ascending.
  // A page is embedded in the delta that brings its records to this many pages; 0: never.
  std::uint32_t embed_after_pages = 0;
  SimulatedFault fault = SimulatedFault::kNone;
  std::uint64_t fault_at_job = 0;  // Counted over the run from 0; the first job it can befall.
  std::function<void(const SimulatedMoment&)> on_flush = {};
  std::function<void(const CompactionPlan&, const PlannerInput&)> on_plan = {};
  RunControl control = {};
};

// Layers that a read at the tip visits, in three counts. A read ends at the newest image, or at an
// embedded page; either counts 1.
struct ReadAmplification {
  double covered = 0;   // Deltas whose rectangle holds the page.
  double occupied = 0;  // Those of them with a record in the page's cell.
  double exact = 0;     // Those with a record of the very page.
};

struct SimulationResult {
  std::string workload = {};
  std::string policy = {};
  FlushMode flush_mode = FlushMode::kAlone;
  std::uint64_t wal_bytes = 0;
  std::uint64_t records = 0;
  double write_amp = 0;  // Bytes written to files over WAL; flushes included.
  double bound = 0;      // No per-cell policy can write less at the same budgets; 0: not computed.
  double storage_amp = 0;            // Live layer bytes over WAL, at the end.
  double physical_amp = 0;           // What files take up over WAL: with what is dead in them.
  ReadAmplification read_even = {};  // Mean over pages in use and over time.
  ReadAmplification read_hot = {};   // Mean over recent writes and over time.
  double read_p99 = 0;               // Of pages in use, by occupancy; mean over time.
  std::uint32_t read_peak = 0;       // Covered, anywhere, ever.
  double read_history = 0;           // By occupancy, at LSNs spread over all that can be read.
  double replay_records = 0;         // For a read of a recently written page; mean over time.
  double replay_bytes = 0;
  std::uint64_t replay_bytes_max = 0;  // Of any page at any flush.
  std::uint64_t flush_bytes = 0;       // Written by flushes; not what merges took from memory.
  std::uint64_t merge_bytes = 0;
  std::uint64_t image_bytes = 0;
  std::uint64_t reclaim_bytes = 0;
  std::uint64_t embedded_bytes = 0;      // Part of the above.
  std::uint64_t single_input_bytes = 0;  // Merged from one layer: a cut would have done.
  double compaction_read_amp = 0;        // Bytes read by jobs over WAL.
  std::uint64_t files_written = 0;
  std::uint64_t files_left = 0;
  std::uint64_t layers_made = 0;
  std::uint64_t layers_deleted = 0;
  std::uint64_t deltas_left = 0;
  std::uint64_t images_left = 0;
  std::uint64_t occupancy_bytes = 0;  // Of the descriptors left, in memory.
  double live_over_ideal = 0;         // Mean of live bytes over (pages in use + window).
  // Files of jobs over the target; of each row of files that a plan writes the last is left out.
  double file_size_p1 = 0;
  double file_size_p99 = 0;
  std::uint64_t cut_points = 0;          // Between merged or image layers.
  std::uint64_t perfect_cut_points = 0;  // That no layer but flushes straddles.
  double seconds = 0;
};

// kCorrupt: a record was lost or doubled; the message names it. kInvalidArgument: the policy found
// its input impossible. kCancelled: as it says.
PACKSTORE_EXPORT Result<SimulationResult> simulate(const WriteHistory& history,
                                                   const CompactionPolicy& policy,
                                                   const SimulationOptions& options = {});

// A bound on write amplification for any policy that decides per cell, keeps all history, flushes
// as `flush_mode` says and stays within `budgets` (peak apart). It knows the future. The bound for
// merged flushes is the lower one.
// Method: an interval dynamic program per cell, with Lagrange multipliers for the budgets.
PACKSTORE_EXPORT double write_amp_bound(const WriteHistory& history,
                                        const CompactionBudgets& budgets,
                                        FlushMode flush_mode = FlushMode::kAlone);

struct SuiteOptions {
  // Empty: all of workload_names(), unless there are traces.
  std::vector<std::string> workloads = {};
  // Part of the defined number of records and pages; for tests.
  double scale = 1;
  std::uint64_t seed = 1;
  unsigned threads = 1;
  FlushMode flush_mode = FlushMode::kMerged;     // Of the cell policy; the others flush by itself.
  std::uint64_t hole_bytes = 4096;               // As in SimulationOptions.
  std::vector<const WriteHistory*> traces = {};  // Simulated as well.
  // Told of every flush of every run, by the thread that simulates the workload.
  std::function<void(std::string_view workload, std::string_view policy, const SimulatedMoment&)>
      on_flush = {};
  // Seconds since anything, for SimulationResult::seconds; the library has no clock here.
  std::function<double()> clock = {};
  RunControl control = {};  // Progress counts workloads.
};

// `options` with records, pages, flushes and cells at about `scale` of their defined size, so that
// as many flushes and cells are left. kInvalidArgument: no such workload, or no such scale.
PACKSTORE_EXPORT Result<WorkloadOptions> scale_workload(const WorkloadOptions& options,
                                                        double scale);

// Every workload with every policy. The cell policy gets the tiered row's read amplification, peak
// and storage as its budgets. Rows by workload, then policy; each has the bound for its flush mode.
PACKSTORE_EXPORT Result<std::vector<SimulationResult>> run_suite(const SuiteOptions& options);

// The rows as a table of aligned columns, one line a row.
PACKSTORE_EXPORT std::string print_suite(std::span<const SimulationResult> rows);

}  // namespace packstore
