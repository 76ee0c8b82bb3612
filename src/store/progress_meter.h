// How far a long call on one thread has come, told through its RunControl.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

namespace packstore::store {

// Thread safety: one thread at a time.
class ProgressMeter {
 public:
  // `control` and `phase` must outlive the meter.
  ProgressMeter(const RunControl& control, std::string_view phase)
      : control_(control), phase_(phase) {}

  // `bytes` more will be gone through.
  void expect(std::uint64_t bytes) { total_ += bytes; }

  // `bytes` were gone through. kCancelled: a stop was requested.
  Status advance(std::uint64_t bytes) {
    done_ += bytes;
    if (done_ - shown_ >= kStepBytes) show();
    if (!control_.stop.stop_requested()) return {};
    return fail(ErrorCode::kCancelled, "{}: stopped after {} bytes", phase_, done_);
  }

  // Tells the watcher where it stands.
  void show() {
    shown_ = done_;
    if (control_.on_progress) {
      control_.on_progress({phase_, done_, total_, ProgressUnit::kBytes});
    }
  }

 private:
  // Often enough for a progress bar, at the speed of a disk.
  static constexpr std::uint64_t kStepBytes = 8 << 20;

  const RunControl& control_;
  std::string_view phase_;
  std::uint64_t done_ = 0;
  std::uint64_t shown_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace packstore::store
