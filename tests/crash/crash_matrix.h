// Very many power cuts: every scenario, every step, every way to lose what was not synced, one seed
// after the other; and, of some of the disks that they leave, the steps of the reopening.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crash/crash_points.h"

namespace packstore::crash {

struct MatrixOptions {
  // Ends after so many cuts, this time, or so many violations, whichever comes first.
  std::uint64_t cuts = 100'000;
  std::uint64_t violations = UINT64_MAX;
  std::optional<std::chrono::minutes> time = {};
  std::uint64_t seed = 1;     // The first one; each round over all steps takes the next.
  std::string scenario = {};  // Only this one.
  unsigned threads = 1;
};

struct MatrixRow {
  std::string scenario;
  std::uint64_t steps = 0;
  std::uint64_t cuts = 0;
  // Disks with different content, or under different promises. Equal ones have one future: it is
  // looked at once.
  std::uint64_t images = 0;
  std::chrono::nanoseconds time{0};  // Over all threads.
  std::uint64_t violations = 0;      // Images that broke a promise.
};

struct MatrixReport {
  std::vector<MatrixRow> rows = {};
  MatrixRow total() const;
};

// Told of each violation as it is found, one at a time: how to see it again, and what is wrong.
using OnViolation = std::function<void(std::string_view scenario, const std::vector<Cut>& cuts,
                                       const std::vector<std::string>& complaints)>;

MatrixReport run_matrix(const MatrixOptions& options, const OnViolation& on_violation);

// One cut, or two, looked at thoroughly; nullopt where there is no such place.
std::optional<std::vector<std::string>> look_at(std::string_view scenario,
                                                const std::vector<Cut>& cuts);

}  // namespace packstore::crash
