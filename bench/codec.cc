// Encoding and decoding of stored bytes; the speed is that of the content.
#include "codec/codec.h"

#include <benchmark/benchmark.h>

#include "support.h"

namespace packstore::bench {

namespace {

// Long enough that Compression::automatic() looks at samples first.
constexpr std::size_t kContentBytes = 1 << 20;

void encode(benchmark::State& state, const Bytes& content, const Compression& wish) {
  Bytes out;
  for ([[maybe_unused]] auto step : state) codec::encode(content, wish, out).value();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(content.size()));
  // Nothing encoded means that it is stored verbatim.
  const std::size_t stored = out.empty() ? content.size() : out.size();
  state.counters["ratio"] = static_cast<double>(stored) / static_cast<double>(content.size());
}

void decode(benchmark::State& state, const Compression& wish) {
  const Bytes content = text_bytes(kContentBytes, 1);
  Bytes stored;
  const Codec codec = codec::encode(content, wish, stored).value();
  Bytes out(content.size());
  for ([[maybe_unused]] auto step : state) codec::decode(codec, stored, out).value();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(content.size()));
}

BENCHMARK_CAPTURE(encode, text_zlib_1, text_bytes(kContentBytes, 1), Compression::zlib(1));
BENCHMARK_CAPTURE(encode, text_zlib_6, text_bytes(kContentBytes, 1), Compression::zlib(6));
BENCHMARK_CAPTURE(encode, text_zstd_3, text_bytes(kContentBytes, 1), Compression::zstd(3));
BENCHMARK_CAPTURE(encode, text_auto, text_bytes(kContentBytes, 1), Compression::automatic());
BENCHMARK_CAPTURE(encode, random_zlib_1, random_bytes(kContentBytes, 1), Compression::zlib(1));
BENCHMARK_CAPTURE(encode, random_auto, random_bytes(kContentBytes, 1), Compression::automatic());
BENCHMARK_CAPTURE(decode, zlib, Compression::zlib(1));
BENCHMARK_CAPTURE(decode, zstd, Compression::zstd(3));

}  // namespace

}  // namespace packstore::bench
