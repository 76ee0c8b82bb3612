// Cutting at a size between any two pages, as the tiered rule does.
//
// 1. The bytes of each page in the LSN range are added up.
// 2. Pages are taken from left to right; a piece ends as soon as it has reached the target, unless
//    what is left would be a tail of a quarter or less: the piece takes it along.
// 3. A page that exceeds the target by itself becomes a column one key wide, cut along LSN.
// A piece reaches from its first page to its last, never beyond.
#include <algorithm>
#include <numeric>

#include "compaction/simulated_outputs.h"

namespace packstore {
namespace {

class Cutter {
 public:
  Cutter(const JobPart& part, const WriteHistory::Data& history, std::uint64_t target)
      : part_(part),
        history_(history),
        target_(target),
        begin_(history.page_at(part.keys.begin)),
        bytes_(history.page_at(part.keys.end) - begin_),
        records_(bytes_.size()) {}

  std::vector<LayerShape> run() {
    add_up();
    std::uint64_t left = std::accumulate(bytes_.begin(), bytes_.end(), std::uint64_t{0});
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      if (records_[i] == 0) continue;
      if (bytes_[i] > target_) {
        finish_piece();
        cut_column(i);
      } else {
        if (piece_.bytes >= target_ && piece_.bytes + left > target_ + target_ / 4) finish_piece();
        add(i, bytes_[i], records_[i]);
      }
      left -= bytes_[i];
    }
    finish_piece();
    return std::move(made_);
  }

 private:
  void add_up() {
    for (const FlushInterval& flush : history_.flushes) {
      if (!flush.lsns.overlaps(part_.lsns)) continue;
      auto writes = std::ranges::lower_bound(flush.pages, begin_, {}, &PageWrites::page);
      for (; writes != flush.pages.end() && writes->page - begin_ < bytes_.size(); ++writes) {
        bytes_[writes->page - begin_] += bytes_within(*writes, flush.lsns, part_.lsns);
        records_[writes->page - begin_] += writes->records;
      }
    }
  }

  void add(std::size_t i, std::uint64_t bytes, std::uint64_t records) {
    const auto page = begin_ + static_cast<std::uint32_t>(i);
    const std::uint32_t cell = page >> history_.workload.grid.cell_keys_log2;
    if (piece_.cells.empty()) {
      piece_.keys.begin = history_.key_of(page);
      piece_.lsns = part_.lsns;
    }
    if (piece_.cells.empty() || cell != cell_) {
      cell_ = cell;
      piece_.cells.push_back(
          {.cell = history_.key_of(cell << history_.workload.grid.cell_keys_log2)});
    }
    piece_.keys.end = advance(history_.key_of(page), 1);
    piece_.bytes += bytes;
    piece_.records += records;
    piece_.page_bytes_max = std::max(piece_.page_bytes_max, bytes);
    piece_.cells.back().bytes += bytes;
    piece_.cells.back().records += records;
  }

  void finish_piece() {
    if (!piece_.cells.empty()) made_.push_back(std::move(piece_));
    piece_ = {};
  }

  // One key, from the bottom up.
  void cut_column(std::size_t i) {
    const auto page = begin_ + static_cast<std::uint32_t>(i);
    std::uint64_t left = bytes_[i];
    Lsn bottom = part_.lsns.begin;
    for (const FlushInterval& flush : history_.flushes) {
      if (!flush.lsns.overlaps(part_.lsns)) continue;
      const auto writes = std::ranges::lower_bound(flush.pages, page, {}, &PageWrites::page);
      if (writes == flush.pages.end() || writes->page != page) continue;
      std::uint64_t taken = 0;  // Of this interval, by cuts.
      const std::uint64_t all = bytes_within(*writes, flush.lsns, part_.lsns);
      while (all - taken + column_ >= target_ && left > target_ + target_ / 4) {
        taken += target_ - column_;
        const Lsn top = flush.lsns.begin + (flush.lsns.height() * taken + all - 1) / all;
        finish_column(i, {bottom, top}, target_);
        left -= target_;
        bottom = top;
        column_ = 0;
      }
      column_ += all - taken;
    }
    finish_column(i, {bottom, part_.lsns.end}, left);
    column_ = 0;
  }

  void finish_column(std::size_t i, const LsnRange& lsns, std::uint64_t bytes) {
    const std::uint64_t before = records_[i] * column_done_ / bytes_[i];
    column_done_ += bytes;
    add(i, bytes, records_[i] * column_done_ / bytes_[i] - before);
    if (column_done_ == bytes_[i]) column_done_ = 0;
    piece_.lsns = lsns;
    finish_piece();
  }

  const JobPart& part_;
  const WriteHistory::Data& history_;
  std::uint64_t target_;
  std::uint32_t begin_;
  std::vector<std::uint64_t> bytes_;
  std::vector<std::uint64_t> records_;
  LayerShape piece_;
  std::uint32_t cell_ = 0;
  std::uint64_t column_ = 0;       // Bytes since the last cut along LSN.
  std::uint64_t column_done_ = 0;  // Bytes cut off so far.
  std::vector<LayerShape> made_;
};

}  // namespace

std::vector<LayerShape> cut_by_size(const JobPart& part, const WriteHistory::Data& history,
                                    std::uint64_t target) {
  return Cutter(part, history, target).run();
}

}  // namespace packstore
