// Letting a step of an operation fail, or two, and looking at what the store still keeps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crash/scenario.h"
#include "crash/sim_disk.h"

namespace packstore::crash {

// How much of it: everything, or evenly spread about so many runs; which ones, says the seed.
struct FaultExtent {
  std::uint64_t seed = 0;
  std::uint64_t runs = UINT64_MAX;
};

struct FaultSurvey {
  std::uint64_t steps = 0;  // Of an undisturbed run.
  std::uint64_t runs = 0;
  std::vector<std::string> complaints = {};
};

// Each step fails in each way, once and from then on, and pairs of steps fail; then the disk is
// well again. The handle that saw it keeps every promise, whatever it says; so does a store opened
// afterwards, and one opened after a power cut, before and after the operation was tried again; and
// so do the stores that other processes, there before or coming later, have completed it in.
FaultSurvey fail_everywhere(const Scenario& scenario, const FaultExtent& extent);

// The same for chosen faults, whose steps count from the beginning of the operation.
FaultSurvey fail_at(const Scenario& scenario, const std::vector<Fault>& faults);

}  // namespace packstore::crash
