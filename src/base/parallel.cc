#include "base/parallel.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"

namespace packstore {

Status run_on_threads(unsigned workers, const std::function<Status(unsigned worker)>& work) {
  workers = std::max(workers, 1U);
  std::vector<Status> statuses(workers);
  {
    std::vector<std::jthread> threads;
    threads.reserve(workers - 1);
    for (unsigned worker = 1; worker < workers; ++worker) {
      try {
        threads.emplace_back([&, worker] { statuses[worker] = work(worker); });
      } catch (const std::system_error&) {
        break;  // Fewer threads than asked for do the same work.
      }
    }
    statuses[0] = work(0);
  }
  for (Status& status : statuses) RETURN_IF_ERROR(std::move(status));
  return {};
}

}  // namespace packstore
