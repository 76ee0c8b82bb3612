// What the tests of crash points say at their end.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "crash/crash_points.h"

namespace packstore::crash {

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

inline void expect_no_complaints(const Survey& survey) {
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(survey.complaints.size(), kShown); ++i) {
    ADD_FAILURE() << survey.complaints[i];
  }
  EXPECT_EQ(survey.complaints.size(), 0);
  fmt::print("{} steps, {} states survived\n", survey.steps, survey.states);
}

}  // namespace packstore::crash
