// simulate: policies on paper, as a table, as JSON and as a page for a browser.
#include <gmock/gmock.h>
#include <lzma.h>

#include <array>
#include <cstdint>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Simulate : public ProgramTest {
 protected:
  // One workload, small enough to take no time.
  Outcome simulate(std::vector<std::string> words) {
    words.insert(words.begin(), {"simulate"});
    return run(words);
  }
  Outcome simulate_small(std::vector<std::string> words) {
    words.insert(words.end(), {"--scale", "0.01"});
    return simulate(std::move(words));
  }
};

template <typename Unsigned>
void append(std::string& bytes, Unsigned value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
  }
}

// A trace of `rows` writes of 1,000 bytes to a few hundred pages of one relation.
std::string trace(std::uint64_t rows) {
  const std::string meta = "{}";
  std::string bytes = "PGBLKTR1";
  append(bytes, static_cast<std::uint32_t>(meta.size()));
  append(bytes, std::uint32_t{0});
  append(bytes, rows);
  append(bytes, std::uint64_t{1'000});
  bytes += meta;
  for (std::uint64_t row = 0; row < rows; ++row) append(bytes, std::uint32_t{1'000});
  for (std::uint64_t row = 0; row < rows; ++row) append(bytes, std::uint16_t{0});
  for (std::uint64_t row = 0; row < rows; ++row) {
    append(bytes, static_cast<std::uint32_t>(row * 7 % 300));
  }
  for (std::uint64_t row = 0; row < rows; ++row) append(bytes, std::uint32_t{1'000});
  for (std::uint64_t row = 0; row < rows; ++row) append(bytes, std::uint8_t{0});
  for (std::uint64_t row = 0; row < rows; ++row) append(bytes, std::uint8_t{0});
  return bytes;
}

std::string compressed(const std::string& bytes) {
  std::string packed(bytes.size() + 1'000, '\0');
  std::size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(
                0, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                bytes.size(), reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size()),
            LZMA_OK);
  packed.resize(size);
  return packed;
}

TEST_F(Simulate, PrintsARowForEachPolicy) {
  const Outcome outcome = simulate_small({"--workload", "shift"});
  EXPECT_EQ(outcome.status, kOk) << outcome.err;
  for (const char* policy : {"tiered", "lazy", "count", "cells"}) {
    EXPECT_THAT(outcome.out, HasSubstr(policy));
  }
  EXPECT_THAT(outcome.err, HasSubstr("records a second"));
}

TEST_F(Simulate, WithJsonIsAnArrayOfRows) {
  const nlohmann::json rows =
      simulate_small({"--workload", "shift", "--workload", "append", "--json"}).json();
  ASSERT_TRUE(rows.is_array());
  ASSERT_EQ(rows.size(), 8U);
  std::vector<std::string> keys;
  for (const auto& [key, value] : rows[0].items()) keys.push_back(key);
  EXPECT_THAT(keys,
              IsSupersetOf({"workload", "policy", "write_amp", "bound", "storage_amp", "occ_uni",
                            "occ_hot", "peak", "files", "replay_records", "seconds"}));
  for (const nlohmann::json& row : rows) {
    // Only the last keeps to the budgets that the bound is for.
    if (row.at("policy") != "cells") continue;
    EXPECT_GE(row.at("write_amp").get<double>(), row.at("bound").get<double>()) << row;
  }
}

TEST_F(Simulate, GivesTheSameRowsForTheSameSeedOnAnyNumberOfThreads) {
  const auto rows = [this](const std::string& threads) {
    nlohmann::json json =
        simulate_small({"--workload", "shift", "--seed", "7", "--threads", threads, "--json"})
            .json();
    for (nlohmann::json& row : json) row.erase("seconds");
    return json;
  };
  const nlohmann::json alone = rows("1");
  EXPECT_EQ(alone.size(), 4U);
  EXPECT_EQ(alone, rows("3"));
}

// Merged from memory, a merge saves what the flush would have written by itself.
TEST_F(Simulate, FlushesTheCellPolicyAloneWhenAsked) {
  const auto rows = [this](const std::string& flush) {
    return simulate_small({"--workload", "shift", "--flush", flush, "--json"}).json();
  };
  const nlohmann::json merged = rows("merged");
  const nlohmann::json alone = rows("alone");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(merged[i].at("flush"), "alone");
  EXPECT_EQ(merged[3].at("flush"), "merged");
  EXPECT_EQ(alone[3].at("flush"), "alone");
  EXPECT_EQ(alone[3].at("flush_bytes"), alone[3].at("wal_bytes"));
  EXPECT_LT(merged[3].at("flush_bytes"), merged[3].at("wal_bytes"));
  EXPECT_LT(merged[3].at("bound"), alone[3].at("bound"));
  EXPECT_EQ(merged[0].at("bound"), alone[0].at("bound"));
}

TEST_F(Simulate, KeepsWhatIsDeadInFilesThatGiveNothingBack) {
  const auto dead = [this](const std::string& holes) {
    const nlohmann::json row =
        simulate_small({"--workload", "shift", "--holes", holes, "--json"}).json()[3];
    return row.at("physical_amp").get<double>() - row.at("storage_amp").get<double>();
  };
  EXPECT_GT(dead("0"), 2 * dead("16"));
  EXPECT_GE(dead("16"), 0);
}

TEST_F(Simulate, ReplaysATraceCompressedOrNot) {
  const std::string plain = file("trace.bin", trace(20'000));
  const std::string packed = file("trace.bin.xz", compressed(trace(20'000)));
  const nlohmann::json rows = simulate({"--trace", plain, "--target", "1MiB", "--json"}).json();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].at("workload"), "trace.bin");
  EXPECT_EQ(rows[0].at("wal_bytes"), 20'000'000);
  const nlohmann::json again = simulate({"--trace", packed, "--target", "1MiB", "--json"}).json();
  ASSERT_EQ(again.size(), 4U);
  EXPECT_EQ(again[3].at("write_amp"), rows[3].at("write_amp"));
}

TEST_F(Simulate, RefusesATraceThatIsNone) {
  EXPECT_EQ(simulate({"--trace", "/nowhere"}).status, kError);
  EXPECT_EQ(simulate({"--trace", file("text", "no trace")}).status, kError);
  EXPECT_EQ(simulate({"--trace", file("short", trace(100).substr(0, 700))}).status, kError);
  const std::string packed = compressed(trace(1'000));
  const Outcome cut = simulate({"--trace", file("cut", packed.substr(0, packed.size() / 2))});
  EXPECT_EQ(cut.status, kError);
  EXPECT_THAT(cut.err, HasSubstr("not a whole xz stream"));
}

TEST_F(Simulate, RefusesWordsThatMeanNothing) {
  EXPECT_EQ(simulate({"--workload", "monday"}).status, kUsage);
  EXPECT_EQ(simulate({"--scale", "2"}).status, kUsage);
  EXPECT_EQ(simulate({"--workload", "shift", "--flush", "never"}).status, kUsage);
  EXPECT_EQ(simulate({"--workload", "shift", "--holes", "-1"}).status, kUsage);
  EXPECT_EQ(simulate({"--workload", "shift", "--scale", "nan"}).status, kUsage);
  EXPECT_EQ(simulate({"--trace", directory().string()}).status, kUsage);
  EXPECT_EQ(simulate_small({"--workload", "shift", "--report", directory().string()}).status,
            kUsage);
  EXPECT_EQ(simulate({"--target", "1MiB"}).status, kUsage);
  EXPECT_EQ(simulate({"--trace", "x", "--target", "0"}).status, kUsage);
}

class SimulationPage : public Simulate {
 protected:
  std::filesystem::path page() {
    const std::filesystem::path path = directory() / "report.html";
    const Outcome outcome =
        simulate_small({"--workload", "append", "--workload", "shift", "--report", path.string()});
    EXPECT_EQ(outcome.status, kOk) << outcome.err;
    return path;
  }
};

TEST_F(SimulationPage, NeedsNothingElse) {
  const std::string html = read_file(page());
  EXPECT_THAT(html, ::testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(html, HasSubstr("<td>shift</td><td>tiered</td>"));
  for (const char* elsewhere : {"src=", "href=", "@import", "url("}) {
    EXPECT_THAT(html, ::testing::Not(HasSubstr(elsewhere)));
  }
}

// A browser draws what the script says: charts of four measures, and a picture for each policy.
TEST_F(SimulationPage, IsDrawnByABrowser) {
  const char* const browser = "/usr/bin/chromium";
  if (!std::filesystem::exists(browser)) GTEST_SKIP() << "needs " << browser;
  const std::string drawn = (directory() / "drawn.html").string();
  const std::string command = std::string(browser) +
                              " --headless --no-sandbox --disable-gpu --disable-quic"
                              " --no-first-run --disable-background-networking --user-data-dir='" +
                              (directory() / "profile").string() + "' --dump-dom 'file://" +
                              page().string() + "' > '" + drawn + "' 2> /dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string html = read_file(drawn);
  const auto count = [&html](const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = html.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count("<figure>"), 8U);
  EXPECT_EQ(count("<polyline"), 16U);
  EXPECT_GT(count("<rect"), 8U);
  EXPECT_THAT(html, HasSubstr("<option value=\"shift\">"));
}

}  // namespace
}  // namespace packstore::cli
