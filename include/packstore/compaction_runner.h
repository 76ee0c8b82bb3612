// Carrying out plans: the runner schedules jobs on threads, an executor does them.
//
// The result does not depend on the number of threads: outputs are made side by side, and published
// in the order of the plan, one edit a job. After a crash or a cancellation whole jobs are done or
// not done at all; to resume is to plan again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "packstore/compaction.h"
#include "packstore/export.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

namespace packstore {

// A rate as arithmetic: whoever has a clock asks how long to wait. Any thread.
class PACKSTORE_EXPORT RateLimit {
 public:
  // As much as `burst_bytes` may go at once after a rest.
  RateLimit(double bytes_per_second, std::uint64_t burst_bytes)
      : bytes_per_second_(bytes_per_second),
        burst_seconds_(static_cast<double>(burst_bytes) / bytes_per_second) {}

  // Seconds to wait from `now`, in seconds since anything, until `bytes` may go. They count as
  // gone.
  double take(std::uint64_t bytes, double now);

 private:
  std::mutex mutex_;
  double bytes_per_second_;
  double burst_seconds_;
  double free_at_ = 0;  // When all that was taken has been paid for.
};

// What a job must ask now and then. Any thread.
class PACKSTORE_EXPORT JobControl {
 public:
  using Pace = std::function<void(std::uint64_t bytes)>;

  JobControl(std::stop_token stop, Pace pace_read, Pace pace_write)
      : stop_(std::move(stop)),
        pace_read_(std::move(pace_read)),
        pace_write_(std::move(pace_write)) {}

  // Before each block that is read or written. kCancelled: somebody asked to stop, or another job
  // failed; give up and leave nothing behind.
  Status before_read(std::uint64_t bytes) const { return pass(bytes, pace_read_); }
  Status before_write(std::uint64_t bytes) const { return pass(bytes, pace_write_); }

 private:
  Status pass(std::uint64_t bytes, const Pace& pace) const;

  std::stop_token stop_;
  Pace pace_read_;
  Pace pace_write_;
};

// What a job made and nobody can see yet. Destroying it without publishing removes it.
class PACKSTORE_EXPORT JobOutputs {
 public:
  virtual ~JobOutputs();
};

// docs/compaction.md, "Writing an executor", says what each kind of job asks for. What a call
// throws ends the plan: run_plan() throws it when its threads have ended. What was published stays.
class PACKSTORE_EXPORT JobExecutor {
 public:
  virtual ~JobExecutor();
  // Writes the outputs of `job`, of its inputs; an image of all that is published below it. Many
  // threads at once, each with a job of its own, begun in the order of the plan; beside publish().
  virtual Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job,
                                                   const JobControl& control) = 0;
  // Adds the outputs and forgets the inputs, but not those of an image, in one step that a crash
  // does not divide. One thread at a time, in the order of the plan, while others are in make().
  virtual Status publish(const CompactionJob& job, JobOutputs& outputs) = 0;
};

struct RunPlanOptions {
  unsigned threads = 1;
  RunControl control = {};  // Progress counts jobs.
  // Called with the bytes about to be read or written, by any thread; may wait, for as long as a
  // RateLimit says, because the runner has no clock. What it throws ends the plan as above.
  JobControl::Pace pace_read = {};
  JobControl::Pace pace_write = {};
};

// The first error in the order of the plan, after all jobs before it are published; kCancelled if
// asked to stop. kInvalidArgument: a job is to run after one that does not come before it.
PACKSTORE_EXPORT Status run_plan(const CompactionPlan& plan, JobExecutor& executor,
                                 const RunPlanOptions& options = {});

}  // namespace packstore
