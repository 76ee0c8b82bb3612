#include "base/parallel.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"

namespace packstore {

Status run_on_threads(unsigned workers, const std::function<Status(unsigned worker)>& work,
                      const std::function<void()>& on_throw) {
  workers = std::max(workers, 1U);
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
  {
    std::vector<std::jthread> threads;
    threads.reserve(workers - 1);
    for (unsigned worker = 1; worker < workers; ++worker) {
      try {
        threads.emplace_back(run, worker);
      } catch (const std::system_error&) {
        break;  // Fewer threads than asked for do the same work.
      }
    }
    run(0);
  }
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
  for (Status& status : statuses) RETURN_IF_ERROR(std::move(status));
  return {};
}

}  // namespace packstore
