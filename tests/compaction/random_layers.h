// A store of layers as years of another compaction might have left it: random records, flushed, and
// after each flush merged, imaged, cut and copied at random, cell by cell.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compaction/memory_layers.h"
#include "compaction/record_executor.h"

namespace packstore {

// Pages by key, as a read finds them.
using Pages = std::map<Key, std::string>;

class RandomLayers {
 public:
  explicit RandomLayers(std::uint64_t seed);

  // Another flush of random records; what follows it is the policy's.
  void flush();
  // The same, in memory.
  void begin_flush();
  void finish_flush();
  bool is_flushing() const { return is_flushing_; }
  // Visits, budgets, horizon, retained LSNs, rates and prices, all at random.
  void draw_circumstances();

  // Good until the layers change.
  PlannerInput input(std::uint32_t round);
  void take(const PriceTuning& tuning) { tuning_ = tuning; }
  const PolicySizing& sizing() const { return sizing_; }
  RecordExecutor& executor() { return *executor_; }
  // The same layers once more.
  std::unique_ptr<RecordExecutor> copy(MemoryLayers& storage);

  // LSNs that somebody may read.
  std::vector<Lsn> readable();
  // What was written, and what is read of it.
  Pages truth_at(Lsn lsn) const;
  static Pages read_at(RecordExecutor& executor, Lsn lsn);

  std::mt19937_64& random() { return random_; }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

 private:
  Key key_of(std::uint64_t number) const;
  OwnedLayer write(const LsnRange& lsns);
  void advance_to(Lsn tip);
  void compact_at_random();
  void draw_horizon();
  void decide_at_random(Key cell, CompactionJob& merges, CompactionJob& images);
  void run(CompactionPlan plan);

  std::mt19937_64 random_;
  Grid grid_{4};
  std::uint64_t cell_count_;
  std::uint64_t compaction_chance_;  // Of 4.
  PolicySizing sizing_;
  std::map<Key, OwnedLayer> written_;  // By key: records by LSN.
  std::map<Key, std::uint64_t> last_writes_;
  MemoryLayers storage_;
  std::unique_ptr<RecordExecutor> executor_;
  bool is_flushing_ = false;
  Lsn tip_ = 0;
  Lsn horizon_ = 0;
  std::vector<Lsn> flush_ends_;
  std::vector<Lsn> retained_;
  std::vector<CellState> cells_;
  CompactionBudgets budgets_;
  MeasuredAmplification measured_;
  PriceTuning tuning_;
};

}  // namespace packstore
