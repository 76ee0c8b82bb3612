// Threads that live no longer than the call that asked for them.
#pragma once

#include <functional>

#include "packstore/result.h"

namespace packstore {

// Runs `work(worker)` on `workers` threads, the calling one among them, and joins them all. Returns
// the error of the lowest-numbered worker that had one. `work` must itself notice when to give up.
//
// What a worker throws, because a function of the caller does, is thrown by this call after all
// have ended, that of the lowest-numbered one. `on_throw` is called by that worker at once, and
// sees to it that no other one waits for it.
Status run_on_threads(unsigned workers, const std::function<Status(unsigned worker)>& work,
                      const std::function<void()>& on_throw = {});

}  // namespace packstore
