// A bound on what any policy must write that decides cell by cell and keeps all history.
//
// 1. Prices are put on the budgets: on a layer visit by an even read and by a hot one, and on bytes
//    of images. For any prices, the cheapest schedule of writes and paid visits, less what the
//    budgets themselves would pay, is no more than any schedule within the budgets writes
//    (Lagrangian duality). So each evaluation is a bound, and the largest is kept.
// 2. Cells are independent at given prices. Within a cell, between two images, an interval dynamic
//    program: of the runs left at the end of flushes i..n the lowest was completed at some flush j;
//    what came before j was scheduled by itself, what came after lies on top:
//
//      cost(i, n) = min over j of cost(i, j-1) + (j > i ? bytes(i..j) : 0)
//                                 + visits(j..n) + cost(j+1, n)
//
//    Every flush is counted as written besides; where flush j is merged from memory, it was not,
//    and bytes(i..j-1) is what the merge adds.
// 3. Above it, a program over the flushes after which images are written.
// 4. The prices are climbed one after the other, by golden section on their logarithms: the bound
//    is concave in the prices.
// It knows the future and has no cap on the peak, so it is low.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "compaction/write_history.h"
#include "packstore/simulation.h"

namespace packstore {
namespace {

struct Prices {
  double even = 0;
  double hot = 0;
  double space = 0;  // Of a byte of an image, on top of writing it.
};

// One write of a cell, and the reads until the next one.
struct CellWrite {
  std::size_t interval = 0;
  double bytes = 0;
  double image_bytes = 0;  // If an image is written just after it.
};

struct BoundCell {
  std::vector<CellWrite> writes;
  // Shares of reads, summed up over the intervals before each; one more than there are intervals.
  std::vector<double> even;
  std::vector<double> hot;
};

std::vector<BoundCell> find_cells(const WriteHistory::Data& history) {
  const std::size_t intervals = history.flushes.size();
  std::vector<BoundCell> cells(history.cell_count);
  std::vector<std::uint8_t> in_use(history.page_count);
  std::vector<std::uint64_t> pages(history.cell_count);
  std::vector<double> records(history.cell_count);
  std::vector<double> records_before(history.cell_count);
  for (BoundCell& cell : cells) {
    cell.even.resize(intervals + 1);
    cell.hot.resize(intervals + 1);
  }
  for (std::size_t i = 0; i < intervals; ++i) {
    const FlushInterval& flush = history.flushes[i];
    for (const std::uint32_t page : flush.toggled) {
      in_use[page] ^= 1U;
      pages[page >> history.workload.grid.cell_keys_log2] += in_use[page] != 0 ? 1U : ~0ULL;
    }
    std::ranges::fill(records, 0);
    for (const CellWrites& writes : flush.cells) {
      records[writes.cell] = static_cast<double>(writes.records);
      cells[writes.cell].writes.push_back({i, static_cast<double>(writes.bytes),
                                           static_cast<double>(pages[writes.cell] * kPageBytes)});
    }
    const double recent =
        static_cast<double>(flush.records + (i == 0 ? 0 : history.flushes[i - 1].records));
    const auto in_all = static_cast<double>(std::max<std::uint64_t>(flush.pages_in_use, 1));
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      cells[cell].even[i + 1] = cells[cell].even[i] + static_cast<double>(pages[cell]) / in_all;
      cells[cell].hot[i + 1] = cells[cell].hot[i] + (records[cell] + records_before[cell]) / recent;
    }
    std::swap(records, records_before);
  }
  std::erase_if(cells, [](const BoundCell& cell) { return cell.writes.empty(); });
  return cells;
}

class CellBound {
 public:
  CellBound(const BoundCell& cell, const Prices& prices, FlushMode flush_mode)
      : cell_(cell),
        prices_(prices),
        flush_mode_(flush_mode),
        count_(cell.writes.size()),
        by_end_((count_ + 1) * (count_ + 1)) {
    paid_.resize(cell.even.size());
    for (std::size_t i = 0; i < paid_.size(); ++i) {
      paid_[i] = prices.even * cell.even[i] + prices.hot * cell.hot[i];
    }
  }

  double run() {
    fill_intervals();
    double written = 0;
    for (const CellWrite& write : cell_.writes) written += write.bytes;
    // best[k]: the cheapest way to an image after write k - 1; best[0]: no image yet.
    std::vector<double> best(count_ + 1, std::numeric_limits<double>::infinity());
    best[0] = 0;
    double cheapest = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k <= count_; ++k) {
      if (k > 0) best[k] = best_image(best, k);
      const double image_visits = k == 0 ? 0 : paid_.back() - paid_[interval(k - 1) + 1];
      cheapest = std::min(cheapest, best[k] + image_visits + cost(k, count_));
    }
    return written + cheapest;
  }

 private:
  std::size_t interval(std::size_t write) const { return cell_.writes[write].interval; }
  // First interval after the reads that follow write `n` - 1.
  std::size_t end_of(std::size_t n) const { return n == count_ ? paid_.size() - 1 : interval(n); }
  // Writes begin..end-1, reads up to the next write; flushes themselves not counted.
  double cost(std::size_t begin, std::size_t end) const {
    return begin >= end ? 0 : by_end_[end * (count_ + 1) + begin];
  }

  // The inner loop takes most of the time of a bound: all that it reads lies in order. What is
  // known of intervals that begin at `begin` is kept by their end, merged bytes added, and of all
  // others by their begin.
  void fill_intervals() {
    std::vector<double> bytes(count_ + 1);
    std::vector<double> paid_before(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      bytes[i + 1] = bytes[i] + cell_.writes[i].bytes;
      paid_before[i] = paid_[interval(i)];
    }
    std::vector<double> merged(count_ + 1);
    for (std::size_t begin = count_; begin-- > 0;) {
      merged[begin] = 0;  // Nothing lies below.
      for (std::size_t end = begin + 1; end <= count_; ++end) {
        const double* rest = &by_end_[end * (count_ + 1) + 1];
        const double paid = paid_[end_of(end)];
        std::array<double, 4> best;
        best.fill(std::numeric_limits<double>::infinity());
        std::size_t j = begin;
        for (; j + 4 <= end; j += 4) {
          for (std::size_t lane = 0; lane < 4; ++lane) {
            best[lane] = std::min(
                best[lane], merged[j + lane] + (paid - paid_before[j + lane]) + rest[j + lane]);
          }
        }
        for (; j < end; ++j) {
          best[0] = std::min(best[0], merged[j] + (paid - paid_before[j]) + rest[j]);
        }
        const double cheapest = *std::ranges::min_element(best);
        by_end_[end * (count_ + 1) + begin] = cheapest;
        if (end == count_) continue;
        const std::size_t written_again = flush_mode_ == FlushMode::kAlone ? end + 1 : end;
        merged[end] = cheapest + bytes[written_again] - bytes[begin];
      }
    }
  }

  // The image after write k - 1 is what reads of that interval visit.
  double best_image(const std::vector<double>& best, std::size_t k) {
    const std::size_t now = interval(k - 1);
    const double made = cell_.writes[k - 1].image_bytes * (1 + prices_.space);
    double cheapest = std::numeric_limits<double>::infinity();
    for (std::size_t from = 0; from < k; ++from) {
      const double image_visits = from == 0 ? 0 : paid_[now] - paid_[interval(from - 1) + 1];
      cheapest = std::min(cheapest, best[from] + image_visits + cost(from, k - 1));
    }
    return cheapest + made + paid_[now + 1] - paid_[now];
  }

  const BoundCell& cell_;
  Prices prices_;
  FlushMode flush_mode_;
  std::size_t count_;
  std::vector<double> by_end_;  // cost(begin, end), intervals with one end together.
  std::vector<double> paid_;    // For visits of one layer before each interval.
};

class Climb {
 public:
  Climb(const WriteHistory::Data& history, const CompactionBudgets& budgets, FlushMode flush_mode)
      : cells_(find_cells(history)),
        budgets_(budgets),
        flush_mode_(flush_mode),
        intervals_(static_cast<double>(history.flushes.size())),
        wal_bytes_(static_cast<double>(history.wal_bytes)),
        unit_(static_cast<double>(history.workload.file_bytes)) {}

  double run() {
    std::array<double*, 3> directions{&prices_.even, &prices_.hot, &prices_.space};
    const std::array<double, 3> units{unit_, unit_, 1};
    const std::array<bool, 3> is_set{budgets_.read_amp_even.has_value(),
                                     budgets_.read_amp_hot.has_value(),
                                     budgets_.space_amp.has_value()};
    double best = evaluate();
    for (int turn = 0; turn < kTurns; ++turn) {
      for (std::size_t i = 0; i < directions.size(); ++i) {
        if (is_set[i]) best = std::max(best, climb(*directions[i], units[i]));
      }
    }
    return best / wal_bytes_;
  }

 private:
  static constexpr int kTurns = 3;
  static constexpr int kSections = 9;

  double evaluate() const {
    double sum = 0;
    for (const BoundCell& cell : cells_) sum += CellBound(cell, prices_, flush_mode_).run();
    sum -= prices_.even * budgets_.read_amp_even.value_or(0) * intervals_;
    sum -= prices_.hot * budgets_.read_amp_hot.value_or(0) * intervals_;
    return sum - prices_.space * std::max(budgets_.space_amp.value_or(1) - 1, 0.0) * wal_bytes_;
  }

  double at(double& price, double value) {
    price = value;
    return evaluate();
  }

  // Leaves `price` where the bound is highest.
  double climb(double& price, double unit) {
    constexpr double kGolden = 0.6180339887498949;
    double best_price = 0;
    double best = at(price, 0);
    double low = std::log(unit * 1e-3);
    double high = std::log(unit * 1e2);
    double left = high - kGolden * (high - low);
    double right = low + kGolden * (high - low);
    double at_left = at(price, std::exp(left));
    double at_right = at(price, std::exp(right));
    for (int i = 0; i < kSections; ++i) {
      const bool is_left = at_left > at_right;
      const double found = is_left ? at_left : at_right;
      if (found > best) {
        best = found;
        best_price = std::exp(is_left ? left : right);
      }
      if (is_left) {
        high = right;
        right = left;
        at_right = at_left;
        left = high - kGolden * (high - low);
        at_left = at(price, std::exp(left));
      } else {
        low = left;
        left = right;
        at_left = at_right;
        right = low + kGolden * (high - low);
        at_right = at(price, std::exp(right));
      }
    }
    price = best_price;
    return best;
  }

  std::vector<BoundCell> cells_;
  CompactionBudgets budgets_;
  FlushMode flush_mode_;
  double intervals_;
  double wal_bytes_;
  double unit_;
  Prices prices_;
};

}  // namespace

double write_amp_bound(const WriteHistory& history, const CompactionBudgets& budgets,
                       FlushMode flush_mode) {
  return Climb(history.data(), budgets, flush_mode).run();
}

}  // namespace packstore
