// Reads are not tried one by one: pages that the same layers hold are counted together.
//
// 1. The pages are divided into stretches, where any layer or cell begins or ends.
// 2. Over each stretch the deltas above its newest image are stacked: those that cover it, and
//    those of them that hold anything in its part of the bitmap.
// 3. A stretch weighs as much as it has pages in use, or records of the last two intervals.
// 4. Whether a delta holds the very page is asked for 2000 pages in use, and for 2000 recent
//    records, evenly spread.
#include "compaction/read_meter.h"

#include <algorithm>
#include <limits>

namespace packstore {
namespace {

constexpr std::size_t kSampledPages = 2000;

// Number of the interval, counted from 1, that ends with or holds the LSN before `end`.
std::uint32_t interval_of(const WriteHistory::Data& history, Lsn end) {
  const auto found = std::ranges::lower_bound(
      history.flushes, end, {}, [](const FlushInterval& flush) { return flush.lsns.end; });
  return static_cast<std::uint32_t>(found - history.flushes.begin()) + 1;
}

}  // namespace

void ReadMeter::find_stretches(const LayerSet& layers) {
  borders_.clear();
  for (std::uint32_t page = 0; page <= history_.page_count; page += history_.cell_pages()) {
    borders_.push_back(page);
  }
  for (const LayerShape& layer : layers.layers()) {
    borders_.push_back(history_.page_at(layer.keys.begin));
    borders_.push_back(history_.page_at(layer.keys.end));
  }
  std::ranges::sort(borders_);
  borders_.erase(std::unique(borders_.begin(), borders_.end()), borders_.end());
  stretches_.resize(borders_.size() - 1);
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    stretches_[i].begin = borders_[i];
    stretches_[i].end = borders_[i + 1];
  }
}

std::size_t ReadMeter::stretch_at(std::uint32_t page) const {
  return static_cast<std::size_t>(std::ranges::lower_bound(borders_, page) - borders_.begin());
}

KeyRange ReadMeter::asked_for(Key key) const {
  const Grid& bitmap = history_.workload.bitmap;
  return bitmap.cell_range(bitmap.cell_of(key));
}

void ReadMeter::stack_layers(const LayerSet& layers, Lsn lsn) {
  for (Stretch& stretch : stretches_) {
    stretch.image = 0;
    stretch.covering = 0;
    stretch.occupying.clear();
  }
  for (const LayerShape& layer : layers.layers()) {
    if (layer.is_delta() || layer.lsns.end > lsn) continue;
    const std::size_t end = stretch_at(history_.page_at(layer.keys.end));
    for (std::size_t i = stretch_at(history_.page_at(layer.keys.begin)); i < end; ++i) {
      stretches_[i].image = std::max(stretches_[i].image, layer.lsns.end);
    }
  }
  for (const LayerShape& layer : layers.layers()) {
    if (!layer.is_delta() || layer.lsns.begin >= lsn) continue;
    const Held held{interval_of(history_, layer.lsns.begin + 1),
                    interval_of(history_, layer.lsns.end)};
    auto share = layer.cells.begin();
    const std::size_t end = stretch_at(history_.page_at(layer.keys.end));
    for (std::size_t i = stretch_at(history_.page_at(layer.keys.begin)); i < end; ++i) {
      Stretch& stretch = stretches_[i];
      if (layer.lsns.end <= stretch.image) continue;
      ++stretch.covering;
      const KeyRange asked = asked_for(history_.key_of(stretch.begin));
      while (share != layer.cells.end() && share->cell < asked.begin) ++share;
      if (share != layer.cells.end() && share->cell < asked.end) {
        stretch.occupying.push_back(held);
      }
    }
  }
}

void ReadMeter::weigh(std::size_t number, const PageState& pages) {
  pages_in_use_ = static_cast<double>(history_.flushes[number].pages_in_use);
  recent_records_ = 0;
  for (Stretch& stretch : stretches_) {
    std::uint32_t in_use = 0;
    for (std::uint32_t page = stretch.begin; page < stretch.end; ++page) {
      in_use += pages.in_use[page];
    }
    stretch.pages_in_use = in_use;
    stretch.recent_records = 0;
  }
  for (std::size_t i = number == 0 ? 0 : number - 1; i <= number; ++i) {
    auto stretch = stretches_.begin();
    for (const PageWrites& writes : history_.flushes[i].pages) {
      while (stretch->end <= writes.page) ++stretch;
      stretch->recent_records += writes.records;
    }
    recent_records_ += static_cast<double>(history_.flushes[i].records);
  }
}

std::uint32_t ReadMeter::occupied_visits(const Stretch& stretch, std::uint32_t embedded_in) const {
  if (embedded_in == 0) {
    return static_cast<std::uint32_t>(stretch.occupying.size()) + (stretch.image != 0 ? 1 : 0);
  }
  return static_cast<std::uint32_t>(std::ranges::count_if(
      stretch.occupying, [&](const Held& held) { return held.last >= embedded_in; }));
}

void ReadMeter::measure(const PageState& pages) {
  last_even_ = {};
  last_hot_ = {};
  std::array<double, 256> by_visits{};
  for (const Stretch& stretch : stretches_) {
    const std::uint32_t image = stretch.image != 0 ? 1 : 0;
    const double covered = stretch.covering + image;
    if (stretch.pages_in_use > 0) peak_ = std::max(peak_, stretch.covering + image);
    last_even_.covered += covered * stretch.pages_in_use;
    last_hot_.covered += covered * stretch.recent_records;
    if (!embeds_) {
      const std::uint32_t visits = occupied_visits(stretch, 0);
      last_even_.occupied += visits * stretch.pages_in_use;
      last_hot_.occupied += visits * stretch.recent_records;
      by_visits[std::min(visits, 255U)] += stretch.pages_in_use;
      continue;
    }
    for (std::uint32_t page = stretch.begin; page < stretch.end; ++page) {
      if (pages.in_use[page] == 0) continue;
      const std::uint32_t visits = occupied_visits(stretch, pages.embedded_in[page]);
      last_even_.occupied += visits;
      by_visits[std::min(visits, 255U)] += 1;
    }
  }
  double above = pages_in_use_ * 0.01;
  std::size_t p99 = by_visits.size() - 1;
  while (p99 > 0 && (above -= by_visits[p99]) >= 0) --p99;
  sum_p99_ += static_cast<double>(p99);
  last_even_.covered /= std::max(pages_in_use_, 1.0);
  last_even_.occupied /= std::max(pages_in_use_, 1.0);
  last_hot_.covered /= std::max(recent_records_, 1.0);
  last_hot_.occupied /= std::max(recent_records_, 1.0);
}

std::uint32_t ReadMeter::exact_visits(const Stretch& stretch, std::uint32_t page,
                                      std::uint32_t embedded_in) const {
  const auto intervals = history_.intervals_of(page);
  std::uint32_t visits = 0;
  for (const Held& held : stretch.occupying) {
    if (held.last < embedded_in) continue;
    const auto found = std::ranges::lower_bound(intervals, held.first);
    if (found != intervals.end() && *found <= held.last) ++visits;
  }
  return visits + (embedded_in == 0 && stretch.image != 0 ? 1 : 0);
}

void ReadMeter::measure_exactly(std::size_t number, const PageState& pages) {
  const auto visits_of = [&](std::uint32_t page) {
    const std::size_t after =
        static_cast<std::size_t>(std::ranges::upper_bound(borders_, page) - borders_.begin());
    return exact_visits(stretches_[after - 1], page, pages.embedded_in[page]);
  };
  const std::uint32_t stride =
      std::max<std::uint32_t>(1, history_.page_count / static_cast<std::uint32_t>(kSampledPages));
  double sum = 0;
  double count = 0;
  for (std::uint32_t page = 0; page < history_.page_count; page += stride) {
    if (pages.in_use[page] == 0) continue;
    sum += visits_of(page);
    ++count;
  }
  last_even_.exact = sum / std::max(count, 1.0);

  sum = 0;
  double occupied = 0;
  double weight = 0;
  double next = 0;
  const double step = recent_records_ / kSampledPages;
  for (std::size_t i = number == 0 ? 0 : number - 1; i <= number; ++i) {
    for (const PageWrites& writes : history_.flushes[i].pages) {
      if (embeds_) {
        const auto after = std::ranges::upper_bound(borders_, writes.page) - borders_.begin();
        occupied += static_cast<double>(writes.records) *
                    occupied_visits(stretches_[static_cast<std::size_t>(after) - 1],
                                    pages.embedded_in[writes.page]);
      }
      weight += writes.records;
      if (weight < next) continue;
      const double samples = 1 + (weight - next) / step;
      sum += samples * visits_of(writes.page);
      next += samples * step;
    }
  }
  last_hot_.exact = sum * step / std::max(next, 1.0);
  if (embeds_) last_hot_.occupied = occupied / std::max(weight, 1.0);
}

void ReadMeter::measure_replay(std::size_t number, const PageState& pages) {
  double records = 0;
  double bytes = 0;
  for (const PageWrites& writes : history_.flushes[number].pages) {
    records += static_cast<double>(pages.replay_records[writes.page]) * writes.records;
    bytes += static_cast<double>(pages.replay_bytes[writes.page]) * writes.records;
    replay_bytes_max_ = std::max<std::uint64_t>(replay_bytes_max_, pages.replay_bytes[writes.page]);
  }
  const double weight = std::max(static_cast<double>(history_.flushes[number].records), 1.0);
  sum_replay_records_ += records / weight;
  sum_replay_bytes_ += bytes / weight;
}

void ReadMeter::count_visits(LayerSet& layers) {
  const std::size_t cells = history_.cell_count;
  std::vector<double> even(cells);
  std::vector<double> hot(cells);
  std::vector<Lsn> image(cells);
  for (const Stretch& stretch : stretches_) {
    const std::size_t cell = stretch.begin >> history_.workload.grid.cell_keys_log2;
    even[cell] += stretch.pages_in_use / std::max(pages_in_use_, 1.0);
    hot[cell] += stretch.recent_records / std::max(recent_records_, 1.0);
    image[cell] = std::max(image[cell], stretch.image);
  }
  layers.visit_shares([&](const LayerShape& layer, CellShare& share) {
    const std::size_t cell = history_.page_at(share.cell) >> history_.workload.grid.cell_keys_log2;
    if (!layer.is_delta() || layer.lsns.end <= image[cell]) return;
    share.visits_even += even[cell];
    share.visits_hot += hot[cell];
  });
}

void ReadMeter::sample(std::size_t number, LayerSet& layers, const PageState& pages) {
  find_stretches(layers);
  stack_layers(layers, std::numeric_limits<Lsn>::max());
  weigh(number, pages);
  measure(pages);
  measure_exactly(number, pages);
  measure_replay(number, pages);
  count_visits(layers);
  const auto add = [](ReadAmplification& sum, const ReadAmplification& last) {
    sum.covered += last.covered;
    sum.occupied += last.occupied;
    sum.exact += last.exact;
  };
  add(sum_even_, last_even_);
  add(sum_hot_, last_hot_);
  ++samples_;
}

double ReadMeter::sample_history(const LayerSet& layers, Lsn horizon, Lsn tip, unsigned count) {
  double sum = 0;
  for (unsigned i = 1; i <= count; ++i) {
    stack_layers(layers, horizon + (tip - horizon) / count * i);
    double visits = 0;
    for (const Stretch& stretch : stretches_) {
      visits += occupied_visits(stretch, 0) * stretch.pages_in_use;
    }
    sum += visits / std::max(pages_in_use_, 1.0);
  }
  return sum / std::max(count, 1U);
}

}  // namespace packstore
