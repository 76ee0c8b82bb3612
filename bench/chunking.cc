// Every scan of every chunker, on noise and on real files, one thread, in memory; and FastCDC as
// its paper has it, which is what the scans are measured against.
#include "packstore/chunker.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "chunking/gear_chunker.h"
#include "support.h"

namespace packstore::bench {

namespace {

constexpr std::size_t kContentBytes = std::size_t{64} << 20U;
// What a caller that reads a stream into a buffer gives to a call.
constexpr std::size_t kViewBytes = std::size_t{4} << 20U;

// The files under /usr/lib one behind the other, in order of their paths.
Bytes library_bytes() {
  std::vector<std::filesystem::path> paths;
  using Walk = std::filesystem::recursive_directory_iterator;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry : Walk("/usr/lib", options)) {
    if (entry.is_regular_file() && !entry.is_symlink()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  Bytes content(kContentBytes);
  std::size_t filled = 0;
  for (const std::filesystem::path& path : paths) {
    if (filled == content.size()) break;
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(content.data() + filled),
              static_cast<std::streamsize>(content.size() - filled));
    filled += static_cast<std::size_t>(file.gcount());
  }
  content.resize(filled);
  return content;
}

// Repeats a pattern that the loose mask lets through every few bytes.
Bytes dense_bytes(const chunking::GearRule& rule) {
  Bytes best = Bytes(2);
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      std::uint64_t hash = 0;
      for (int i = 0; i < 64; ++i) hash = 2 * hash + rule.table[i % 2 == 0 ? first : second];
      if ((hash & rule.mask_loose) != 0 || (hash & rule.mask_strict) == 0) continue;
      best = {static_cast<std::byte>(first), static_cast<std::byte>(second)};
    }
  }
  Bytes content(kContentBytes);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = best[i % 2];
  return content;
}

const Bytes& content_named(std::string_view name) {
  static const Bytes noise = random_bytes(kContentBytes, 1);
  static const Bytes files = library_bytes();
  return name == "noise" ? noise : files;
}

void cut_stream(benchmark::State& state, const Chunker& chunker, const Bytes& content) {
  std::vector<std::uint32_t> lengths;
  for ([[maybe_unused]] auto step : state) {
    lengths.clear();
    ByteView rest(content);
    while (!rest.empty()) {
      const ByteView view = rest.first(std::min(rest.size(), kViewBytes));
      const InputEnd end = view.size() == rest.size() ? InputEnd::kLast : InputEnd::kMore;
      rest = rest.subspan(chunker.cut(view, end, lengths));
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(content.size()));
  state.counters["mean_chunk"] =
      static_cast<double>(content.size()) / static_cast<double>(lengths.size());
}

// FastCDC 2020 as the paper and fastcdc-rs write it down: a pair of bytes each turn, the first one
// by a table and masks that are shifted by one, so that a turn shifts once. Nothing is unrolled.
class PlainFastCdc final : public Chunker {
 public:
  explicit PlainFastCdc(const ChunkerSpec& spec) : rule_(chunking::gear_rule_of(spec)) {
    for (std::size_t i = 0; i < shifted_.size(); ++i) shifted_[i] = rule_.table[i] << 1U;
  }

  std::uint32_t chunk_bytes_max() const override { return rule_.bytes_max; }

  std::size_t cut(ByteView data, InputEnd end, std::vector<std::uint32_t>& lengths) const override {
    std::size_t covered = 0;
    while (covered < data.size()) {
      const ByteView rest = data.subspan(covered);
      if (end == InputEnd::kMore && rest.size() < rule_.bytes_max) break;
      const std::size_t length =
          find_cut(rest.first(std::min<std::size_t>(rest.size(), rule_.bytes_max)));
      lengths.push_back(static_cast<std::uint32_t>(length));
      covered += length;
    }
    return covered;
  }

 private:
  std::size_t find_cut(ByteView window) const {
    if (window.size() <= rule_.bytes_min) return window.size();
    std::uint64_t hash = 0;
    const std::size_t loose_from = std::min<std::size_t>(window.size(), rule_.loose_from);
    std::size_t turn = rule_.test_from / 2;
    for (; turn < loose_from / 2; ++turn) {
      const std::size_t at = 2 * turn;
      hash = (hash << 2U) + shifted_[std::to_integer<std::size_t>(window[at])];
      if ((hash & (rule_.mask_strict << 1U)) == 0) return at;
      hash += rule_.table[std::to_integer<std::size_t>(window[at + 1])];
      if ((hash & rule_.mask_strict) == 0) return at + 1;
    }
    for (; turn < window.size() / 2; ++turn) {
      const std::size_t at = 2 * turn;
      hash = (hash << 2U) + shifted_[std::to_integer<std::size_t>(window[at])];
      if ((hash & (rule_.mask_loose << 1U)) == 0) return at;
      hash += rule_.table[std::to_integer<std::size_t>(window[at + 1])];
      if ((hash & rule_.mask_loose) == 0) return at + 1;
    }
    return window.size();
  }

  const chunking::GearRule rule_;
  chunking::GearTable shifted_{};
};

std::vector<std::uint32_t> cuts_of(const Chunker& chunker, ByteView content) {
  std::vector<std::uint32_t> lengths;
  chunker.cut(content, InputEnd::kLast, lengths);
  return lengths;
}

void register_plain(const ChunkerSpec& spec) {
  const std::string name =
      "chunking/fastcdc/plain/" + std::to_string(spec.bytes_average / 1024) + "KiB/";
  for (const std::string content : {"noise", "files"}) {
    benchmark::RegisterBenchmark((name + content).c_str(), [=](benchmark::State& state) {
      const PlainFastCdc plain(spec);
      const chunking::GearChunker ours(chunking::gear_rule_of(spec), chunking::Scan::kScalar);
      const Bytes& bytes = content_named(content);
      if (cuts_of(plain, bytes) != cuts_of(ours, bytes)) {
        state.SkipWithError("it does not cut where the library does");
        return;
      }
      cut_stream(state, plain, bytes);
    });
  }
}

void register_scan(const ChunkerSpec& spec, chunking::Scan scan) {
  const std::string name = std::string("chunking/") + std::string(to_string(spec.kind)) + '/' +
                           std::string(to_string(scan)) + '/' +
                           std::to_string(spec.bytes_average / 1024) + "KiB/";
  for (const std::string content : {"noise", "files"}) {
    benchmark::RegisterBenchmark((name + content).c_str(), [=](benchmark::State& state) {
      const chunking::GearChunker chunker(chunking::gear_rule_of(spec), scan);
      cut_stream(state, chunker, content_named(content));
    });
  }
  benchmark::RegisterBenchmark((name + "dense").c_str(), [=](benchmark::State& state) {
    const chunking::GearRule rule = chunking::gear_rule_of(spec);
    cut_stream(state, chunking::GearChunker(rule, scan), dense_bytes(rule));
  });
}

const bool kRegistered = [] {
  for (const std::uint32_t average : {8U << 10U, 16U << 10U, 64U << 10U}) {
    register_plain(ChunkerSpec::fastcdc(average));
    for (const ChunkerSpec& spec : {ChunkerSpec::fastcdc(average), ChunkerSpec::gear(average),
                                    ChunkerSpec::native(average)}) {
      for (const chunking::Scan scan : scans_for(chunking::gear_rule_of(spec))) {
        register_scan(spec, scan);
      }
    }
  }
  return true;
}();

}  // namespace

}  // namespace packstore::bench
