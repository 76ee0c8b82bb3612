// Cutting the power at every step of an operation, in every way, and looking at what is left.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "crash/world.h"

namespace packstore::crash {

struct Scenario {
  std::string name;
  // Makes the store that the operation meets; left out, there is none.
  std::function<Status(World&)> prepare = {};
  // The operation. Done again after a crash or an error, it completes.
  std::function<Status(World&)> act = {};
  // A crash may leave a store that opens after recover() only, as the one before it did.
  bool opens_after_recovery = false;
};

// All operations of a store.
std::vector<Scenario> scenarios();

struct Survey {
  std::uint64_t steps = 0;   // Of an undisturbed run.
  std::uint64_t states = 0;  // Disks that were looked at.
  std::vector<std::string> complaints = {};
};

// How much of the operation is looked at: everything, or evenly spread over its steps about so many
// states, which ones says the seed.
struct Extent {
  std::uint64_t seed = 0;
  std::uint64_t states = UINT64_MAX;
};

// The power goes before each step of the operation, and at its end, and what is left is opened.
Survey cut_power_everywhere(const Scenario& scenario, const Extent& extent);

// Each step fails, once and from then on, in each way; then the disk is well again.
Survey fail_everywhere(const Scenario& scenario, const Extent& extent);

}  // namespace packstore::crash
