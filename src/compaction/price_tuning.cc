// Follow the leader: replay what was written so far, cell by cell, as if one price had held from
// the start, and take the price that meets the target and writes least.
//
// 1. The intervals known of are replayed; short histories are repeated to a fixed length. The first
//    quarter does not count: stacks are empty then, and never will be again.
// 2. A price has two parts, for a visit by an evenly spread read and by one that follows the
//    writes. For each of four mixtures the lowest price is found by halving whose mean read
//    amplification meets both goals, among those that are one step away at most; the mixture that
//    writes least is taken.
// 3. Twice what was measured above or below the target so far is taken off or put on the goal, so
//    that the mean comes back to it.
// 4. A step is a third at most, and a rise by 1.6 where a mean is above its target already. Where
//    writes move on from cell to cell, the past says little of what is to come, and the price stays
//    above the untuned one times the share of writes that moved.
// The replay knows cells, not files; it forgets where cells have more than 256 intervals behind
// them; from 16 intervals on prices change once in a sixteenth of the history.
#include "compaction/price_tuning.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "compaction/rent_rule.h"

namespace packstore {
namespace {

constexpr std::size_t kReplayedMin = 32;
constexpr std::size_t kUntunedIntervals = 4;
constexpr int kHalvings = 5;
// Shares of the price that are for hot reads. Never none: what was written is read.
constexpr std::array kMixtures{0.25, 0.5, 0.75, 1.0};
// A mean aims below its target by as much as it strays.
constexpr double kAim = 0.965;
// How much of what the mean is off is made up for at once.
constexpr double kMakeUp = 2;
// From one plan to the next a price falls or rises by this factor at most, ...
constexpr double kStepMax = 1.35;
// ... or rises by this one where reads already cost more than they should.
constexpr double kStepLate = 1.6;
// What missing a goal by one visit costs in the choice between mixtures, as write amplification:
// more than any writing.
constexpr double kMissed = 10;

// Sums that are kept may be off by their roundings.
constexpr double kRounded = 1 + 1e-9;

// Reads, as shares of all reads.
struct Visits {
  double even = 0;
  double hot = 0;

  Visits& operator+=(const Visits& more) {
    even += more.even;
    hot += more.hot;
    return *this;
  }
  Visits& operator-=(const Visits& less) {
    even -= less.even;
    hot -= less.hot;
    return *this;
  }
};

struct ReplayedRun {
  RentedRun run = {};  // Its rent is known when there is something to decide.
  Visits before = {};  // Of the cell, when the run was made: it is visited by all that follow.
};

// What a cell sees in one interval.
struct ReplayedInterval {
  double bytes = 0;
  double image_bytes = 0;
  Visits visits = {};
};

struct ReplayedCell {
  double bias = 1;
  bool has_image = false;
  std::vector<ReplayedRun> runs = {};  // Oldest first.
  Visits visits = {};                  // So far.
  Visits before_runs = {};             // Before each of the runs was made, added up.
};

struct ReplayedMeans {
  double even = 0;
  double hot = 0;
  double write_amp = 0;  // Compaction only.
};

class Replay {
 public:
  Replay(const PlannerInput& input, const CellPolicyOptions& options)
      : rule_(rule_of(input, options)),
        space_amp_(input.budgets.space_amp),
        merges_flushes_(input.is_flushing()),
        totals_(input.cells.front().history.size()) {
    for (const CellState& cell : input.cells) {
      for (std::size_t i = 0; i < totals_.size(); ++i) {
        totals_[i].bytes += cell.history[i].bytes;
        totals_[i].records += cell.history[i].records;
        totals_[i].pages += cell.history[i].pages;
      }
    }
    for (const CellState& cell : input.cells) {
      cells_.push_back({.bias = rent_bias(cell.keys.begin, input.grid, options.spread)});
    }
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      for (const CellState& cell : input.cells) {
        seen_.push_back(
            {.bytes = static_cast<double>(cell.history[i].bytes),
             .image_bytes =
                 static_cast<double>(cell.history[i].pages) * static_cast<double>(kPageBytes),
             .visits = {share(cell.history[i].pages, totals_[i].pages),
                        share(recent_records(cell.history, i), recent_records(totals_, i))}});
      }
    }
  }

  std::size_t intervals() const { return totals_.size(); }

  ReplayedMeans run(const PriceTuning& prices) {
    for (ReplayedCell& cell : cells_) {
      cell.runs.clear();
      cell.has_image = false;
      cell.visits = cell.before_runs = {};
    }
    wal_bytes_ = live_bytes_ = written_bytes_ = 0;
    const std::size_t steps = std::max(totals_.size(), kReplayedMin);
    const std::size_t counted = steps - steps / 4;
    ReplayedMeans sum;
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t now = step % totals_.size();
      wal_bytes_ += static_cast<double>(totals_[now].bytes);
      live_bytes_ += static_cast<double>(totals_[now].bytes);
      if (step == steps - counted) sum = {};
      SpaceRoom space(space_amp_, wal_bytes_, live_bytes_);
      const ReplayedInterval* seen = &seen_[now * cells_.size()];
      for (ReplayedCell& cell : cells_) {
        const ReplayedInterval& interval = *seen++;
        if (cell.runs.empty() && !cell.has_image && interval.bytes == 0) continue;
        decide(cell, interval, prices, space);
        visit(cell, interval, sum);
      }
    }
    return {.even = sum.even / static_cast<double>(counted),
            .hot = sum.hot / static_cast<double>(counted),
            .write_amp = written_bytes_ / std::max(wal_bytes_, 1.0)};
  }

  // Share of the writes that went to other cells in the second half of the history than in the
  // first.
  double drift() const {
    const std::size_t half = totals_.size() / 2;
    const auto bytes_of = [&](std::size_t begin, std::size_t end, std::size_t cell) {
      double bytes = 0;
      for (std::size_t i = begin; i < end; ++i) bytes += seen_[i * cells_.size() + cell].bytes;
      return bytes;
    };
    const auto bytes_of_all = [&](std::size_t begin, std::size_t end) {
      double bytes = 0;
      for (std::size_t i = begin; i < end; ++i) bytes += static_cast<double>(totals_[i].bytes);
      return std::max(bytes, 1.0);
    };
    const double before = bytes_of_all(0, half);
    const double after = bytes_of_all(half, totals_.size());
    double moved = 0;
    for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
      moved +=
          std::abs(bytes_of(0, half, cell) / before - bytes_of(half, totals_.size(), cell) / after);
    }
    return moved / 2;
  }

 private:
  static double share(std::uint64_t part, std::uint64_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1));
  }

  static std::uint64_t recent_records(const std::vector<CellInterval>& history, std::size_t i) {
    return history[i].records + (i == 0 ? 0 : history[i - 1].records);
  }

  static void push_run(ReplayedCell& cell, double bytes, bool is_in_memory) {
    cell.runs.push_back({{.bytes = bytes, .is_in_memory = is_in_memory}, cell.visits});
    cell.before_runs += cell.visits;
  }

  void decide(ReplayedCell& cell, const ReplayedInterval& now, const PriceTuning& prices,
              SpaceRoom& space) {
    if (now.bytes > 0) push_run(cell, now.bytes, merges_flushes_);
    const std::size_t below = cell.has_image ? 1 : 0;
    if (may_decide(cell, now.image_bytes, prices, below)) {
      rented_.clear();
      for (std::size_t i = cell.runs.size(); i-- > 0;) {
        Visits visits = cell.visits;
        visits -= cell.runs[i].before;
        rented_.push_back(cell.runs[i].run);
        rented_.back().rent = rent_of(cell, visits, prices);
      }
      CellDecision decision = rule_.decide(rented_, now.image_bytes, ImageRoom::kNow, below);
      if (decision.is_image) {
        const ImageRoom room = space.ask(now.image_bytes);
        if (room != ImageRoom::kNow) {
          decision = rule_.decide(rented_, now.image_bytes, room, below);
        }
      }
      carry_out(decision, cell, now.image_bytes);
    }
    if (!cell.runs.empty()) cell.runs.back().run.is_in_memory = false;
  }

  // Whether the rule could want anything. Most cells want nothing most of the time, and to find
  // that out takes no look at each of their runs.
  bool may_decide(const ReplayedCell& cell, double image_bytes, const PriceTuning& prices,
                  std::size_t below) const {
    const auto runs = static_cast<double>(cell.runs.size());
    const Visits of_all{runs * cell.visits.even - cell.before_runs.even,
                        runs * cell.visits.hot - cell.before_runs.hot};
    const double rent = rent_of(cell, of_all, prices) * kRounded;
    if (rent >= image_bytes || cell.runs.size() + below > rule_.depth_max) return true;
    if (cell.runs.size() < 2) return false;
    const double least =
        cell.runs[cell.runs.size() - 2].run.merge_bytes() + cell.runs.back().run.merge_bytes();
    return least <= rule_.merge_share * rent;
  }

  static double rent_of(const ReplayedCell& cell, const Visits& visits, const PriceTuning& prices) {
    return cell.bias * (prices.even * visits.even + prices.hot * visits.hot);
  }

  void carry_out(const CellDecision& decision, ReplayedCell& cell, double image_bytes) {
    if (decision.is_image) {
      live_bytes_ += image_bytes;
      written_bytes_ += image_bytes;
      cell.has_image = true;
      cell.runs.clear();
      cell.before_runs = {};
    } else if (decision.merge > 0) {
      double merged = 0;
      for (std::size_t i = 0; i < decision.merge; ++i) {
        merged += cell.runs.back().run.bytes;
        written_bytes_ += cell.runs.back().run.merge_bytes();
        cell.before_runs -= cell.runs.back().before;
        cell.runs.pop_back();
      }
      push_run(cell, merged, false);
    }
  }

  static void visit(ReplayedCell& cell, const ReplayedInterval& now, ReplayedMeans& sum) {
    const double depth = static_cast<double>(cell.runs.size()) + (cell.has_image ? 1 : 0);
    sum.even += now.visits.even * depth;
    sum.hot += now.visits.hot * depth;
    cell.visits += now.visits;
  }

  RentRule rule_;
  std::optional<double> space_amp_;
  bool merges_flushes_;
  std::vector<CellInterval> totals_;  // Of all cells.
  std::vector<ReplayedCell> cells_;
  std::vector<ReplayedInterval> seen_;  // Of every cell in one interval, then of the next.
  std::vector<RentedRun> rented_;
  double wal_bytes_ = 0;
  double live_bytes_ = 0;
  double written_bytes_ = 0;
};

struct PriceRange {
  double low = 0;
  double high = 0;
};

PriceRange one_step_from(double price, const PlannerInput& input) {
  const auto is_missed = [](const std::optional<double>& target, double measured) {
    return target && measured > *target;
  };
  const bool is_late = is_missed(input.budgets.read_amp_even, input.measured.read_amp_even) ||
                       is_missed(input.budgets.read_amp_hot, input.measured.read_amp_hot);
  return {price / kStepMax, price * (is_late ? kStepLate : kStepMax)};
}

double find_goal(const std::optional<double>& target, double measured) {
  if (!target) return std::numeric_limits<double>::infinity();
  const double aim = *target * kAim;
  return std::max(aim + kMakeUp * (aim - measured), 1.0);
}

struct ReadGoals {
  double even = 0;
  double hot = 0;

  // By how many visits; 0: met.
  double missed(const ReplayedMeans& means) const {
    return std::max(means.even - even, 0.0) + std::max(means.hot - hot, 0.0);
  }
};

struct TriedPrices {
  PriceTuning prices;
  ReplayedMeans means;
};

// The lowest price in the range that meets the goals, `hot_share` of it for hot reads; the highest
// where none does.
TriedPrices find_price(Replay& replay, const ReadGoals& goals, const PriceRange& range,
                       double hot_share) {
  const auto try_price = [&](double price) -> TriedPrices {
    const PriceTuning prices{.even = price * (1 - hot_share), .hot = price * hot_share};
    return {prices, replay.run(prices)};
  };
  TriedPrices found = try_price(range.high);
  if (goals.missed(found.means) > 0) return found;
  double low = std::log(range.low);
  double high = std::log(range.high);
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    const TriedPrices tried = try_price(std::exp(middle));
    if (goals.missed(tried.means) > 0) {
      low = middle;
    } else {
      high = middle;
      found = tried;
    }
  }
  return found;
}

double total(const PriceTuning& prices) { return prices.even + prices.hot; }

// Of the prices in the range that meet both goals the ones with which least is written.
PriceTuning find_prices(Replay& replay, const ReadGoals& goals, const PriceRange& range) {
  PriceTuning cheapest{.even = range.low / 2, .hot = range.low / 2};
  if (goals.missed(replay.run(cheapest)) == 0) return cheapest;
  double least = std::numeric_limits<double>::infinity();
  for (const double hot_share : kMixtures) {
    const TriedPrices found = find_price(replay, goals, range, hot_share);
    const double cost = found.means.write_amp + kMissed * goals.missed(found.means);
    if (cost < least) {
      least = cost;
      cheapest = found.prices;
    }
  }
  return cheapest;
}

}  // namespace

PriceTuning tune_prices(const PlannerInput& input, const CellPolicyOptions& options) {
  const double untuned = options.price * static_cast<double>(options.sizing.file_bytes);
  PriceTuning tuning = input.tuning;
  if (total(tuning) == 0) tuning = {untuned / 2, untuned / 2};
  if (!input.budgets.read_amp_even && !input.budgets.read_amp_hot) return tuning;
  const std::uint64_t flushes = input.measured.flushes;
  if (input.cells.empty() || flushes < kUntunedIntervals) return tuning;
  if (flushes > 16 && flushes % (flushes / 16) != 0) return tuning;

  Replay replay(input, options);
  if (replay.intervals() == 0) return tuning;
  const ReadGoals goals{
      .even = find_goal(input.budgets.read_amp_even, input.measured.read_amp_even),
      .hot = find_goal(input.budgets.read_amp_hot, input.measured.read_amp_hot)};
  tuning = find_prices(replay, goals, one_step_from(total(tuning), input));
  const double floor = replay.drift() * untuned / 2;
  return {std::max(tuning.even, floor), std::max(tuning.hot, floor)};
}

RentRule rule_of(const PlannerInput& input, const CellPolicyOptions& options) {
  RentRule rule{.merge_share = options.merge_share};
  if (input.budgets.read_amp_peak) {
    rule.depth_max = std::max<std::size_t>(*input.budgets.read_amp_peak, 1);
  }
  return rule;
}

}  // namespace packstore
