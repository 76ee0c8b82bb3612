// Draws what docs/chunking.md shows: how long chunks become, and how much of a version history they
// share, for each chunker and average.
//
// packstore_chunking_figures OUTPUT_DIRECTORY VERSION_DIRECTORY...
//
// Each version is taken as the content of its regular files, one behind the other, in order of
// their paths. What the tables print is what the pictures show.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_set>
#include <vector>

#include "chunking/picture.h"
#include "hash/xxh3.h"
#include "packstore/chunker.h"

namespace packstore::bench {

namespace {

namespace fs = std::filesystem;

const std::vector<std::uint32_t> kAverages = {2U << 10U,  4U << 10U,  8U << 10U,
                                              16U << 10U, 32U << 10U, 64U << 10U};
constexpr std::uint32_t kHistogramAverage = 16U << 10U;

struct Candidate {
  std::string name;
  ChunkerSpec (*spec)(std::uint32_t bytes_average);
};

ChunkerSpec fastcdc_at_level(std::uint32_t bytes_average, unsigned level) {
  ChunkerSpec spec = ChunkerSpec::fastcdc(bytes_average);
  spec.normalisation = level;
  return spec;
}

const std::vector<Candidate> kCandidates = {
    {"FastCDC, level 2", ChunkerSpec::fastcdc},
    {"FastCDC, level 0", [](std::uint32_t average) { return fastcdc_at_level(average, 0); }},
    {"native, level 2", ChunkerSpec::native},
    {"gear, level 2", ChunkerSpec::gear},
    {"fixed", ChunkerSpec::fixed},
};

// What a chunker makes of a history.
struct Outcome {
  std::uint64_t bytes = 0;
  std::uint64_t chunks = 0;
  std::uint64_t unique_bytes = 0;
  std::uint64_t unique_chunks = 0;
  std::vector<std::uint32_t> lengths = {};

  double mean() const { return static_cast<double>(bytes) / static_cast<double>(chunks); }
  double ratio() const { return static_cast<double>(bytes) / static_cast<double>(unique_bytes); }
};

Bytes content_of(const fs::path& version) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(version)) {
    if (entry.is_regular_file() && !entry.is_symlink()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  Bytes content;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const ByteView bytes = as_bytes(text);
    content.insert(content.end(), bytes.begin(), bytes.end());
  }
  return content;
}

Outcome outcome_of(const ChunkerSpec& spec, const std::vector<Bytes>& versions) {
  const std::unique_ptr<Chunker> chunker = std::move(make_chunker(spec)).value();
  Outcome outcome;
  std::unordered_set<std::uint64_t> known;
  for (const Bytes& version : versions) {
    std::vector<std::uint32_t> lengths;
    chunker->cut(version, InputEnd::kLast, lengths);
    ByteView rest(version);
    for (const std::uint32_t length : lengths) {
      if (known.insert(hash::xxh3(rest.first(length))).second) {
        outcome.unique_bytes += length;
        ++outcome.unique_chunks;
      }
      rest = rest.subspan(length);
    }
    outcome.bytes += version.size();
    outcome.chunks += lengths.size();
    outcome.lengths.insert(outcome.lengths.end(), lengths.begin(), lengths.end());
  }
  return outcome;
}

// The share of bytes in chunks of up to 1, 2, ... 64 sixteenths of the average.
Series histogram_of(const std::string& name, const Outcome& outcome) {
  constexpr std::size_t kBins = 64;
  std::array<double, kBins + 1> bytes{};
  for (const std::uint32_t length : outcome.lengths) {
    const std::size_t bin = std::size_t{length} * 16 / kHistogramAverage;
    bytes[std::min(bin, kBins)] += length;
  }
  Series series{.name = name, .points = {}};
  for (std::size_t bin = 0; bin <= kBins; ++bin) {
    series.points.push_back(
        {static_cast<double>(bin) / 16, 100 * bytes[bin] / static_cast<double>(outcome.bytes)});
  }
  return series;
}

bool write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return file.flush().good();
}

int draw(const fs::path& directory, const std::vector<Bytes>& versions) {
  std::vector<Series> sizes;
  std::vector<Series> ratios;
  fmt::print(
      "| chunker | average | mean chunk | chunks | total / unique bytes |\n"
      "| --- | --- | --- | --- | --- |\n");
  for (const Candidate& candidate : kCandidates) {
    Series& ratio = ratios.emplace_back(Series{.name = candidate.name, .points = {}});
    for (const std::uint32_t average : kAverages) {
      const Outcome outcome = outcome_of(candidate.spec(average), versions);
      fmt::print("| {} | {} | {:.0f} | {} | {:.3f} |\n", candidate.name, average, outcome.mean(),
                 outcome.chunks, outcome.ratio());
      ratio.points.push_back({outcome.mean() / 1024, outcome.ratio()});
      if (average == kHistogramAverage && candidate.name != "fixed") {
        sizes.push_back(histogram_of(candidate.name, outcome));
      }
    }
  }
  const bool written =
      write_file(directory / "chunk-sizes.svg",
                 draw_lines({.title = "Bytes by length of their chunk, average 16 KiB",
                             .x_label = "chunk length / average",
                             .y_label = "% of bytes",
                             .x_scale = Scale::kLinear},
                            sizes)) &&
      write_file(directory / "chunk-dedup.svg",
                 draw_lines({.title = "Total / unique bytes of a version history",
                             .x_label = "mean chunk, KiB",
                             .y_label = "ratio",
                             .x_scale = Scale::kLogarithmic},
                            ratios));
  if (!written) fmt::print(stderr, "cannot write into {}\n", directory.string());
  return written ? 0 : 1;
}

int run(const std::vector<std::string>& words) {
  if (words.size() < 3) {
    fmt::print(stderr, "usage: {} OUTPUT_DIRECTORY VERSION_DIRECTORY...\n", words[0]);
    return 2;
  }
  std::vector<Bytes> versions;
  for (std::size_t i = 2; i < words.size(); ++i) {
    versions.push_back(content_of(words[i]));
    fmt::print("version {}: {:.1f} MB\n", i - 1, static_cast<double>(versions.back().size()) / 1e6);
  }
  fmt::print("\n");
  return draw(words[1], versions);
}

}  // namespace

}  // namespace packstore::bench

int main(int argc, char** argv) { return packstore::bench::run({argv, argv + argc}); }
