#include "compaction/simulated_executor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "compaction/simulated_fault.h"

namespace packstore {
namespace {

struct EditOutputs final : JobOutputs {
  LayerEdit edit;
};

}  // namespace

Lsn SimulatedExecutor::horizon() const {
  if (!options_.window_bytes) return 0;
  return tip_ - std::min(tip_, *options_.window_bytes);
}

void SimulatedExecutor::begin_flush(std::size_t number) {
  const FlushInterval& interval = history_.flushes[number];
  tip_ = interval.lsns.end;
  pages_.in_use.resize(history_.page_count);
  pages_.replay_records.resize(history_.page_count);
  pages_.replay_bytes.resize(history_.page_count);
  pages_.embedded_in.resize(history_.page_count);
  for (const std::uint32_t page : interval.toggled) pages_.in_use[page] ^= 1U;

  LayerShape layer{.file = kInMemory,
                   .keys = KeyRange::all(),
                   .lsns = interval.lsns,
                   .records = interval.records};
  for (const CellWrites& writes : interval.cells) {
    layer.cells.push_back({.cell = history_.cell_keys(writes.cell).begin,
                           .bytes = writes.bytes,
                           .records = writes.records});
  }
  const std::uint64_t embed_bytes = options_.embed_after_pages * kPageBytes;
  const unsigned shift = history_.workload.grid.cell_keys_log2;
  std::size_t share = 0;
  for (const PageWrites& writes : interval.pages) {
    while (interval.cells[share].cell != writes.page >> shift) ++share;
    std::uint64_t bytes = writes.bytes;
    pages_.replay_records[writes.page] += writes.records;
    pages_.replay_bytes[writes.page] += writes.bytes;
    if (embed_bytes != 0 && pages_.replay_bytes[writes.page] >= embed_bytes) {
      pages_.replay_records[writes.page] = 0;
      pages_.replay_bytes[writes.page] = 0;
      pages_.embedded_in[writes.page] = static_cast<std::uint32_t>(number + 1);
      ++layer.cells[share].embedded_pages;
      layer.cells[share].bytes += kPageBytes;
      bytes += kPageBytes;
    }
    layer.page_bytes_max = std::max(layer.page_bytes_max, bytes);
  }
  for (const CellShare& cell : layer.cells) {
    layer.bytes += cell.bytes;
    layer.embedded_pages += cell.embedded_pages;
  }
  totals_.embedded_bytes += layer.embedded_pages * kPageBytes;
  ++totals_.layers;
  ledger_.flush(area_of(history_, layer.keys, layer.lsns));
  layers_.add(std::move(layer));
}

void SimulatedExecutor::finish_flush() {
  const std::uint64_t bytes = layers_.write_memory();
  totals_.flush_bytes += bytes;
  if (bytes != 0) ++totals_.files;
}

Result<std::unique_ptr<JobOutputs>> SimulatedExecutor::make(const CompactionJob& job,
                                                            const JobControl& control) {
  RETURN_IF_ERROR(control.before_read(0));
  auto outputs = std::make_unique<EditOutputs>();
  ASSIGN_OR_RETURN(outputs->edit, work_out(job, history_, layers_, pages_));
  return std::unique_ptr<JobOutputs>(std::move(outputs));
}

Status SimulatedExecutor::publish(const CompactionJob& job, JobOutputs& outputs) {
  LayerEdit& edit = static_cast<EditOutputs&>(outputs).edit;
  if (options_.fault != SimulatedFault::kNone && !fault_is_made_ &&
      totals_.jobs >= options_.fault_at_job) {
    fault_is_made_ = make_fault(options_.fault, job, history_, layers_, edit);
  }
  RETURN_IF_ERROR(check(edit));
  count_job(job, edit);
  for (const JobInput& input : edit.removed) RETURN_IF_ERROR(layers_.remove(input));
  std::vector<FileId> files;
  for (const std::uint64_t bytes : edit.file_bytes) files.push_back(layers_.add_file(bytes));
  for (LayerShape& layer : edit.added) {
    if (!files.empty()) layer.file = files[layer.file];
    if (job.kind == JobKind::kImage) start_reads_at(layer);
    layers_.add(std::move(layer));
  }
  return {};
}

Status SimulatedExecutor::check(const LayerEdit& edit) {
  std::vector<Area> images;
  if (options_.window_bytes) {
    for (const LayerShape& layer : layers_.layers()) {
      if (!layer.is_delta()) images.push_back(area_of(history_, layer.keys, layer.lsns));
    }
  }
  return ledger_.change(edit.added_areas, edit.removed_areas,
                        {.horizon = options_.window_bytes ? horizon() : 0,
                         .retained = options_.retained,
                         .images = images});
}

void SimulatedExecutor::count_job(const CompactionJob& job, const LayerEdit& edit) {
  ++totals_.jobs;
  if (edit.file_bytes.empty()) return;
  std::uint64_t written = 0;
  for (const std::uint64_t bytes : edit.file_bytes) written += bytes;
  totals_.read_bytes += edit.read_bytes;
  if (job.kind == JobKind::kMerge) totals_.merge_bytes += written;
  if (job.kind == JobKind::kMerge) totals_.single_input_bytes += edit.single_input_bytes;
  if (job.kind == JobKind::kImage) totals_.image_bytes += written;
  if (job.kind == JobKind::kReclaim) totals_.reclaim_bytes += written;
  totals_.files += edit.file_bytes.size();
  totals_.layers += edit.added.size();
  for (const std::uint64_t bytes : edit.file_bytes) {
    totals_.written.push_back(
        {job.kind, static_cast<double>(bytes) / static_cast<double>(history_.workload.file_bytes)});
  }
}

void SimulatedExecutor::start_reads_at(const LayerShape& image) {
  const std::uint32_t end = history_.page_at(image.keys.end);
  for (std::uint32_t page = history_.page_at(image.keys.begin); page < end; ++page) {
    pages_.replay_records[page] = 0;
    pages_.replay_bytes[page] = 0;
    pages_.embedded_in[page] = 0;
  }
}

}  // namespace packstore
