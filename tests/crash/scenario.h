// An operation, and the store that it meets.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "crash/world.h"

namespace packstore::crash {

struct Scenario {
  std::string name;
  ReferenceCounts counts = ReferenceCounts::kNone;
  // Makes the store that the operation meets; left out, there is none.
  std::function<Status(World&)> prepare = {};
  // The operation. Done again after a crash or an error, it completes.
  std::function<Status(World&)> act = {};
  // A crash may leave a store that opens after recover() only, as the one before it did.
  bool opens_after_recovery = false;
};

// For reports of tests.
inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

// All operations of a store.
std::vector<Scenario> scenarios();
// The one of that name, which is there.
Scenario find_scenario(std::string_view name);

// Makes the store that the operation meets.
Status prepare(const Scenario& scenario, World& world);

// By itself, or where the operation is a recovery after another one.
Status reopen(const Scenario& scenario, World& world);

}  // namespace packstore::crash
