// The work that is measured. Each workload runs its rounds in a directory of its own, which it
// empties again, and adds what it measured to the results.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "compare/results.h"

namespace packstore::compare {

struct RunOptions {
  std::size_t small_objects = 100'000;     // Of 1 to 10 KiB.
  std::size_t large_objects = 2'000;       // Of 1 MiB.
  std::size_t memory_objects = 1'000'000;  // Of 20 to 400 bytes.
  std::size_t rounds = 3;
  std::filesystem::path directory = "compare-data";
  std::vector<std::string> engines;    // Empty: all.
  std::vector<std::string> workloads;  // Empty: all.
};

// "small" and "large": batch put, reads, validation, removal.
void run_small(const RunOptions& options, Results& results);
void run_large(const RunOptions& options, Results& results);

// "single": one durable put at a time, from 1 and from 16 threads.
void run_single(const RunOptions& options, Results& results);

// "memory": peak memory of each operation on many small objects, and the time to open their store.
// Forks, so it must run before this process has grown.
void run_memory(const RunOptions& options, Results& results);

// The names of the engines that `options` ask for, in the order of the tables.
std::vector<std::string_view> chosen_engines(const RunOptions& options);

// Tells whoever waits at the terminal what is going on.
void announce(std::string_view what);

}  // namespace packstore::compare
