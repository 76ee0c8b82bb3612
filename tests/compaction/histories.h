// Workloads of the suite, made small.
#pragma once

#include <cstdlib>
#include <map>
#include <string>

#include "packstore/simulation.h"

namespace packstore {

// A part of the defined size, with as many flushes and cells. Generated once a test program.
inline const WriteHistory& small_history(const std::string& name, double scale = 1.0 / 128) {
  static std::map<std::pair<std::string, double>, WriteHistory> known;
  const auto found = known.find({name, scale});
  if (found != known.end()) return found->second;
  WriteHistory made = WriteHistory::generate(scale_workload({.name = name}, scale).value()).value();
  return known.emplace(std::pair(name, scale), std::move(made)).first->second;
}

inline PolicySizing sizing_of(const WriteHistory& history) {
  return {.file_bytes = history.file_bytes()};
}

// What a policy needed, as the budgets that another is held to.
inline CompactionBudgets budgets_of(const SimulationResult& row) {
  return {.read_amp_even = row.read_even.occupied,
          .read_amp_hot = row.read_hot.occupied,
          .read_amp_peak = row.read_peak,
          .space_amp = row.storage_amp};
}

inline CompactionBudgets tiered_budgets(const WriteHistory& history) {
  return budgets_of(simulate(history, *make_tiered_policy(sizing_of(history))).value());
}

}  // namespace packstore
