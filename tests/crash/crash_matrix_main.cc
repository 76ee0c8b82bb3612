// packstore_crash_matrix: counts the power cuts that the store survives.
#include <fmt/format.h>
#include <malloc.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "crash/crash_matrix.h"

namespace packstore::crash {
namespace {

constexpr std::string_view kUsage =
    "usage: packstore_crash_matrix [--cuts N] [--minutes M] [--seed S] [--scenario NAME]\n"
    "                              [--threads T] [--cut PLACE]\n"
    "Cuts the power at every step of every operation until N cuts (100000) or M minutes are over.\n"
    "--cut looks at one cut of a scenario again, as a violation was reported.\n";
// Enough to see what goes wrong; all are counted.
constexpr int kViolationsShown = 20;

using Arguments = std::map<std::string, std::string, std::less<>>;

std::optional<Arguments> parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = values[i];
    const auto known = {"--cuts", "--minutes", "--seed", "--scenario", "--threads", "--cut"};
    if (std::ranges::find(known, name) == known.end() || i + 1 == count) return std::nullopt;
    arguments[std::string(name)] = values[i + 1];
  }
  return arguments;
}

std::uint64_t number(const Arguments& arguments, std::string_view name, std::uint64_t otherwise) {
  const auto found = arguments.find(name);
  if (found == arguments.end()) return otherwise;
  std::uint64_t value = 0;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

void print_complaints(const std::vector<std::string>& complaints) {
  for (const std::string& line : complaints) fmt::print("    {}\n", line);
}

void print_row(const MatrixRow& row) {
  fmt::print("| {:<20} | {:>6} | {:>9} | {:>9} | {:>9.1f} | {:>10} |\n", row.scenario, row.steps,
             row.cuts, row.images, std::chrono::duration<double>(row.time).count(), row.violations);
}

void print_table(const MatrixReport& report) {
  fmt::print("| {:<20} | {:>6} | {:>9} | {:>9} | {:>9} | {:>10} |\n", "scenario", "steps", "cuts",
             "images", "seconds", "violations");
  fmt::print("| {:-<20} | {:->6} | {:->9} | {:->9} | {:->9} | {:->10} |\n", "", ":", ":", ":", ":",
             ":");
  for (const MatrixRow& row : report.rows) print_row(row);
  print_row(report.total());
}

int look_again(const std::string& scenario, const std::string& place) {
  const auto cuts = parse_cuts(place);
  const auto complaints = cuts ? look_at(scenario, *cuts) : std::nullopt;
  if (!complaints) {
    fmt::print("no such place: --scenario '{}' --cut '{}'\n{}", scenario, place, kUsage);
    return 2;
  }
  print_complaints(*complaints);
  fmt::print("1 cuts, {} violations\n", complaints->empty() ? 0 : 1);
  return complaints->empty() ? 0 : 1;
}

int run(const Arguments& arguments) {
  const auto scenario = arguments.contains("--scenario") ? arguments.at("--scenario") : "";
  if (arguments.contains("--cut")) return look_again(scenario, arguments.at("--cut"));

  MatrixOptions options{.seed = number(arguments, "--seed", 1), .scenario = scenario};
  if (arguments.contains("--minutes")) {
    options.time = std::chrono::minutes(number(arguments, "--minutes", 0));
    options.cuts = UINT64_MAX;
  }
  options.cuts = number(arguments, "--cuts", options.cuts);
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  options.threads = static_cast<unsigned>(number(arguments, "--threads", processors));

  int shown = 0;
  const MatrixReport report =
      run_matrix(options, [&](std::string_view name, const auto& cuts, const auto& complaints) {
        if (++shown > kViolationsShown) return;
        fmt::print("again: packstore_crash_matrix --scenario {} --cut {}\n", name, to_text(cuts));
        print_complaints(complaints);
        std::fflush(stdout);
      });
  print_table(report);
  const MatrixRow total = report.total();
  fmt::print("{} cuts, {} violations\n", total.cuts, total.violations);
  return total.cuts == 0 || total.violations != 0 ? 1 : 0;
}

}  // namespace
}  // namespace packstore::crash

int main(int count, char** values) {
  // Millions of stores are opened and closed: freed memory is kept, and SQLite counts none of it,
  // because threads would wait for each other over the counter.
  mallopt(M_MMAP_THRESHOLD, 1 << 28);
  mallopt(M_TRIM_THRESHOLD, 1 << 28);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  const auto arguments = packstore::crash::parse(count, values);
  if (!arguments) {
    fmt::print("{}", packstore::crash::kUsage);
    return 2;
  }
  return packstore::crash::run(*arguments);
}
