// Follow the leader: replay what was written so far, cell by cell, as if one price had held from
// the start, and take the lowest price whose mean read amplification meets the target.
//
// 1. The intervals known of are replayed; short histories are repeated to a fixed length, because a
//    price must suit what is still to come.
// 2. Two prices are searched by halving, in turns: of a visit by an evenly spread read, and of one
//    that follows the writes. A price that no target needs is 0.
// 3. Twice what was measured above or below the target so far is taken off or put on it, so that
//    the mean comes back to it.
// The replay knows cells, not files; it forgets where cells have more than 256 intervals behind
// them; from 16 intervals on prices change once in a sixteenth of the history.
#include "compaction/price_tuning.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "compaction/rent_rule.h"

namespace packstore {
namespace {

constexpr std::size_t kReplayedMin = 48;
constexpr std::size_t kUntunedIntervals = 4;
constexpr int kHalvings = 8;
// Prices are searched between these, in flush sizes.
constexpr double kPriceMin = 1e-4;
constexpr double kPriceMax = 8;
// A mean aims below its target by as much as it strays.
constexpr double kAim = 0.92;
// How much of what the mean is off is made up for at once; found on the suite, with the aim.
constexpr double kMakeUp = 2;

struct ReplayedRun {
  double bytes = 0;
  double visits_even = 0;
  double visits_hot = 0;
};

struct ReplayedCell {
  const CellState* cell = nullptr;
  double image_bytes = 0;
  double even = 0;  // Share of evenly spread reads.
  bool has_image = false;
  std::vector<ReplayedRun> runs = {};  // Oldest first.
};

struct ReplayedReads {
  double even = 0;
  double hot = 0;
};

class Replay {
 public:
  Replay(const PlannerInput& input, const RentRule& rule)
      : rule_(rule),
        space_amp_(input.budgets.space_amp.value_or(std::numeric_limits<double>::infinity())) {
    double pages = 1;
    for (const CellState& cell : input.cells) {
      pages += static_cast<double>(cell.pages);
      intervals_ = std::max(intervals_, cell.writes.size());
    }
    totals_.resize(intervals_);
    for (const CellState& cell : input.cells) {
      cells_.push_back({.cell = &cell,
                        .image_bytes = static_cast<double>(cell.pages * kPageBytes),
                        .even = static_cast<double>(cell.pages) / pages});
      for (std::size_t i = 0; i < cell.writes.size(); ++i) {
        totals_[i] += static_cast<double>(cell.writes[i]);
      }
    }
  }

  std::size_t intervals() const { return intervals_; }

  ReplayedReads run(const PriceTuning& prices) {
    for (ReplayedCell& cell : cells_) {
      cell.runs.clear();
      cell.has_image = false;
    }
    wal_bytes_ = 0;
    live_bytes_ = 0;
    ReplayedReads sum;
    const std::size_t steps = std::max(intervals_, kReplayedMin);
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t now = step % intervals_;
      const std::size_t before = step == 0 ? 0 : (step - 1) % intervals_;
      wal_bytes_ += totals_[now];
      live_bytes_ += totals_[now];
      const double recent = std::max(totals_[now] + totals_[before], 1.0);
      for (ReplayedCell& cell : cells_) {
        const auto bytes = static_cast<double>(cell.cell->writes[now]);
        if (bytes > 0) flush(cell, bytes, prices);
        const double hot = (bytes + static_cast<double>(cell.cell->writes[before])) / recent;
        visit(cell, hot, sum);
      }
    }
    return {sum.even / static_cast<double>(steps), sum.hot / static_cast<double>(steps)};
  }

 private:
  void flush(ReplayedCell& cell, double bytes, const PriceTuning& prices) {
    cell.runs.push_back({.bytes = bytes});
    rented_.clear();
    for (std::size_t i = cell.runs.size(); i-- > 0;) {
      const ReplayedRun& run = cell.runs[i];
      rented_.push_back({run.bytes, prices.even * run.visits_even + prices.hot * run.visits_hot});
    }
    const bool may_image = live_bytes_ + cell.image_bytes <= space_amp_ * wal_bytes_;
    const CellDecision decision =
        rule_.decide(rented_, cell.image_bytes, may_image, cell.has_image ? 1 : 0);
    if (decision.is_image) {
      live_bytes_ += cell.image_bytes;
      cell.has_image = true;
      cell.runs.clear();
    } else if (decision.merge > 0) {
      double merged = 0;
      for (std::size_t i = 0; i < decision.merge; ++i) {
        merged += cell.runs.back().bytes;
        cell.runs.pop_back();
      }
      cell.runs.push_back({.bytes = merged});
    }
  }

  static void visit(ReplayedCell& cell, double hot, ReplayedReads& sum) {
    for (ReplayedRun& run : cell.runs) {
      run.visits_even += cell.even;
      run.visits_hot += hot;
    }
    const double visits = static_cast<double>(cell.runs.size()) + (cell.has_image ? 1 : 0);
    sum.even += cell.even * visits;
    sum.hot += hot * visits;
  }

  RentRule rule_;
  double space_amp_;
  std::size_t intervals_ = 0;
  std::vector<double> totals_;
  std::vector<ReplayedCell> cells_;
  std::vector<RentedRun> rented_;
  double wal_bytes_ = 0;
  double live_bytes_ = 0;
};

// The lowest price for which `is_met`, which gets harder to deny as the price rises.
double find_price(double unit, const std::function<bool(double)>& is_met) {
  if (is_met(0)) return 0;
  double low = std::log(unit * kPriceMin);
  double high = std::log(unit * kPriceMax);
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (is_met(std::exp(middle)) ? high : low) = middle;
  }
  return std::exp(high);
}

double find_goal(const std::optional<double>& target, double measured) {
  if (!target) return std::numeric_limits<double>::infinity();
  const double aim = *target * kAim;
  return std::max(aim + kMakeUp * (aim - measured), 1.0);
}

}  // namespace

PriceTuning tune_prices(const PlannerInput& input, const CellPolicyOptions& options) {
  PriceTuning tuning = input.tuning;
  const auto unit = static_cast<double>(options.sizing.file_bytes);
  if (tuning.even == 0 && tuning.hot == 0) {
    tuning = {options.price * unit / 2, options.price * unit / 2};
  }
  if (!input.budgets.read_amp_even && !input.budgets.read_amp_hot) return tuning;
  const std::uint64_t flushes = input.measured.flushes;
  if (input.cells.empty() || flushes < kUntunedIntervals) return tuning;
  if (flushes > 16 && flushes % (flushes / 16) != 0) return tuning;

  Replay replay(input, rule_of(input, options));
  if (replay.intervals() == 0) return tuning;
  const double even_goal = find_goal(input.budgets.read_amp_even, input.measured.read_amp_even);
  const double hot_goal = find_goal(input.budgets.read_amp_hot, input.measured.read_amp_hot);
  for (int turn = 0; turn < 2; ++turn) {
    tuning.even = find_price(unit, [&](double price) {
      return replay.run({.even = price, .hot = tuning.hot}).even <= even_goal;
    });
    tuning.hot = find_price(unit, [&](double price) {
      return replay.run({.even = tuning.even, .hot = price}).hot <= hot_goal;
    });
  }
  // Neither target is in danger: as good as free, but not what "never tuned" looks like.
  if (tuning.even == 0 && tuning.hot == 0) tuning.even = 1;
  return tuning;
}

RentRule rule_of(const PlannerInput& input, const CellPolicyOptions& options) {
  RentRule rule{.merge_share = options.merge_share};
  if (input.budgets.read_amp_peak) {
    rule.depth_max = std::max<std::size_t>(*input.budgets.read_amp_peak, 1);
  }
  return rule;
}

}  // namespace packstore
