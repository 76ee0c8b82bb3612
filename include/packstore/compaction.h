// Compaction, decided apart from done: a policy looks at the shapes of layers and returns a plan;
// run_plan() (compaction_runner.h) carries a plan out.
//
// Compaction follows a flush. Either the flush is written to a file first and all plans are about
// files; or a policy is asked once while the flushed layer is in memory (LayerShape::is_in_memory),
// so that merges can take from it what is then not written by itself. What they leave is written
// before the next plan.
//
// A policy is a pure function. It does no I/O, reads no clock, draws nothing at random; equal input
// gives an equal plan, byte for byte. Any thread may call it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/export.h"
#include "packstore/layer_shape.h"
#include "packstore/result.h"

namespace packstore {

enum class JobKind : std::uint8_t {
  kMerge,    // Replaces deltas by one delta a part, in new files.
  kImage,    // Writes the pages of each part as records below one LSN leave them; those stay.
  kDrop,     // Forgets layers that no LSN still needed can see. Writes nothing.
  kCut,      // Divides a layer's rectangle, or trims it to where it holds anything. Writes nothing.
  kMove,     // Gives a layer the rectangle that a merge of it alone would have. Writes nothing.
  kReclaim,  // Copies what is live in a file out of it, so that the file can go.
};

// "merge", "image", "drop", "cut", "move", "reclaim".
PACKSTORE_EXPORT std::string_view to_string(JobKind kind);

// Part of a layer, by the id that it had when the plan was made. Ids stay valid until the plan
// ends, also where an earlier job takes other keys of the layer. No job names what another makes.
struct JobInput {
  LayerId layer = 0;
  KeyRange keys = {};

  friend bool operator==(const JobInput&, const JobInput&) = default;
};

// One rectangle that a job makes. Parts of a job do not overlap.
struct JobPart {
  KeyRange keys = {};
  LsnRange lsns = {};  // Of an image both are its LSN.
  // By descending LSN. Of an image: the deltas that made the policy want it, perhaps none. It is
  // not made of them but of the newest image below it and of all records since, which the executor
  // finds itself.
  std::vector<JobInput> inputs = {};
  std::uint64_t bytes = 0;  // Estimated size of what is made.

  friend bool operator==(const JobPart&, const JobPart&) = default;
};

// Where the output of a job is divided into files: before the first part at or behind each key of
// `points`; and, if `bytes` is not 0, before each part, and between pages wherever a file has
// reached that many bytes.
struct OutputCuts {
  std::vector<Key> points = {};
  std::uint64_t bytes = 0;

  friend bool operator==(const OutputCuts&, const OutputCuts&) = default;
};

// What a job is expected to change.
struct JobEffect {
  std::uint64_t bytes_read = 0;  // From files.
  std::uint64_t bytes_written = 0;
  double read_amp = 0;           // Mean over the pages in use; negative is better.
  double write_amp = 0;          // bytes_written over all WAL so far.
  std::int64_t space_bytes = 0;  // Live bytes added.

  friend bool operator==(const JobEffect&, const JobEffect&) = default;
};

struct CompactionJob {
  JobKind kind = JobKind::kMerge;
  std::vector<JobPart> parts = {};  // By ascending key, then LSN.
  OutputCuts cuts = {};
  JobEffect effect = {};
  // Why, with the cost terms that decided; one line of printable ASCII.
  std::string reason = {};
  // Jobs of the plan, by position, that must be published before this one may begin. All others
  // touch other rectangles, perhaps of the same layers, and may run at the same time.
  std::vector<std::uint32_t> after = {};

  friend bool operator==(const CompactionJob&, const CompactionJob&) = default;
};

// What a policy that aims at a target remembers from one plan to the next.
struct PriceTuning {
  double even = 0;  // Bytes that one visit of a layer by an evenly spread read is worth.
  double hot = 0;   // The same for a read that follows the writes.

  friend bool operator==(const PriceTuning&, const PriceTuning&) = default;
};

struct CompactionPlan {
  std::vector<CompactionJob> jobs = {};
  PriceTuning tuning = {};

  friend bool operator==(const CompactionPlan&, const CompactionPlan&) = default;
};

// What may not be exceeded; nullopt: no limit. Means are over all flushes so far.
struct CompactionBudgets {
  std::optional<double> read_amp_even = {};         // Mean layers that a read of any page visits.
  std::optional<double> read_amp_hot = {};          // The same, weighted by recent writes.
  std::optional<std::uint32_t> read_amp_peak = {};  // At any page, at any time.
  std::optional<double> space_amp = {};             // Live layer bytes over bytes of WAL.
};

// What was measured so far.
struct MeasuredAmplification {
  std::uint64_t flushes = 0;
  std::uint64_t wal_bytes = 0;
  double read_amp_even = 0;  // Mean over all flushes.
  double read_amp_hot = 0;
};

struct PlannerInput {
  std::span<const LayerShape> layers = {};  // By ascending id.
  std::span<const FileShape> files = {};    // By ascending id; all that the layers are in.
  std::span<const CellState> cells = {};    // The key space in use, by ascending key.
  Grid grid = {};
  Lsn tip = 0;  // End of the newest flushed layer; no layer may reach above it.
  // Every LSN from here to `tip` can be read; below, only those of `retained`.
  Lsn horizon = 0;
  std::span<const Lsn> retained = {};  // Ascending.
  CompactionBudgets budgets = {};
  MeasuredAmplification measured = {};
  PriceTuning tuning = {};  // As the last plan left it.
  // Plans already carried out since the last flush. A policy is asked again until it has no jobs.
  std::uint32_t round = 0;

  // A layer is in memory.
  bool is_flushing() const { return std::ranges::any_of(layers, &LayerShape::is_in_memory); }
};

// kInvalidArgument: names the layer, cell or budget that makes no sense. Policies check it first.
PACKSTORE_EXPORT Status check_planner_input(const PlannerInput& input);

class PACKSTORE_EXPORT CompactionPolicy {
 public:
  virtual ~CompactionPolicy();
  virtual std::string_view name() const = 0;
  // kInvalidArgument: the input makes no sense. Impossible budgets are no error: the plan comes as
  // near to them as the policy can.
  virtual Result<CompactionPlan> plan(const PlannerInput& input) const = 0;
};

// Sizes that all policies share.
struct PolicySizing {
  std::uint64_t file_bytes = 256 * 1024 * 1024;  // Target for a file; also the size of a flush.
  std::uint32_t fan_out = 4;                     // Runs that meet before they are merged.
};

// Decides once a level for all keys, as the pageserver crate's "compact_tiered" does, counting
// deltas that images already cover. The policy that others are compared with.
PACKSTORE_EXPORT std::unique_ptr<CompactionPolicy> make_tiered_policy(const PolicySizing& sizing);
// Tiered within inner levels, one run at the last (Dayan and Idreos, SIGMOD 2018); per cell.
PACKSTORE_EXPORT std::unique_ptr<CompactionPolicy> make_lazy_leveling_policy(
    const PolicySizing& sizing);
// Ten flushes are merged; a cell under three merged deltas gets an image.
PACKSTORE_EXPORT std::unique_ptr<CompactionPolicy> make_count_policy(const PolicySizing& sizing);

struct CellPolicyOptions {
  PolicySizing sizing = {};
  // A merge is due when its bytes are no more than this multiple of what reads have paid for its
  // inputs. Images are due at 1.
  double merge_share = 2;
  // Price of a layer visit, in flush sizes, before the target is first felt; and for ever if there
  // is no target.
  double price = 0.3;
  // Cells value a visit differently, by factors of up to e^spread either way, so that cells that
  // are written alike are not merged all at once. 0: all value it the same.
  double spread = 0.3;
  // A file that is half dead is copied away after so many flushes, and sooner the more of it is
  // dead: when dead bytes times age exceed so many times the live bytes. 0: never.
  double reclaim_after = 192;
};
// Rent or buy, per cell: see docs/compaction.md.
PACKSTORE_EXPORT std::unique_ptr<CompactionPolicy> make_cell_policy(
    const CellPolicyOptions& options);

// One job a block of lines; docs/compaction.md, "Plans and runs", has the grammar.
PACKSTORE_EXPORT std::string print_plan(const CompactionPlan& plan);
// kCorrupt: names the line and what is wrong with it. parse_plan(print_plan(p)) == p.
PACKSTORE_EXPORT Result<CompactionPlan> parse_plan(std::string_view text);
// The layers and, over them, what the plan does to them; a whole SVG document.
PACKSTORE_EXPORT std::string draw_plan(const CompactionPlan& plan, const PlannerInput& input);

}  // namespace packstore
