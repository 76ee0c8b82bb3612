#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"

namespace packstore {
namespace {

// Of more workers, as of hardware_concurrency() - 1 where nobody knows it, only so many are run.
constexpr unsigned kWorkersMax = 1U << 16;

}  // namespace

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

Status run_on_shares(unsigned threads, std::size_t count,
                     const std::function<Status(std::size_t first, std::size_t end)>& work) {
  const std::size_t shares_max = std::clamp<std::size_t>(count, 1, kThreadsMax);
  const std::size_t shares = std::clamp<std::size_t>(threads, 1, shares_max);
  return run_on_threads(static_cast<unsigned>(shares), [&](unsigned share) {
    return work(count * share / shares, count * (share + 1) / shares);
  });
}

}  // namespace packstore
