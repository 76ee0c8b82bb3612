// How far long work has come, drawn on a terminal.
#pragma once

#include <chrono>
#include <string>

#include "packstore/run_control.h"

namespace packstore::cli {

// Draws one line on standard error and draws it again in place, about ten times a second at most.
// Where standard error is no terminal it draws nothing, so that logs stay readable.
//
// Thread safety: one thread at a time.
class ProgressBar {
 public:
  ProgressBar();

  void update(const Progress& progress);
  // Leaves an empty line, for what is printed next.
  void clear();

 private:
  bool is_terminal_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point drawn_at_;
};

// The line, without line end: "pack      [######------]  50%  5 of 10 objects".
std::string draw_progress(const Progress& progress);

}  // namespace packstore::cli
