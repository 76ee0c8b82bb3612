// What was measured, for people, for programs, and as a picture.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/results.h"

namespace packstore::compare {

// One goal of the library, and how far it was reached.
struct Verdict {
  std::string title;
  double measured = 0;
  double goal = 0;
  bool at_least = true;  // Else the goal is a limit.

  bool is_reached() const { return at_least ? measured >= goal : measured <= goal; }
  // 1 is exactly the goal, more is better.
  double attainment() const { return at_least ? measured / goal : goal / measured; }
};

// One verdict for each goal whose rows were measured.
std::vector<Verdict> judge(const Results& results);

struct Facts {
  std::string machine;
  std::string versions;
  std::string command;
};

// Both as Markdown: the rows with a column for each engine, and the goals.
std::string table_of_rows(const Results& results);
std::string table_of_goals(const std::vector<Verdict>& verdicts);

std::string to_json(const Facts& facts, const Results& results,
                    const std::vector<Verdict>& verdicts);

// A bar for each goal, as long as the share of it that was reached, on a logarithmic scale.
std::string to_svg(const Facts& facts, const std::vector<Verdict>& verdicts);

}  // namespace packstore::compare
