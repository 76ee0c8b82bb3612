// Work in a process of its own, so that its peak of memory is its own.
#pragma once

#include <functional>

namespace packstore::compare {

struct ChildReport {
  double peak_mib = 0;  // Resident, libraries included.
  double value = 0;     // What the work returned.
};

// Forks, runs `work` in the child and waits for it. A child that fails stops the program. What this
// process has resident counts as the child's: call it while that is little, and without threads.
ChildReport run_in_child(const std::function<double()>& work);

}  // namespace packstore::compare
