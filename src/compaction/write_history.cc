// Reads a workload once and sums it up.
//
// 1. Records are added up by page in two arrays that cover all pages, until they exceed a flush.
// 2. The pages that were written are read off in order: by sorting their list, or, where they are
//    many, by walking over the arrays.
// 3. Pages come into use with the first write at or behind them in their segment, or with a write
//    to them, and go out of it with a delete.
#include "compaction/write_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace packstore {
namespace {

constexpr std::size_t kBatch = 4096;

class Summing {
 public:
  explicit Summing(WriteHistory::Data& data)
      : data_(data),
        records_(data.page_count),
        bytes_(data.page_count),
        in_use_(data.page_count),
        was_in_use_(data.page_count),
        used_end_(data.workload.segments.size()) {
    for (std::size_t i = 0; i < used_end_.size(); ++i) {
      used_end_[i] = data.workload.segments[i].page_begin;
    }
  }

  Status run() {
    if (data_.workload.starts_full) use_all();
    Lsn lsn = data_.workload.first_lsn;
    interval_.lsns.begin = lsn;
    const std::unique_ptr<RecordSource> source = data_.workload.open();
    std::array<WorkloadRecord, kBatch> batch;
    while (const std::size_t count = source->fill(batch)) {
      for (std::size_t i = 0; i < count; ++i) {
        RETURN_IF_ERROR(add(batch[i]));
        lsn += batch[i].bytes;
        if (lsn - interval_.lsns.begin > data_.workload.file_bytes) finish_interval(lsn);
      }
    }
    if (interval_.records != 0) finish_interval(lsn);
    data_.wal_bytes = lsn - data_.workload.first_lsn;
    return {};
  }

 private:
  void use_all() {
    for (std::size_t i = 0; i < used_end_.size(); ++i) {
      const KeySegment& segment = data_.workload.segments[i];
      std::fill_n(in_use_.begin() + segment.page_begin, segment.page_count, std::uint8_t{1});
      used_end_[i] = segment.page_begin + segment.page_count;
      pages_in_use_ += segment.page_count;
    }
  }

  Status add(const WorkloadRecord& record) {
    if (std::uint64_t{bytes_[record.page]} + record.bytes > UINT32_MAX) {
      return fail(ErrorCode::kInvalidArgument,
                  "workload {}: more than 4 GiB for page {} between two flushes",
                  data_.workload.name, record.page);
    }
    if (records_[record.page]++ == 0) touched_.push_back(record.page);
    bytes_[record.page] += record.bytes;
    ++interval_.records;
    update_use(record);
    return {};
  }

  void update_use(const WorkloadRecord& record) {
    if (record.is_delete != 0) return set_use(record.page, 0);
    if (in_use_[record.page] != 0) return;
    const std::size_t segment = segment_of(record.page);
    for (std::uint32_t page = used_end_[segment]; page < record.page; ++page) set_use(page, 1);
    used_end_[segment] = std::max(used_end_[segment], record.page + 1);
    set_use(record.page, 1);
  }

  void set_use(std::uint32_t page, std::uint8_t use) {
    if (in_use_[page] == use) return;
    in_use_[page] = use;
    pages_in_use_ += use != 0 ? 1U : ~std::uint64_t{0};
    changed_.push_back(page);
  }

  std::size_t segment_of(std::uint32_t page) const {
    const auto& segments = data_.workload.segments;
    const auto after = std::ranges::upper_bound(segments, page, {}, &KeySegment::page_begin);
    return static_cast<std::size_t>(after - segments.begin()) - 1;
  }

  void finish_interval(Lsn end) {
    interval_.lsns.end = end;
    if (touched_.size() < data_.page_count / 16) {
      std::ranges::sort(touched_);
    } else {
      touched_.clear();
      for (std::uint32_t page = 0; page < data_.page_count; ++page) {
        if (records_[page] != 0) touched_.push_back(page);
      }
    }
    read_off_pages();
    read_off_use();
    data_.records += interval_.records;
    data_.flushes.push_back(std::move(interval_));
    interval_ = {};
    interval_.lsns.begin = end;
    touched_.clear();
  }

  void read_off_pages() {
    interval_.pages.reserve(touched_.size());
    for (const std::uint32_t page : touched_) {
      interval_.pages.push_back({page, records_[page], bytes_[page]});
      const std::uint32_t cell = page >> data_.workload.grid.cell_keys_log2;
      if (interval_.cells.empty() || interval_.cells.back().cell != cell) {
        interval_.cells.push_back({.cell = cell});
      }
      interval_.cells.back().records += records_[page];
      interval_.cells.back().bytes += bytes_[page];
      records_[page] = 0;
      bytes_[page] = 0;
    }
  }

  void read_off_use() {
    std::ranges::sort(changed_);
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const std::uint32_t page : changed_) {
      if (in_use_[page] == was_in_use_[page]) continue;
      was_in_use_[page] = in_use_[page];
      interval_.toggled.push_back(page);
    }
    if (data_.flushes.empty()) {  // What was in use from the start comes with the first interval.
      interval_.toggled.clear();
      for (std::uint32_t page = 0; page < data_.page_count; ++page) {
        if (in_use_[page] != 0) interval_.toggled.push_back(page);
      }
      was_in_use_ = in_use_;
    }
    interval_.pages_in_use = pages_in_use_;
    changed_.clear();
  }

  WriteHistory::Data& data_;
  std::vector<std::uint32_t> records_;
  std::vector<std::uint32_t> bytes_;
  std::vector<std::uint8_t> in_use_;
  std::vector<std::uint8_t> was_in_use_;
  std::vector<std::uint32_t> used_end_;  // Of each segment.
  std::vector<std::uint32_t> touched_;
  std::vector<std::uint32_t> changed_;
  FlushInterval interval_;
  std::uint64_t pages_in_use_ = 0;
};

}  // namespace

std::uint32_t WriteHistory::Data::page_at(Key key) const {
  const auto& segments = workload.segments;
  const auto after = std::ranges::upper_bound(segments, key, {}, &KeySegment::key_begin);
  if (after == segments.begin()) return 0;
  const KeySegment& segment = *(after - 1);
  const std::uint64_t offset = distance(segment.key_begin, key);
  return segment.page_begin + static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                  offset, segment.page_end - segment.page_begin));
}

Key WriteHistory::Data::key_of(std::uint32_t page) const {
  const auto& segments = workload.segments;
  const auto after = std::ranges::upper_bound(segments, page, {}, &KeySegment::page_begin);
  const KeySegment& segment = *(after - 1);
  return advance(segment.key_begin, page - segment.page_begin);
}

KeyRange WriteHistory::Data::cell_keys(std::uint32_t cell) const {
  return workload.grid.cell_range(key_of(cell << workload.grid.cell_keys_log2));
}

std::optional<std::string> WriteHistory::Data::name_record(std::uint32_t page_begin,
                                                           std::uint32_t page_end,
                                                           const LsnRange& lsns) const {
  Lsn lsn = workload.first_lsn;
  const std::unique_ptr<RecordSource> source = workload.open();
  std::array<WorkloadRecord, kBatch> batch;
  while (const std::size_t count = source->fill(batch)) {
    for (std::size_t i = 0; i < count; ++i) {
      const WorkloadRecord& record = batch[i];
      if (lsn >= lsns.end) return std::nullopt;
      if (lsn >= lsns.begin && record.page >= page_begin && record.page < page_end) {
        return fmt::format("record of key {} at LSN {} ({} bytes)", to_string(key_of(record.page)),
                           lsn, record.bytes);
      }
      lsn += record.bytes;
    }
  }
  return std::nullopt;
}

WriteHistory::WriteHistory(std::unique_ptr<Data> data) : data_(std::move(data)) {}
WriteHistory::WriteHistory(WriteHistory&&) noexcept = default;
WriteHistory& WriteHistory::operator=(WriteHistory&&) noexcept = default;
WriteHistory::~WriteHistory() = default;

namespace {

Status list_intervals(WriteHistory::Data& data) {
  if (data.flushes.size() >= UINT16_MAX) {
    return fail(ErrorCode::kInvalidArgument, "workload {}: {} flushes, limit {}",
                data.workload.name, data.flushes.size(), UINT16_MAX - 1);
  }
  std::size_t count = 0;
  data.intervals_begin.assign(std::size_t{data.page_count} + 1, 0);
  for (const FlushInterval& flush : data.flushes) {
    count += flush.pages.size();
    for (const PageWrites& writes : flush.pages) ++data.intervals_begin[writes.page + 1];
  }
  if (count > UINT32_MAX) {
    return fail(ErrorCode::kInvalidArgument, "workload {}: too many page writes to list",
                data.workload.name);
  }
  for (std::size_t page = 0; page < data.page_count; ++page) {
    data.intervals_begin[page + 1] += data.intervals_begin[page];
  }
  std::vector<std::uint32_t> next(data.intervals_begin.begin(), data.intervals_begin.end() - 1);
  data.intervals.resize(count);
  std::uint16_t number = 0;
  for (const FlushInterval& flush : data.flushes) {
    ++number;
    for (const PageWrites& writes : flush.pages) data.intervals[next[writes.page]++] = number;
  }
  return {};
}

Result<std::unique_ptr<WriteHistory::Data>> sum_up(Workload workload) {
  auto data = std::make_unique<WriteHistory::Data>();
  data->workload = std::move(workload);
  if (data->workload.file_bytes == 0) {
    return fail(ErrorCode::kInvalidArgument, "workload {}: flushes of 0 bytes",
                data->workload.name);
  }
  data->page_count = data->workload.segments.back().page_end;
  data->cell_count = data->page_count >> data->workload.grid.cell_keys_log2;
  RETURN_IF_ERROR(Summing(*data).run());
  if (data->flushes.empty()) {
    return fail(ErrorCode::kInvalidArgument, "workload {}: writes nothing", data->workload.name);
  }
  RETURN_IF_ERROR(list_intervals(*data));
  return data;
}

}  // namespace

Result<WriteHistory> WriteHistory::generate(const WorkloadOptions& options) {
  ASSIGN_OR_RETURN(Workload workload, make_workload(options));
  ASSIGN_OR_RETURN(std::unique_ptr<Data> data, sum_up(std::move(workload)));
  return WriteHistory(std::move(data));
}

Result<WriteHistory> WriteHistory::from_trace(ByteView trace, const TraceOptions& options) {
  ASSIGN_OR_RETURN(Workload workload, make_trace_workload(trace, options));
  ASSIGN_OR_RETURN(std::unique_ptr<Data> data, sum_up(std::move(workload)));
  return WriteHistory(std::move(data));
}

const std::string& WriteHistory::name() const { return data_->workload.name; }
std::uint64_t WriteHistory::record_count() const { return data_->records; }
std::uint64_t WriteHistory::wal_bytes() const { return data_->wal_bytes; }
std::size_t WriteHistory::flush_count() const { return data_->flushes.size(); }
std::uint64_t WriteHistory::file_bytes() const { return data_->workload.file_bytes; }
const Grid& WriteHistory::grid() const { return data_->workload.grid; }

}  // namespace packstore
