// Prints the table of docs/compaction.md: every workload with every policy.
//
//   packstore_compaction_suite [TRACE...]
//
// Each TRACE is an unpacked page write trace; it is simulated with flushes of 4 and of 8 MiB. What
// goes to standard output is the same for the same seed; times go to standard error.
#include <packstore/simulation.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int print_table(int argc, char** argv) {
  std::vector<packstore::WriteHistory> traces;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    for (const unsigned mebibytes : {4U, 8U}) {
      traces.push_back(
          packstore::WriteHistory::from_trace(packstore::as_bytes(bytes),
                                              {.name = "trace" + std::to_string(mebibytes),
                                               .file_bytes = std::uint64_t{mebibytes} << 20})
              .value());
    }
  }
  packstore::SuiteOptions options;
  for (const packstore::WriteHistory& trace : traces) options.traces.push_back(&trace);
  options.threads = std::max(std::thread::hardware_concurrency(), 1U);
  options.clock = seconds_now;
  const double begin = seconds_now();
  const auto rows = packstore::run_suite(options).value();
  std::fputs(packstore::print_suite(rows).c_str(), stdout);
  double simulated = 0;
  double records = 0;
  for (const packstore::SimulationResult& row : rows) {
    simulated += row.seconds;
    records += static_cast<double>(row.records);
  }
  std::fprintf(stderr,
               "%.1f s in all; %.1f million records a second and thread, generation apart\n",
               seconds_now() - begin, records / simulated / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return print_table(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
