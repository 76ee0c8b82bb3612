// Encoding and decoding of stored bytes; the speed is that of the content.
#include "codec/codec.h"

#include <benchmark/benchmark.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.h"
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

// What a source tree is added as: the sources and pages of this library, in pieces as long as a
// chunk is on average.
const std::vector<Bytes>& pieces_of_sources() {
  static const std::vector<Bytes> pieces = [] {
    constexpr std::size_t kPieceBytes = 16 << 10;
    namespace fs = std::filesystem;
    std::vector<fs::path> paths;
    for (const char* const folder : {"include", "src", "tests", "docs"}) {
      for (const auto& entry :
           fs::recursive_directory_iterator(fs::path(PACKSTORE_SOURCE_DIR) / folder)) {
        const fs::path extension = entry.path().extension();
        const bool is_text = extension == ".h" || extension == ".cc" || extension == ".md";
        if (entry.is_regular_file() && is_text) paths.push_back(entry.path());
      }
    }
    std::sort(paths.begin(), paths.end());
    std::string text;
    for (const fs::path& path : paths) {
      std::ifstream file(path, std::ios::binary);
      text.append(std::istreambuf_iterator<char>(file), {});
    }
    std::vector<Bytes> cut;
    for (ByteView rest = as_bytes(text); !rest.empty();) {
      const ByteView piece = rest.first(std::min(rest.size(), kPieceBytes));
      cut.emplace_back(piece.begin(), piece.end());
      rest = rest.subspan(piece.size());
    }
    return cut;
  }();
  return pieces;
}

// `encode(piece)` returns how many bytes it made. "ratio" is what is left of the content.
template <typename Encode>
void encode_sources(benchmark::State& state, const Encode& encode) {
  std::size_t content = 0;
  std::size_t stored = 0;
  for ([[maybe_unused]] auto step : state) {
    for (const Bytes& piece : pieces_of_sources()) {
      content += piece.size();
      stored += encode(piece);
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(content));
  state.counters["ratio"] = static_cast<double>(stored) / static_cast<double>(content);
}

void sources_zlib_fast(benchmark::State& state) {
  Bytes out;
  encode_sources(state, [&](ByteView piece) {
    codec::encode(piece, Compression::zlib(1), out).value();
    return out.size();
  });
}

// zlib itself, as fast as it goes: one stream for all pieces.
void sources_zlib_itself(benchmark::State& state) {
  z_stream stream = {};
  PACKSTORE_CHECK(deflateInit(&stream, 1) == Z_OK);
  std::vector<Bytef> out(deflateBound(&stream, 16 << 10));
  encode_sources(state, [&](ByteView piece) {
    PACKSTORE_CHECK(deflateReset(&stream) == Z_OK);
    // The interface is not const-correct; it does not write to its input.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    PACKSTORE_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    return static_cast<std::size_t>(stream.total_out);
  });
  deflateEnd(&stream);
}

BENCHMARK(sources_zlib_fast);
BENCHMARK(sources_zlib_itself);
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
