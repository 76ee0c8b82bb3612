#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "packstore/compaction_runner.h"

namespace packstore {

JobOutputs::~JobOutputs() = default;
JobExecutor::~JobExecutor() = default;

double RateLimit::take(std::uint64_t bytes, double now) {
  const std::lock_guard lock(mutex_);
  free_at_ = std::max(free_at_, now - burst_seconds_);
  free_at_ += static_cast<double>(bytes) / bytes_per_second_;
  return std::max(free_at_ - now, 0.0);
}

Status JobControl::pass(std::uint64_t bytes, const Pace& pace) const {
  if (stop_.stop_requested()) return fail(ErrorCode::kCancelled, "compaction: stopped");
  if (!pace) return {};
  pace(bytes);
  if (!stop_.stop_requested()) return {};
  return fail(ErrorCode::kCancelled, "compaction: stopped while it waited");
}

namespace {

// Jobs are begun in the order of the plan, so whatever a job waits for is published, or in the
// hands of a thread that does not wait for this one.
class Run {
 public:
  Run(const CompactionPlan& plan, JobExecutor& executor, const RunPlanOptions& options)
      : plan_(plan), executor_(executor), options_(options), made_(plan.jobs.size()) {}

  Status work() {
    const JobControl control(stop_.get_token(), options_.pace_read, options_.pace_write);
    for (;;) {
      const std::size_t job = next_job_++;
      if (job >= plan_.jobs.size() || !wait_for_inputs(job)) return {};
      Result<std::unique_ptr<JobOutputs>> made = executor_.make(plan_.jobs[job], control);
      std::unique_lock lock(mutex_);
      made_[job].emplace(std::move(made));
      publish_in_order(lock);
    }
  }

  std::stop_source& stop() { return stop_; }

  // A thread has been left by an exception of the executor: nobody waits for it.
  void abandon() {
    stop_.request_stop();
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

  Status finish() {
    if (!status_.has_value()) return std::move(status_);
    if (published_ == plan_.jobs.size()) return {};
    return fail(ErrorCode::kCancelled, "compaction: stopped after {} of {} jobs", published_,
                plan_.jobs.size());
  }

 private:
  bool wait_for_inputs(std::size_t job) {
    const auto& after = plan_.jobs[job].after;
    const std::size_t needed = after.empty() ? 0 : std::ranges::max(after) + std::size_t{1};
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return published_ >= needed || has_ended(); });
    return !has_ended();
  }

  bool has_ended() const { return stop_.stop_requested() || !status_.has_value(); }

  // By whoever finds nobody at it. The mutex is not held during an edit, which may wait for a disk:
  // the other threads make outputs meanwhile, and leave them to the one that publishes.
  void publish_in_order(std::unique_lock<std::mutex>& lock) {
    if (is_publishing_) return;
    is_publishing_ = true;
    while (published_ < made_.size() && made_[published_] && status_.has_value()) {
      const std::size_t job = published_;
      Result<std::unique_ptr<JobOutputs>> made = *std::exchange(made_[job], std::nullopt);
      lock.unlock();
      Status status = publish(job, std::move(made));
      lock.lock();
      status_ = std::move(status);
      if (status_.has_value()) ++published_;
      changed_.notify_all();
    }
    is_publishing_ = false;
  }

  Status publish(std::size_t job, Result<std::unique_ptr<JobOutputs>> made) {
    Status status = made.has_value() ? executor_.publish(plan_.jobs[job], **made)
                                     : Status(std::move(made).error());
    if (!status.has_value()) {
      stop_.request_stop();
    } else if (options_.control.on_progress) {
      options_.control.on_progress({.phase = "compact",
                                    .done = job + 1,
                                    .total = plan_.jobs.size(),
                                    .unit = ProgressUnit::kObjects});
    }
    return status;
  }

  const CompactionPlan& plan_;
  JobExecutor& executor_;
  const RunPlanOptions& options_;
  std::stop_source stop_;
  std::atomic<std::size_t> next_job_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<Result<std::unique_ptr<JobOutputs>>>> made_;
  std::size_t published_ = 0;
  bool is_publishing_ = false;
  Status status_;
};

Status check_order(const CompactionPlan& plan) {
  for (std::size_t job = 0; job < plan.jobs.size(); ++job) {
    for (const std::uint32_t before : plan.jobs[job].after) {
      if (before < job) continue;
      return fail(ErrorCode::kInvalidArgument, "plan: job {} is to run after job {}", job, before);
    }
  }
  return {};
}

}  // namespace

Status run_plan(const CompactionPlan& plan, JobExecutor& executor, const RunPlanOptions& options) {
  RETURN_IF_ERROR(check_order(plan));
  Run run(plan, executor, options);
  {
    const std::stop_callback stop_too(options.control.stop, [&] { run.stop().request_stop(); });
    RETURN_IF_ERROR(run_on_threads(
        options.threads, [&](unsigned) { return run.work(); }, [&] { run.abandon(); }));
  }
  return run.finish();
}

}  // namespace packstore
