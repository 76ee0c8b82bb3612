// Measures what reads cost in a simulation, after every flush.
#pragma once

#include <array>
#include <vector>

#include "compaction/layer_set.h"
#include "compaction/simulated_outputs.h"
#include "compaction/write_history.h"

namespace packstore {

class ReadMeter {
 public:
  ReadMeter(const WriteHistory::Data& history, bool embeds) : history_(history), embeds_(embeds) {}

  // Samples reads at the tip after interval `number`, and adds the visits to the layers' shares.
  void sample(std::size_t number, LayerSet& layers, const PageState& pages);
  // Mean visits of reads at `count` LSNs from `horizon` to `tip`, any page; now.
  double sample_history(const LayerSet& layers, Lsn horizon, Lsn tip, unsigned count);

  ReadAmplification mean_even() const { return mean(sum_even_); }
  ReadAmplification mean_hot() const { return mean(sum_hot_); }
  ReadAmplification last_even() const { return last_even_; }
  ReadAmplification last_hot() const { return last_hot_; }
  double mean_p99() const { return over_samples(sum_p99_); }
  std::uint32_t peak() const { return peak_; }
  double mean_replay_records() const { return over_samples(sum_replay_records_); }
  double mean_replay_bytes() const { return over_samples(sum_replay_bytes_); }
  std::uint64_t replay_bytes_max() const { return replay_bytes_max_; }
  std::size_t samples() const { return samples_; }

 private:
  // The intervals that a delta holds, counted from 1.
  struct Held {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };
  // Pages of one cell that the same layers hold.
  struct Stretch {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    Lsn image = 0;  // The newest.
    std::uint32_t covering = 0;
    std::vector<Held> occupying = {};
    double pages_in_use = 0;
    double recent_records = 0;
  };

  void find_stretches(const LayerSet& layers);
  std::size_t stretch_at(std::uint32_t page) const;
  // The keys that a read of `key` asks a layer's bitmap about.
  KeyRange asked_for(Key key) const;
  // Those that a read at `lsn` sees.
  void stack_layers(const LayerSet& layers, Lsn lsn);
  void weigh(std::size_t number, const PageState& pages);
  void measure(const PageState& pages);
  void measure_exactly(std::size_t number, const PageState& pages);
  void measure_replay(std::size_t number, const PageState& pages);
  void count_visits(LayerSet& layers);
  std::uint32_t occupied_visits(const Stretch& stretch, std::uint32_t embedded_in) const;
  std::uint32_t exact_visits(const Stretch& stretch, std::uint32_t page,
                             std::uint32_t embedded_in) const;
  double over_samples(double sum) const {
    return samples_ == 0 ? 0 : sum / static_cast<double>(samples_);
  }
  ReadAmplification mean(const ReadAmplification& sum) const {
    return {over_samples(sum.covered), over_samples(sum.occupied), over_samples(sum.exact)};
  }

  const WriteHistory::Data& history_;
  bool embeds_;
  std::vector<Stretch> stretches_;
  std::vector<std::uint32_t> borders_;
  double pages_in_use_ = 0;
  double recent_records_ = 0;
  ReadAmplification last_even_;
  ReadAmplification last_hot_;
  ReadAmplification sum_even_;
  ReadAmplification sum_hot_;
  double sum_p99_ = 0;
  double sum_replay_records_ = 0;
  double sum_replay_bytes_ = 0;
  std::uint64_t replay_bytes_max_ = 0;
  std::uint32_t peak_ = 0;
  std::size_t samples_ = 0;
};

}  // namespace packstore
