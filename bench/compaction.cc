// Compaction of layers in files: merging and writing, beside what the disk takes raw.
//
// 1. Layers are flushed before the clock runs: every one holds every page of 64 cells (uniform), or
//    a hot tenth gets most of the records (hot).
// 2. A plan has one merge a cell. Carrying it out is timed with everything that makes it durable.
// 3. The probe writes as many bytes in blocks of the same size, a file a thread, and syncs.
// The argument is the number of threads. TMPDIR says on which disk.
#include <benchmark/benchmark.h>

#include <string>

#include "base/parallel.h"
#include "compaction/layer_directory.h"
#include "compaction/record_executor.h"
#include "packstore/compaction_runner.h"
#include "support.h"

namespace packstore::bench {

namespace {

constexpr Grid kGrid{8};
constexpr std::uint64_t kCells = 64;
constexpr std::uint64_t kPages = kCells << 8;
constexpr std::uint64_t kLayers = 8;
constexpr std::uint64_t kValueBytes = 250;

// Counts the records of a key by its place: `hot` gives a tenth of the pages nine in ten.
class MadeRecords final : public RecordStream {
 public:
  MadeRecords(Lsn lsn, std::uint64_t hot_records, std::uint64_t cold_records)
      : lsn_(lsn), hot_(hot_records), cold_(cold_records), value_(random_bytes(kValueBytes, lsn)) {}

  Result<const LayerRecord*> next() override {
    if (made_ == (page_ % 10 == 0 ? hot_ : cold_)) {
      made_ = 0;
      ++page_;
    }
    if (page_ == kPages) return nullptr;
    record_ = {{0, page_}, lsn_ + made_++, value_};
    return &record_;
  }

 private:
  Lsn lsn_;
  std::uint64_t hot_;
  std::uint64_t cold_;
  Bytes value_;
  std::uint64_t page_ = 0;
  std::uint64_t made_ = 0;
  LayerRecord record_;
};

class NoPages final : public PageBuilder {
 public:
  void begin(Key, ByteView) override {}
  Status apply(const LayerRecord&) override { return {}; }
  Result<ByteView> finish() override { return ByteView(); }
};

struct Layers {
  ScratchDirectory directory;
  std::unique_ptr<LayerDirectory> storage;
  std::unique_ptr<RecordExecutor> executor;
  std::uint64_t bytes = 0;

  Layers(std::uint64_t hot_records, std::uint64_t cold_records)
      : storage(
            LayerDirectory::open(
                io::posix_file_system().open_directory(directory.path().string()).value(), kGrid)
                .value()) {
    executor = std::make_unique<RecordExecutor>(storage->layers(), *storage,
                                                [] { return std::make_unique<NoPages>(); });
    for (Lsn lsn = 0; lsn < kLayers * 1000; lsn += 1000) {
      MadeRecords records(lsn, hot_records, cold_records);
      executor->flush(records, {lsn, lsn + 1000}).value();
    }
    for (const LayerShape& layer : executor->layers().layers()) bytes += layer.bytes;
  }
};

CompactionPlan merge_cells() {
  CompactionPlan plan;
  for (std::uint64_t cell = 0; cell < kCells; ++cell) {
    const KeyRange keys{{0, cell << 8}, {0, (cell + 1) << 8}};
    JobPart part{.keys = keys, .lsns = {0, kLayers * 1000}};
    for (LayerId id = kLayers; id >= 1; --id) part.inputs.push_back({id, keys});
    plan.jobs.push_back({.kind = JobKind::kMerge, .parts = {std::move(part)}});
  }
  return plan;
}

void compact(benchmark::State& state, std::uint64_t hot_records, std::uint64_t cold_records) {
  const CompactionPlan plan = merge_cells();
  std::uint64_t bytes = 0;
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    auto layers = std::make_unique<Layers>(hot_records, cold_records);
    bytes += layers->bytes;
    state.ResumeTiming();
    run_plan(plan, *layers->executor, {.threads = static_cast<unsigned>(state.range(0))}).value();
    state.PauseTiming();
    layers.reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

Status write_raw(const io::Directory& directory, const std::string& name, std::uint64_t bytes) {
  const Bytes block = random_bytes(LayerDirectory::kBlockBytes, 1);
  const auto file = directory.create_file(name).value();
  for (std::uint64_t at = 0; at < bytes; at += block.size()) file->write_at(at, block).value();
  return file->sync();
}

void raw_writes(benchmark::State& state) {
  const auto threads = static_cast<unsigned>(state.range(0));
  constexpr std::uint64_t kBytes = 256 << 20;
  for ([[maybe_unused]] auto step : state) {
    const ScratchDirectory scratch;
    const auto directory = io::posix_file_system().open_directory(scratch.path().string()).value();
    run_on_threads(threads, [&](unsigned worker) {
      return write_raw(*directory, std::to_string(worker), kBytes / threads);
    }).value();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kBytes) * state.iterations());
}

void threads(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(compact, uniform, 8, 8)->Apply(threads);
BENCHMARK_CAPTURE(compact, hot, 72, 1)->Apply(threads);
BENCHMARK(raw_writes)->Apply(threads);

}  // namespace

}  // namespace packstore::bench
