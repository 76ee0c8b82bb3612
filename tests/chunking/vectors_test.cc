// Cut points that others have published. Method: each line of the vector files names an input, the
// parameters and the chunks; the inputs are made here or read from the same directory.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>

#include "chunking/gear_chunker.h"
#include "inputs.h"

namespace packstore::chunking {

inline void PrintTo(Scan scan, std::ostream* out) { *out << to_string(scan); }

namespace {

using testing::cut_whole;

const std::filesystem::path kVectors = std::filesystem::path(PACKSTORE_SHARED_TESTDATA_DIR) / "cdc";

struct Vector {
  std::string input;
  ChunkerSpec spec;
  std::vector<std::uint32_t> lengths;
};

Bytes file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const ByteView bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

// The number behind the last underscore.
std::size_t size_in(const std::string& name) {
  return std::stoul(name.substr(name.rfind('_') + 1));
}

Bytes input_named(const std::string& name) {
  if (name.starts_with("splitmix64_seed")) {
    return testing::splitmix64(std::stoull(name.substr(15)), size_in(name));
  }
  if (name.starts_with("zeros_")) return testing::constant(size_in(name), 0);
  if (name.starts_with("ramp_")) return testing::ramp(size_in(name));
  if (name.starts_with("text20_")) return testing::text20(size_in(name));
  return file_bytes(kVectors / name);
}

// Columns: input, algorithm, min, average, max, level, seed, number of chunks, offset:length:hash.
std::optional<Vector> parse_fastcdc_2020(const std::string& line) {
  std::istringstream fields(line);
  Vector vector;
  std::string algorithm;
  fields >> vector.input >> algorithm;
  if (algorithm != "v2020") return std::nullopt;
  ChunkerSpec& spec = vector.spec;
  std::size_t chunks = 0;
  fields >> spec.bytes_min >> spec.bytes_average >> spec.bytes_max >> spec.normalisation >>
      spec.seed >> chunks;
  for (std::string chunk; fields >> chunk;) {
    const std::size_t length_at = chunk.find(':') + 1;
    vector.lengths.push_back(static_cast<std::uint32_t>(std::stoul(chunk.substr(length_at))));
  }
  EXPECT_EQ(vector.lengths.size(), chunks);
  return vector;
}

class Vectors : public ::testing::TestWithParam<Scan> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kVectors)) GTEST_SKIP() << "no test vectors at " << kVectors;
  }

  static void expect_cuts_of(const char* file, std::size_t vectors_min) {
    std::ifstream lines(kVectors / file);
    std::size_t checked = 0;
    for (std::string line; std::getline(lines, line);) {
      const std::optional<Vector> vector = parse_fastcdc_2020(line);
      if (!vector) continue;
      ASSERT_TRUE(vector->spec.check().has_value());
      const GearChunker chunker(gear_rule_of(vector->spec), GetParam());
      EXPECT_EQ(cut_whole(chunker, input_named(vector->input)), vector->lengths)
          << vector->input << ' ' << vector->spec.to_text();
      ++checked;
    }
    EXPECT_GE(checked, vectors_min);
  }
};

std::string scan_name(const ::testing::TestParamInfo<Scan>& info) {
  return std::string(to_string(info.param));
}

INSTANTIATE_TEST_SUITE_P(Every, Vectors,
                         ::testing::ValuesIn(scans_for(gear_rule_of(ChunkerSpec{}))), scan_name);

TEST_P(Vectors, FastCdcCutsAsPublished) { expect_cuts_of("vectors-published.tsv", 7); }

TEST_P(Vectors, FastCdcCutsAsTheRustCrateDoes) { expect_cuts_of("vectors-generated.tsv", 190); }

using Xet = Vectors;
INSTANTIATE_TEST_SUITE_P(Every, Xet,
                         ::testing::ValuesIn(scans_for(gear_rule_of(ChunkerSpec::xet()))),
                         scan_name);

// From the tests of xet-core's chunker.
TEST_P(Xet, CutsAMillionRandomBytesAsPublished) {
  const GearChunker chunker(gear_rule_of(ChunkerSpec::xet()), GetParam());
  const std::vector<std::size_t> ends = {
      84'493,  134'421, 144'853, 243'318, 271'793, 336'457, 467'529, 494'581, 582'000,  596'735,
      616'815, 653'164, 678'202, 724'510, 815'591, 827'760, 958'832, 991'092, 1'000'000};
  std::vector<std::size_t> found;
  std::size_t end = 0;
  for (const std::uint32_t length : cut_whole(chunker, testing::splitmix64(0, 1'000'000))) {
    found.push_back(end += length);
  }
  EXPECT_EQ(found, ends);
}

TEST_P(Xet, CutsConstantBytesAtTheMaximum) {
  const GearChunker chunker(gear_rule_of(ChunkerSpec::xet()), GetParam());
  EXPECT_EQ(cut_whole(chunker, testing::constant(1'000'000, 59)),
            (std::vector<std::uint32_t>{131'072, 131'072, 131'072, 131'072, 131'072, 131'072,
                                        131'072, 82'496}));
}

}  // namespace
}  // namespace packstore::chunking
