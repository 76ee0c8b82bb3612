// The store through its public interface, and appending to a pack below it.
//
// 1. Every benchmark has a store of its own in a scratch directory.
// 2. What writes is timed with its syncs, by the clock on the wall; its content is made while the
//    timer stands still.
// 3. What reads finds its objects in one pack, in memory that the system keeps for files.
#include "packstore/store.h"

#include <benchmark/benchmark.h>

#include "hash/sha256.h"
#include "io/file.h"
#include "store/pack_writer.h"
#include "store/store_core.h"
#include "support.h"

namespace packstore::bench {

namespace {

constexpr std::size_t kObjects = 10'000;
constexpr std::size_t kObjectBytes = 4 << 10;

void count_objects(benchmark::State& state, std::size_t objects_each) {
  const auto objects = state.iterations() * static_cast<std::int64_t>(objects_each);
  state.SetItemsProcessed(objects);
  state.SetBytesProcessed(objects * static_cast<std::int64_t>(kObjectBytes));
}

// A store whose objects are all in one pack.
struct PackedStore {
  PackedStore() {
    Batch batch = store.begin_batch().value();
    ids = batch.put_many(views_of(random_contents(kObjects, kObjectBytes, 1))).value();
    batch.commit().value();
  }

  ScratchDirectory directory;
  Store store = Store::create(directory.path()).value();
  std::vector<ObjectId> ids;
};

// Content that no earlier iteration has put.
Bytes fresh_content(std::uint64_t number) {
  return random_bytes(kObjectBytes, (1U << 20) + number);
}

void put(benchmark::State& state, Placement placement, Durability durability) {
  const ScratchDirectory directory;
  Store store = Store::create(directory.path()).value();
  const PutOptions options{.placement = placement, .durability = durability, .compression = {}};
  // The first put makes directories or a pack.
  store.put(fresh_content(0), options).value();
  std::uint64_t number = 0;
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    const Bytes content = fresh_content(++number);
    state.ResumeTiming();
    store.put(content, options).value();
  }
  count_objects(state, 1);
}
BENCHMARK_CAPTURE(put, loose, Placement::kLoose, Durability::kSynced)->UseRealTime();
BENCHMARK_CAPTURE(put, packed, Placement::kPacked, Durability::kSynced)->UseRealTime();
BENCHMARK_CAPTURE(put, buffered, Placement::kPacked, Durability::kBuffered)->UseRealTime();

void put_known(benchmark::State& state) {
  const ScratchDirectory directory;
  Store store = Store::create(directory.path()).value();
  const Bytes content = fresh_content(0);
  for ([[maybe_unused]] auto step : state) {
    store.put(content, {.placement = Placement::kPacked, .durability = {}, .compression = {}})
        .value();
  }
  count_objects(state, 1);
}
BENCHMARK(put_known)->UseRealTime();

// Batches of 10,000 objects, the sync and the index commit included.
void put_batch(benchmark::State& state) {
  const ScratchDirectory directory;
  Store store = Store::create(directory.path()).value();
  std::uint64_t seed = 0;
  for ([[maybe_unused]] auto step : state) {
    state.PauseTiming();
    const std::vector<Bytes> contents = random_contents(kObjects, kObjectBytes, seed += kObjects);
    const std::vector<ByteView> views = views_of(contents);
    state.ResumeTiming();
    Batch batch = store.begin_batch().value();
    batch.put_many(views).value();
    batch.commit().value();
  }
  count_objects(state, kObjects);
}
BENCHMARK(put_batch)->Iterations(10)->UseRealTime()->Unit(benchmark::kMillisecond);

// Records into a pack, without hashing content for ids, sync or index.
void pack_append(benchmark::State& state) {
  const ScratchDirectory directory;
  const auto core =
      store::create_core(io::posix_file_system(), directory.path(), CreateOptions{}).value();
  const auto writer = store::PackWriter::begin(*core, store::PackWriter::Choice::kNew).value();
  constexpr std::size_t kGroup = 256;
  const std::vector<Bytes> contents = random_contents(kGroup, kObjectBytes, 1);
  std::vector<store::EncodedObject> objects;
  for (const Bytes& content : contents) {
    objects.push_back({hash::sha256(content), content.size(), Codec::kNone, content});
  }
  std::vector<index::ObjectRow> rows;
  for ([[maybe_unused]] auto step : state) {
    rows.clear();
    writer->append(objects, format::PackRecord::Kind::kObject, rows).value();
    writer->drop_group();
  }
  count_objects(state, kGroup);
}
BENCHMARK(pack_append)->UseRealTime();

void get(benchmark::State& state, Verify verify) {
  const PackedStore packed;
  std::size_t next = 0;
  for ([[maybe_unused]] auto step : state) {
    next = (next + 7919) % packed.ids.size();
    benchmark::DoNotOptimize(packed.store.get(packed.ids[next], {.verify = verify}).value());
  }
  count_objects(state, 1);
}
BENCHMARK_CAPTURE(get, unverified, Verify::kNone);
BENCHMARK_CAPTURE(get, checksum, Verify::kChecksum);
BENCHMARK_CAPTURE(get, verified, Verify::kContent);

void read_many(benchmark::State& state, Verify verify) {
  const PackedStore packed;
  const auto visit = [](const ObjectId&, const Result<ByteView>& content) -> Status {
    benchmark::DoNotOptimize(content.value().data());
    return {};
  };
  for ([[maybe_unused]] auto step : state) {
    packed.store.read_many(packed.ids, visit, {.verify = verify}).value();
  }
  count_objects(state, packed.ids.size());
}
BENCHMARK_CAPTURE(read_many, unverified, Verify::kNone)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_many, checksum, Verify::kChecksum)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_many, verified, Verify::kContent)->Unit(benchmark::kMillisecond);

void contains_absent(benchmark::State& state) {
  const PackedStore packed;
  const std::vector<ObjectId> absent = random_ids(kObjects, 2);
  std::size_t next = 0;
  for ([[maybe_unused]] auto step : state) {
    next = (next + 7919) % absent.size();
    benchmark::DoNotOptimize(packed.store.contains(absent[next]).value());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(contains_absent);

void validate(benchmark::State& state) {
  const PackedStore packed;
  ValidateOptions options;
  options.threads = static_cast<unsigned>(state.range(0));
  for ([[maybe_unused]] auto step : state) {
    if (!packed.store.validate(options).value().is_valid()) state.SkipWithError("damage");
  }
  count_objects(state, packed.ids.size());
}
BENCHMARK(validate)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace packstore::bench
