// The SQLite index: single lookups, lookups of many, inserts.
#include "index/index.h"

#include <benchmark/benchmark.h>

#include "io/file.h"
#include "support.h"

namespace packstore::bench {

namespace {

constexpr std::string_view kUuid = "00000000-0000-4000-8000-000000000000";

index::ObjectRow row_of(const ObjectId& id, std::uint64_t number) {
  constexpr std::uint64_t kRecordBytes = 4096;
  constexpr std::uint64_t kFirstRecord = 64;
  index::ObjectRow row;
  row.id = id;
  row.at.pack = 1;
  row.at.offset = kFirstRecord + number * kRecordBytes;
  row.at.stored_size = kRecordBytes - 64;
  row.at.size = row.at.stored_size;
  return row;
}

// An index in a directory of its own.
class ScratchIndex {
 public:
  ScratchIndex()
      : root_(io::posix_file_system().open_directory(directory_.path().string()).value()) {
    root_->create_directory("locks").value();
    locks_ = root_->open_directory("locks").value();
    index::Index::create(io::posix_file_system(), *root_, kUuid).value();
    index_ = index::Index::open(io::posix_file_system(), *root_, *locks_, kUuid).value();
  }

  void insert(const std::vector<ObjectId>& ids) {
    auto transaction = index_->begin_write(index::CommitSync::kLazy).value();
    for (const ObjectId& id : ids) transaction->insert(row_of(id, rows_++)).value();
    transaction->commit().value();
  }

  index::Index& operator*() { return *index_; }

 private:
  ScratchDirectory directory_;
  std::unique_ptr<io::Directory> root_;
  std::unique_ptr<io::Directory> locks_;
  std::unique_ptr<index::Index> index_;
  std::uint64_t rows_ = 0;
};

void index_find(benchmark::State& state) {
  ScratchIndex scratch;
  const std::vector<ObjectId> ids = random_ids(static_cast<std::size_t>(state.range(0)), 1);
  scratch.insert(ids);
  std::size_t next = 0;
  for ([[maybe_unused]] auto step : state) {
    next = (next + 7919) % ids.size();
    if (!(*scratch).find(ids[next]).value()) state.SkipWithError("a row is lost");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(index_find)->Arg(100'000)->Arg(1'000'000);

void index_find_absent(benchmark::State& state) {
  ScratchIndex scratch;
  scratch.insert(random_ids(static_cast<std::size_t>(state.range(0)), 1));
  const std::vector<ObjectId> absent = random_ids(10'000, 2);
  std::size_t next = 0;
  for ([[maybe_unused]] auto step : state) {
    next = (next + 7919) % absent.size();
    if ((*scratch).find(absent[next]).value()) state.SkipWithError("a row came from nowhere");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(index_find_absent)->Arg(100'000)->Arg(1'000'000);

// Of 1,000,000 rows, asks for every n-th.
void index_find_many(benchmark::State& state) {
  ScratchIndex scratch;
  const std::vector<ObjectId> ids = random_ids(1'000'000, 1);
  scratch.insert(ids);
  std::vector<ObjectId> asked;
  for (std::size_t i = 0; i < ids.size(); i += static_cast<std::size_t>(state.range(0))) {
    asked.push_back(ids[i]);
  }
  for ([[maybe_unused]] auto step : state) {
    std::size_t found = 0;
    const auto count = [&found](std::size_t, const Result<index::Location>&) -> Status {
      ++found;
      return {};
    };
    (*scratch).find_many(asked, count).value();
    if (found != asked.size()) state.SkipWithError("rows are lost");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(asked.size()));
}
BENCHMARK(index_find_many)->Arg(1)->Arg(10)->Arg(1000)->Unit(benchmark::kMillisecond);

// Transactions of 10,000 ascending ids into an index that grows.
void index_insert(benchmark::State& state) {
  constexpr std::size_t kRows = 10'000;
  ScratchIndex scratch;
  std::uint64_t seed = 0;
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    const std::vector<ObjectId> ids = random_ids(kRows, ++seed);
    state.ResumeTiming();
    scratch.insert(ids);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
}
BENCHMARK(index_insert)->Iterations(50)->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace packstore::bench
