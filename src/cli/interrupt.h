// Ctrl-C as a stop token.
#pragma once

#include <stop_token>
#include <thread>

namespace packstore::cli {

// From now on the first SIGINT or SIGTERM is only noted; a second one ends the process, which the
// store survives like any other crash. Also makes a closed pipe an error of write instead of a
// signal. Called once, before any thread is started.
void install_signal_handlers();

// Whether a signal asked the program to stop.
bool interrupted();

// Triggers its stop token soon after the program was interrupted.
class StopOnInterrupt {
 public:
  StopOnInterrupt();

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread watcher_;
};

}  // namespace packstore::cli
