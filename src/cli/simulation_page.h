// The report on simulations: one HTML file that needs nothing else.
#pragma once

#include <map>
#include <span>
#include <string>

#include "simulation_recording.h"

namespace packstore::cli {

struct SimulationPage {
  std::string title;
  std::span<const SimulationResult> rows;
  const std::map<SuiteRecorder::RunName, RunRecording>& recordings;
};

// The table of all rows; for each workload, amplification over time; and the layers over keys and
// LSNs after every flush, as a picture that moves. The table can be read without scripts.
std::string draw_simulation_page(const SimulationPage& page);

// The parts of the page that never change, simulation_page_parts.cc.
extern const char* const kSimulationPageStyle;
extern const char* const kSimulationPageScript;

}  // namespace packstore::cli
