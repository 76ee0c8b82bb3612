// SHA-256 and XXH3, one buffer after the other and many side by side.
#include "hash/sha256.h"

#include <benchmark/benchmark.h>

#include "hash/xxh3.h"
#include "support.h"

namespace packstore::bench {

namespace {

void count_bytes(benchmark::State& state, std::size_t bytes_each) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes_each));
}

void hash_sha256(benchmark::State& state) {
  const Bytes content = random_bytes(static_cast<std::size_t>(state.range(0)), 1);
  for ([[maybe_unused]] auto step : state) benchmark::DoNotOptimize(hash::sha256(content));
  count_bytes(state, content.size());
}
BENCHMARK(hash_sha256)->Arg(256)->Arg(4 << 10)->Arg(16 << 10)->Arg(1 << 20);

void hash_sha256_many(benchmark::State& state) {
  constexpr std::size_t kBuffers = 64;
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<Bytes> contents = random_contents(kBuffers, size, 2);
  const std::vector<ByteView> views = views_of(contents);
  std::vector<ObjectId> ids(kBuffers);
  for ([[maybe_unused]] auto step : state) hash::sha256_many(views, ids);
  count_bytes(state, kBuffers * size);
  state.SetLabel(hash::has_multi_buffer() ? "side by side" : "one by one");
}
BENCHMARK(hash_sha256_many)->Arg(256)->Arg(4 << 10)->Arg(16 << 10)->Arg(1 << 20);

void hash_xxh3(benchmark::State& state) {
  const Bytes content = random_bytes(static_cast<std::size_t>(state.range(0)), 3);
  for ([[maybe_unused]] auto step : state) benchmark::DoNotOptimize(hash::xxh3(content));
  count_bytes(state, content.size());
}
BENCHMARK(hash_xxh3)->Arg(56)->Arg(4 << 10)->Arg(1 << 20);

}  // namespace

}  // namespace packstore::bench
