// Page write traces in the format "PGBLKTR1", little-endian:
//
//   magic (8) | u32 length of the description | u32 0 | u64 rows | u64 first LSN | description
//   then columns, each `rows` long: u32 LSN step | u16 relation | u32 block | u32 length |
//   u8 flags | u8 resource manager
//
// The description is for people: relations are numbered densely, and what they hold is found by
// looking at the rows. A page's key is the relation shifted left by 32, plus the block.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_cursor.h"
#include "base/error.h"
#include "compaction/workload.h"

namespace packstore {
namespace {

constexpr std::string_view kMagic = "PGBLKTR1";
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + 8 + 8;
constexpr std::size_t kRowBytes = 4 + 2 + 4 + 4 + 1 + 1;

struct Columns {
  std::size_t rows = 0;
  ByteView relations = {};
  ByteView blocks = {};
  ByteView lengths = {};
};

template <typename T>
T at(ByteView column, std::size_t row) {
  return load_le<T>(column.subspan(row * sizeof(T)).first<sizeof(T)>());
}

Result<Columns> find_columns(ByteView trace) {
  if (trace.size() < kHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "trace: {} bytes, a header has {}", trace.size(),
                kHeaderBytes);
  }
  ByteReader reader(trace);
  if (as_text(reader.take(kMagic.size())) != kMagic) {
    return fail(ErrorCode::kCorrupt, "trace: does not begin with {}", kMagic);
  }
  const auto description = reader.read<std::uint32_t>();
  reader.read<std::uint32_t>();
  const auto rows = reader.read<std::uint64_t>();
  reader.read<std::uint64_t>();
  if (description > reader.remaining()) {
    return fail(ErrorCode::kCorrupt, "trace: claims a description of {} bytes, {} are left",
                description, reader.remaining());
  }
  reader.take(description);
  if (rows != reader.remaining() / kRowBytes || reader.remaining() % kRowBytes != 0) {
    return fail(ErrorCode::kCorrupt, "trace: claims {} rows of {} bytes, {} bytes are left", rows,
                kRowBytes, reader.remaining());
  }
  const auto count = static_cast<std::size_t>(rows);
  reader.take(count * 4);
  Columns columns{.rows = count};
  columns.relations = reader.take(count * 2);
  columns.blocks = reader.take(count * 4);
  columns.lengths = reader.take(count * 4);
  return columns;
}

// A database of 2 TiB. Less where there are few rows, so that a trace of a hundred bytes cannot ask
// for the memory that such a database takes.
std::uint64_t pages_max(std::size_t rows) {
  constexpr std::uint64_t kPagesMax = 1U << 28;
  constexpr std::uint64_t kPagesOfAnyTrace = 1U << 20;
  constexpr std::uint64_t kPagesForEachRow = 1024;
  return std::clamp(kPagesForEachRow * rows, kPagesOfAnyTrace, kPagesMax);
}

// Numbers the pages: one segment for each relation that has any.
Result<std::vector<KeySegment>> find_segments(const Columns& columns, const Grid& grid) {
  std::vector<std::uint64_t> block_counts(std::size_t{1} << 16);
  for (std::size_t row = 0; row < columns.rows; ++row) {
    std::uint64_t& count = block_counts[at<std::uint16_t>(columns.relations, row)];
    count = std::max(count, std::uint64_t{at<std::uint32_t>(columns.blocks, row)} + 1);
  }
  const std::uint64_t cell = std::uint64_t{1} << grid.cell_keys_log2;
  std::vector<KeySegment> segments;
  std::uint64_t page = 0;
  for (std::size_t relation = 0; relation < block_counts.size(); ++relation) {
    const std::uint64_t count = block_counts[relation];
    if (count == 0) continue;
    const std::uint64_t end = page + (count + cell - 1) / cell * cell;
    if (end > pages_max(columns.rows)) {
      return fail(ErrorCode::kCorrupt,
                  "trace: relation {} claims {} blocks, limit {} in all for {} rows", relation,
                  count, pages_max(columns.rows), columns.rows);
    }
    segments.push_back({.key_begin = {0, std::uint64_t{relation} << 32},
                        .page_begin = static_cast<std::uint32_t>(page),
                        .page_end = static_cast<std::uint32_t>(end),
                        .page_count = static_cast<std::uint32_t>(count)});
    page = end;
  }
  return segments;
}

class TraceSource final : public RecordSource {
 public:
  TraceSource(std::shared_ptr<const std::vector<WorkloadRecord>> rows, unsigned repeat)
      : rows_(std::move(rows)), repeat_(repeat) {}

  std::size_t fill(std::span<WorkloadRecord> into) override {
    std::size_t made = 0;
    while (made < into.size() && repeat_ > 0) {
      const std::size_t count = std::min(into.size() - made, rows_->size() - done_);
      std::copy_n(rows_->begin() + static_cast<std::ptrdiff_t>(done_), count,
                  into.begin() + static_cast<std::ptrdiff_t>(made));
      made += count;
      done_ += count;
      if (done_ == rows_->size()) {
        done_ = 0;
        --repeat_;
      }
    }
    return made;
  }

 private:
  // Shared with the workload, which may be gone before its sources are.
  std::shared_ptr<const std::vector<WorkloadRecord>> rows_;
  unsigned repeat_;
  std::size_t done_ = 0;
};

}  // namespace

Result<Workload> make_trace_workload(ByteView trace, const TraceOptions& options) {
  Workload workload;
  workload.name = options.name;
  RETURN_IF_ERROR(take_grids(options.cell_keys_log2, options.bitmap_keys_log2, workload));
  ASSIGN_OR_RETURN(const Columns columns, find_columns(trace));
  if (columns.rows == 0) return fail(ErrorCode::kCorrupt, "trace: holds no rows");
  ASSIGN_OR_RETURN(workload.segments, find_segments(columns, workload.grid));
  std::vector<std::uint32_t> first_page(std::size_t{1} << 16);
  for (const KeySegment& segment : workload.segments) {
    first_page[segment.key_begin.low >> 32] = segment.page_begin;
  }
  auto rows = std::make_shared<std::vector<WorkloadRecord>>(columns.rows);
  for (std::size_t row = 0; row < columns.rows; ++row) {
    if (at<std::uint32_t>(columns.lengths, row) == 0) {
      return fail(ErrorCode::kCorrupt, "trace: row {} is a record of 0 bytes", row);
    }
    (*rows)[row] = {.page = first_page[at<std::uint16_t>(columns.relations, row)] +
                            at<std::uint32_t>(columns.blocks, row),
                    .bytes = at<std::uint32_t>(columns.lengths, row)};
  }
  workload.file_bytes = options.file_bytes;
  workload.records = columns.rows * options.repeat;
  workload.first_lsn = 1000;
  workload.starts_full = false;
  workload.open = [rows, repeat = options.repeat] {
    return std::make_unique<TraceSource>(rows, repeat);
  };
  return workload;
}

}  // namespace packstore
