// One thread that finds work, and others that do it.
//
// 1. The calling thread produces jobs. It queues each one, or does it itself where the queue is
//    full: so it never waits, and one thread alone does everything without a queue.
// 2. The other threads take jobs from the queue; the producer joins them when it has no more to
// find.
// 3. The first error ends the work of all.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "packstore/result.h"

namespace packstore::store {

// Thread safety: any thread.
template <typename Job>
class JobQueue {
 public:
  explicit JobQueue(std::size_t capacity) : capacity_(capacity) {}

  // False, and `job` untouched: the queue is full. The error of abandon(), if that was called.
  Result<bool> try_push(Job& job) {
    const std::lock_guard lock(mutex_);
    if (error_) return *error_;
    if (jobs_.size() >= capacity_) return false;
    jobs_.push_back(std::move(job));
    changed_.notify_one();
    return true;
  }

  // Waits for a job; nullopt: there will be none any more.
  std::optional<Job> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !jobs_.empty() || closed_; });
    if (jobs_.empty()) return std::nullopt;
    std::optional<Job> job(std::move(jobs_.front()));
    jobs_.pop_front();
    return job;
  }

  // Nothing more will be pushed.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  // Ends the work: what is queued is forgotten.
  void abandon(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    jobs_.clear();
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;  // Held for the queue only, never while a job is done.
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closed_ = false;
  std::optional<Error> error_;
};

// Runs `produce(emit)`, where `emit(job)` hands a job on, and `worker.run(job)` for each job; every
// thread has a worker of its own from `make_worker()`.
template <typename Job, typename Produce, typename MakeWorker>
Status run_jobs(unsigned threads, const Produce& produce, const MakeWorker& make_worker) {
  JobQueue<Job> queue(threads > 1 ? 2 * std::size_t{threads} : 0);
  const auto work = [&](unsigned number) -> Status {
    auto worker = make_worker();
    const auto emit = [&](Job job) -> Status {
      ASSIGN_OR_RETURN(const bool queued, queue.try_push(job));
      return queued ? Status() : worker.run(job);
    };
    Status status;
    if (number == 0) {
      status = produce(emit);
      queue.close();
    }
    while (status) {
      std::optional<Job> job = queue.pop();
      if (!job) break;
      status = worker.run(*job);
    }
    if (!status) queue.abandon(status.error());
    return status;
  };
  return run_on_threads(threads, work, [&] {
    queue.abandon({ErrorCode::kCancelled, "a function of the caller has thrown"});
  });
}

}  // namespace packstore::store
