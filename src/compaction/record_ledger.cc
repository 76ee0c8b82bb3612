// An edit is counted, then looked at: of what it touched, every rectangle with a count other than
// one is searched for records.
//
// 1. Rows are split where an area of the edit begins or ends, so that areas cover whole rows.
// 2. Within a row, steps are split at the first and last page and counted up or down.
// 3. A rectangle with count 0 may hold no record that is needed; one with 2 may hold none at all.
//    Whether it holds any is known from the sums of the flush interval, or, where the rectangle
//    covers a part of the interval only, from reading the workload again.
#include "compaction/record_ledger.h"

#include <algorithm>

#include "base/error.h"

namespace packstore {

void RecordLedger::flush(const Area& area) {
  Row& row = rows_[area.lsns.begin];
  row.end = area.lsns.end;
  row.steps = {{0, 0}};
  count(area, 1);
}

RecordLedger::Rows::iterator RecordLedger::split_at(Lsn lsn) {
  auto after = rows_.lower_bound(lsn);
  if (after != rows_.end() && after->first == lsn) return after;
  if (after == rows_.begin()) return after;
  const auto before = std::prev(after);
  if (before->second.end <= lsn) return after;
  Row upper = before->second;
  before->second.end = lsn;
  return rows_.emplace_hint(after, lsn, std::move(upper));
}

void RecordLedger::count(const Area& area, std::int32_t change) {
  if (area.page_begin >= area.page_end || area.lsns.begin >= area.lsns.end) return;
  const auto first = split_at(area.lsns.begin);
  const auto last = split_at(area.lsns.end);
  for (auto row = first; row != last; ++row) {
    auto& steps = row->second.steps;
    const auto split = [&](std::uint32_t page) {
      const auto after = std::ranges::lower_bound(steps, page, {}, &Step::page);
      if (after != steps.end() && after->page == page) return after - steps.begin();
      const auto made = steps.insert(after, {page, std::prev(after)->count});
      return made - steps.begin();
    };
    const auto begin = split(area.page_begin);
    const auto end = split(area.page_end);
    for (auto i = begin; i < end; ++i) steps[static_cast<std::size_t>(i)].count += change;
    const auto is_same = [](const Step& a, const Step& b) { return a.count == b.count; };
    steps.erase(std::unique(steps.begin(), steps.end(), is_same), steps.end());
  }
}

Status RecordLedger::change(std::span<const Area> added, std::span<const Area> removed,
                            const Readable& readable) {
  for (const Area& area : added) count(area, 1);
  for (const Area& area : removed) count(area, -1);
  for (const Area& area : removed) RETURN_IF_ERROR(check(area, readable));
  for (const Area& area : added) RETURN_IF_ERROR(check(area, readable));
  return {};
}

Status RecordLedger::check(const Area& area, const Readable& readable) const {
  for (auto row = rows_.lower_bound(area.lsns.begin);
       row != rows_.end() && row->first < area.lsns.end; ++row) {
    const auto& steps = row->second.steps;
    auto step = std::prev(std::ranges::upper_bound(steps, area.page_begin, {}, &Step::page));
    for (; step != steps.end() && step->page < area.page_end; ++step) {
      if (step->count == 1) continue;
      const auto next = std::next(step);
      const std::uint32_t end = next == steps.end() ? area.page_end : next->page;
      RETURN_IF_ERROR(check_step({.page_begin = std::max(step->page, area.page_begin),
                                  .page_end = std::min(end, area.page_end),
                                  .lsns = {row->first, row->second.end}},
                                 step->count, readable));
    }
  }
  return {};
}

namespace {

// True when a read at some readable LSN starts below `lsn` and so needs what is there, for any page
// of the piece that images do not cover.
bool is_needed(const Area& piece, const Readable& readable) {
  if (piece.lsns.end > readable.horizon) return true;
  const auto next = std::ranges::lower_bound(readable.retained, piece.lsns.end);
  const Lsn reader =
      next == readable.retained.end() ? readable.horizon : std::min(*next, readable.horizon);
  std::vector<Area> covers;
  for (const Area& image : readable.images) {
    if (image.lsns.end >= piece.lsns.end && image.lsns.end <= reader &&
        image.page_begin < piece.page_end && image.page_end > piece.page_begin) {
      covers.push_back(image);
    }
  }
  std::ranges::sort(covers, {}, &Area::page_begin);
  std::uint32_t covered = piece.page_begin;
  for (const Area& cover : covers) {
    if (cover.page_begin > covered) return true;
    covered = std::max(covered, cover.page_end);
  }
  return covered < piece.page_end;
}

}  // namespace

Status RecordLedger::check_step(const Area& piece, std::int32_t count,
                                const Readable& readable) const {
  if (count == 0 && !is_needed(piece, readable)) return {};
  const std::optional<std::string> record = find_record(piece);
  if (!record) return {};
  if (count == 0) return fail(ErrorCode::kCorrupt, "{} is in no layer", *record);
  return fail(ErrorCode::kCorrupt, "{} is in {} layers", *record, count);
}

std::optional<std::string> RecordLedger::find_record(const Area& piece) const {
  const auto& flushes = history_.flushes;
  auto flush = std::ranges::upper_bound(flushes, piece.lsns.begin, {},
                                        [](const FlushInterval& it) { return it.lsns.end; });
  for (; flush != flushes.end() && flush->lsns.begin < piece.lsns.end; ++flush) {
    const auto page =
        std::ranges::lower_bound(flush->pages, piece.page_begin, {}, &PageWrites::page);
    if (page == flush->pages.end() || page->page >= piece.page_end) continue;
    auto record = history_.name_record(
        piece.page_begin, piece.page_end,
        {std::max(flush->lsns.begin, piece.lsns.begin), std::min(flush->lsns.end, piece.lsns.end)});
    if (record) return record;
  }
  return std::nullopt;
}

}  // namespace packstore
