#include "compare/child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "compare/content.h"

namespace packstore::compare {

ChildReport run_in_child(const std::function<double()>& work) {
  std::array<int, 2> channel{};
  if (::pipe(channel.data()) != 0) stop("pipe failed");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) stop("fork failed");
  if (child == 0) {
    const double value = work();
    const bool told = ::write(channel[1], &value, sizeof value) == sizeof value;
    ::_exit(told ? 0 : 1);
  }
  ::close(channel[1]);
  ChildReport report;
  const bool heard = ::read(channel[0], &report.value, sizeof report.value) == sizeof report.value;
  ::close(channel[0]);
  int status = 0;
  struct rusage usage {};
  if (::wait4(child, &status, 0, &usage) != child || status != 0 || !heard) {
    stop("the work in a child process failed");
  }
  report.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB.
  return report;
}

}  // namespace packstore::compare
