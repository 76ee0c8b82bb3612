// Mistakes made on purpose, to see that the checks of a simulation find them.
#pragma once

#include "compaction/simulated_outputs.h"

namespace packstore {

// Spoils `edit`; false where this job gives no opportunity for it.
bool make_fault(SimulatedFault fault, const CompactionJob& job, const WriteHistory::Data& history,
                const LayerSet& layers, LayerEdit& edit);

}  // namespace packstore
