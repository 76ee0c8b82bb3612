// Threads that live no longer than the call that asked for them.
#pragma once

#include <functional>

#include "packstore/result.h"

namespace packstore {

// Runs `work(worker)` on `workers` threads, the calling one among them, and joins them all. Returns
// the error of the lowest-numbered worker that had one. `work` must itself notice when to give up.
Status run_on_threads(unsigned workers, const std::function<Status(unsigned worker)>& work);

}  // namespace packstore
