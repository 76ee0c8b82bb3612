// Files: what it takes to add, to add again, to restore, and to read at random.
//
// 1. Content is made before the clock runs, and comes from memory.
// 2. Adding is timed with everything up to the commit: hashing, index, flush. Each iteration has a
//    store of its own, which is made and removed while the timer stands still.
// 3. What reads finds the packs in memory that the system keeps for files.
// The argument is the number of threads. TMPDIR says on which disk stores are made.
#include "packstore/file.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>

#include "packstore/store.h"
#include "support.h"

namespace packstore::bench {

namespace {

constexpr std::size_t kFileBytes = std::size_t{512} << 20;
constexpr std::size_t kRangeBytes = 16 << 10;
// The kernel takes longer calls more slowly.
constexpr std::size_t kWriteBytes = 1 << 20;

const Bytes& noise() {
  static const Bytes bytes = random_bytes(kFileBytes, 1);
  return bytes;
}

const Bytes& text() {
  static const Bytes bytes = text_bytes(kFileBytes / 4, 1);
  return bytes;
}

// Range reads that begin and end with chunks show what a chunk costs.
FileProfile profile_of(ChunkerKind kind) {
  FileProfile profile;
  profile.chunker = kind == ChunkerKind::kFixed    ? ChunkerSpec::fixed(kRangeBytes)
                    : kind == ChunkerKind::kNative ? ChunkerSpec::native(kRangeBytes)
                                                   : ChunkerSpec::fastcdc(kRangeBytes);
  return profile;
}

FileRoot add(Store& store, ByteView content, const WriteFileOptions& options,
             const Compression& compression = {}) {
  StoreBlocks blocks(store, {.compression = compression});
  ViewSource source(content);
  FileRoot root = write_file(blocks, source, options).value();
  blocks.commit().value();
  return root;
}

struct OpenStore {
  ScratchDirectory directory;
  Store store = Store::create(directory.path()).value();
};

// A file that is written from its front.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() { ::close(fd_); }

  void write(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_, bytes.data(), std::min(bytes.size(), kWriteBytes));
      if (count <= 0) give_up("a write failed");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void sync() {
    if (::fdatasync(fd_) != 0) give_up("a sync failed");
  }

 private:
  static void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
  }

  int fd_;
};

// The machine, not the library: what no restore and no durable add can pass.
void raw_write(benchmark::State& state, bool with_sync) {
  const ScratchDirectory directory;
  const std::filesystem::path target = directory.path() / "written";
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    std::filesystem::remove(target);
    state.ResumeTiming();
    NewFile file(target);
    file.write(noise());
    if (with_sync) file.sync();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kFileBytes));
}
BENCHMARK_CAPTURE(raw_write, and_nothing, false)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(raw_write, and_fdatasync, true)->UseRealTime()->Unit(benchmark::kMillisecond);

// Likewise, of a random range that is in memory.
void raw_pread(benchmark::State& state) {
  const ScratchDirectory directory;
  const std::filesystem::path target = directory.path() / "read";
  NewFile(target).write(noise());
  const int fd = ::open(target.c_str(), O_RDONLY | O_CLOEXEC);
  std::mt19937_64 random(1);
  Bytes buffer(kRangeBytes);
  for ([[maybe_unused]] auto step : state) {
    const auto offset = static_cast<off_t>(random() % (kFileBytes - kRangeBytes));
    if (::pread(fd, buffer.data(), buffer.size(), offset) < 0) state.SkipWithError("pread");
  }
  ::close(fd);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(raw_pread);

void add_new(benchmark::State& state, const Bytes& content, const WriteFileOptions& options,
             const Compression& compression) {
  WriteFileOptions how = options;
  how.threads = static_cast<unsigned>(state.range(0));
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    auto fresh = std::make_unique<OpenStore>();
    state.ResumeTiming();
    add(fresh->store, content, how, compression);
    state.PauseTiming();
    fresh.reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(content.size()));
}

void add_new_fastcdc(benchmark::State& state) { add_new(state, noise(), {}, {}); }
BENCHMARK(add_new_fastcdc)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void add_new_native(benchmark::State& state) {
  add_new(state, noise(), {.profile = profile_of(ChunkerKind::kNative)}, {});
}
BENCHMARK(add_new_native)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void add_new_zlib(benchmark::State& state) { add_new(state, text(), {}, Compression::zlib(1)); }
BENCHMARK(add_new_zlib)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void add_new_incompressible(benchmark::State& state) {
  add_new(state, noise(), {}, Compression::automatic());
}
BENCHMARK(add_new_incompressible)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void add_known(benchmark::State& state) {
  OpenStore open;
  add(open.store, noise(), {.threads = 2});
  for ([[maybe_unused]] auto step : state) {
    add(open.store, noise(), {.threads = static_cast<unsigned>(state.range(0))});
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kFileBytes));
}
BENCHMARK(add_known)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void restore(benchmark::State& state, Verify verify) {
  OpenStore open;
  const FileRoot root = add(open.store, noise(), {.threads = 2});
  const StoreBlocks blocks(open.store, {.verify = verify});
  const std::filesystem::path target = open.directory.path() / "restored";
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    std::filesystem::remove(target);
    state.ResumeTiming();
    FileReader reader =
        FileReader::open(blocks, root.cid, {.threads = static_cast<unsigned>(state.range(0))})
            .value();
    NewFile file(target);
    reader
        .for_each_piece({},
                        [&](ByteView piece) -> Status {
                          file.write(piece);
                          return {};
                        })
        .value();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kFileBytes));
}
BENCHMARK_CAPTURE(restore, unverified, Verify::kNone)
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(restore, verified, Verify::kContent)
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void read_range(benchmark::State& state, ChunkerKind kind, Verify verify) {
  OpenStore open;
  const FileRoot root = add(open.store, noise(), {.profile = profile_of(kind), .threads = 2});
  const StoreBlocks blocks(open.store, {.verify = verify});
  FileReader reader = FileReader::open(blocks, root.cid).value();
  std::mt19937_64 random(1);
  Bytes buffer(kRangeBytes);
  const bool at_chunks = kind == ChunkerKind::kFixed;
  for ([[maybe_unused]] auto step : state) {
    const std::uint64_t place = random() % (kFileBytes - kRangeBytes);
    const std::uint64_t offset = at_chunks ? place / kRangeBytes * kRangeBytes : place;
    benchmark::DoNotOptimize(reader.read_at(offset, buffer).value());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(read_range, one_chunk_unverified, ChunkerKind::kFixed, Verify::kNone);
BENCHMARK_CAPTURE(read_range, one_chunk_verified, ChunkerKind::kFixed, Verify::kContent);
BENCHMARK_CAPTURE(read_range, anywhere_unverified, ChunkerKind::kFastCdc, Verify::kNone);

}  // namespace

}  // namespace packstore::bench
