// packstore_compare: the same work done by packstore and by other storage engines.
//
// 1. Read the command line.
// 2. Run the workloads that it asks for; what they measure gathers in one Results.
// 3. Judge the goals, print both tables, write the files that were asked for.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "compare/engine.h"
#include "compare/report.h"
#include "compare/system.h"
#include "compare/workloads.h"

namespace packstore::compare {

namespace {

constexpr std::string_view kHelp =
    R"(packstore_compare [FLAG VALUE]...
  --small N       objects of 1 to 10 KiB (100000)
  --large N       objects of 1 MiB (2000)
  --million N     objects of 20 to 400 bytes of the workload "memory" (1000000)
  --rounds N      rounds of everything but "memory" (3)
  --dir D         where the data goes, about 20 GB; what is there is emptied (compare-data)
  --only LIST     workloads: memory, single, small, large; separated by commas (all)
  --engines LIST  packstore, rocksdb, lmdb, sqlite, libgit2, files; separated by commas (all)
  --json FILE     write every round's values
  --svg FILE      draw the goals
)";

struct Workload {
  std::string_view name;
  void (*run)(const RunOptions&, Results&);
};

// "memory" is first because it forks, and the others grow this process.
constexpr std::array kWorkloads{Workload{"memory", run_memory}, Workload{"single", run_single},
                                Workload{"small", run_small}, Workload{"large", run_large}};

struct CommandLine {
  RunOptions run;
  std::string json;
  std::string svg;
  std::string text;
};

std::size_t parse_count(std::string_view flag, std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count == 0) {
    stop(fmt::format("{} wants a number above 0, not \"{}\"", flag, text));
  }
  return count;
}

std::vector<std::string> parse_list(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t comma = text.find(',');
    names.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    text.remove_prefix(comma + 1);
  }
}

void parse_flag(std::string_view flag, std::string_view value, CommandLine& line) {
  if (flag == "--small") {
    line.run.small_objects = parse_count(flag, value);
  } else if (flag == "--large") {
    line.run.large_objects = parse_count(flag, value);
  } else if (flag == "--million") {
    line.run.memory_objects = parse_count(flag, value);
  } else if (flag == "--rounds") {
    line.run.rounds = parse_count(flag, value);
  } else if (flag == "--dir") {
    line.run.directory = value;
  } else if (flag == "--only") {
    line.run.workloads = parse_list(value);
  } else if (flag == "--engines") {
    line.run.engines = parse_list(value);
  } else if (flag == "--json") {
    line.json = value;
  } else if (flag == "--svg") {
    line.svg = value;
  } else {
    stop(fmt::format("no flag is called {}; --help lists them", flag));
  }
}

bool is_one_of(std::string_view name, std::span<const std::string> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A name that nothing has would silently measure nothing.
template <typename Known>
void check_names(std::span<const std::string> asked, std::string_view what, const Known& is_known) {
  for (const std::string& name : asked) {
    if (!is_known(name)) stop(fmt::format("no {} is called \"{}\"", what, name));
  }
}

CommandLine parse(std::span<char*> arguments) {
  CommandLine line;
  line.text = "packstore_compare";
  for (char* const argument : arguments) line.text += std::string(" ") + argument;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) stop(fmt::format("{} wants a value", arguments[i]));
    parse_flag(arguments[i], arguments[i + 1], line);
  }
  check_names(line.run.workloads, "workload", [](std::string_view name) {
    return std::any_of(kWorkloads.begin(), kWorkloads.end(),
                       [name](const Workload& workload) { return workload.name == name; });
  });
  check_names(line.run.engines, "engine", [](std::string_view name) {
    const auto names = engine_names();
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  return line;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) stop("cannot write " + path);
}

void run(const CommandLine& line) {
  std::filesystem::create_directories(line.run.directory);
  const Facts facts{describe_machine(line.run.directory), engine_versions(), line.text};
  Results results;
  for (const Workload& workload : kWorkloads) {
    if (!line.run.workloads.empty() && !is_one_of(workload.name, line.run.workloads)) continue;
    workload.run(line.run, results);
  }
  const std::vector<Verdict> verdicts = judge(results);
  fmt::print(
      "{}\n{}\n{}\n\nMedians of the rounds. (2.00x): packstore is twice as good, as the median of "
      "the rounds' ratios.\n\n{}\n{}",
      facts.command, facts.machine, facts.versions, table_of_rows(results),
      table_of_goals(verdicts));
  if (!line.json.empty()) write_file(line.json, to_json(facts, results, verdicts));
  if (!line.svg.empty()) write_file(line.svg, to_svg(facts, verdicts));
}

}  // namespace

void announce(std::string_view what) { fmt::print(stderr, "{}\n", what); }

std::vector<std::string_view> chosen_engines(const RunOptions& options) {
  std::vector<std::string_view> chosen;
  for (const std::string_view name : engine_names()) {
    if (options.engines.empty() || is_one_of(name, options.engines)) chosen.push_back(name);
  }
  return chosen;
}

}  // namespace packstore::compare

int main(int argc, char** argv) {
  using namespace packstore::compare;
  const std::span<char*> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  if (!arguments.empty() && std::string_view(arguments.front()) == "--help") {
    fmt::print("{}", kHelp);
    return 0;
  }
  try {
    run(parse(arguments));
  } catch (const std::exception& error) {
    stop(error.what());
  }
}
