// Threads that live no longer than the call that asked for them.
#pragma once

#include <cstddef>
#include <functional>

#include "packstore/result.h"

namespace packstore {

// No machine has use for more at once.
inline constexpr unsigned kThreadsMax = 1024;

// Runs `work(worker)` once for each of `workers`, 0 on the calling thread and the others beside it,
// on a thread of its own each. Where there are more than kThreadsMax, or the system starts fewer,
// some wait for a thread. Returns when all have ended, with the error of the lowest-numbered worker
// that had one. `work` must itself notice when to give up.
//
// What a worker throws, because a function of the caller does, is thrown by this call after all
// have ended, that of the lowest-numbered one. `on_throw` is called by that worker at once, and
// sees to it that no other one waits for it.
Status run_on_threads(unsigned workers, const std::function<Status(unsigned worker)>& work,
                      const std::function<void()>& on_throw = {});

// Divides `count` items into shares of neighbours, as many as there are threads and no more than
// items, and runs `work(first, end)` for each of them as above.
Status run_on_shares(unsigned threads, std::size_t count,
                     const std::function<Status(std::size_t first, std::size_t end)>& work);

}  // namespace packstore
