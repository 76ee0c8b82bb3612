#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"

namespace packstore {

Status run_on_threads(unsigned workers, const std::function<Status(unsigned worker)>& work,
                      const std::function<void()>& on_throw) {
  workers = std::clamp(workers, 1U, kWorkersMax);
  std::vector<Status> statuses(workers);
  std::vector<std::exception_ptr> thrown(workers);
  const auto run = [&](unsigned worker) {
    try {
      statuses[worker] = work(worker);
    } catch (...) {
      thrown[worker] = std::current_exception();
      if (on_throw) on_throw();
    }
  };
  std::atomic<unsigned> next = 1;
  const auto run_the_next = [&] {
    for (unsigned worker = next++; worker < workers; worker = next++) run(worker);
  };
  {
    const unsigned others = std::min(workers, kThreadsMax) - 1;
    std::vector<std::jthread> threads;
    threads.reserve(others);
    while (threads.size() < others) {
      try {
        threads.emplace_back(run_the_next);
      } catch (const std::system_error&) {
        break;  // Fewer threads than asked for do the same work.
      }
    }
    run(0);
    run_the_next();
  }
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
  for (Status& status : statuses) RETURN_IF_ERROR(std::move(status));
  return {};
}

}  // namespace packstore
