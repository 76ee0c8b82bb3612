#include "store/validate_run.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace packstore::store {
namespace {

// Often enough for a progress bar, seldom enough to cost nothing.
constexpr std::uint64_t kShowBytes = 4 << 20;

}  // namespace

void ValidateRun::report(Finding finding) {
  const std::lock_guard lock(findings_mutex_);
  findings_.push_back(std::move(finding));
}

Status ValidateRun::report_index_error(const Error& error) {
  if (error.code != ErrorCode::kCorrupt) return error;
  const std::lock_guard lock(findings_mutex_);
  if (index_error_reported_) return {};
  index_error_reported_ = true;
  findings_.push_back({.kind = FindingKind::kIndexDamaged, .message = error.message});
  return {};
}

Status ValidateRun::advance(std::uint64_t bytes) {
  const std::uint64_t done = bytes_done_ += bytes;
  if (options_.control.stop.stop_requested()) {
    return fail(ErrorCode::kCancelled, "validation was stopped after {} bytes", done);
  }
  if (shows_progress()) show_progress(done);
  return {};
}

void ValidateRun::show_progress(std::uint64_t done) {
  const std::lock_guard lock(progress_mutex_);
  if (done < bytes_shown_ + kShowBytes) return;
  bytes_shown_ = done;
  // The totals are of one moment, and the store may grow.
  const std::uint64_t total = std::max<std::uint64_t>(bytes_total_, done);
  options_.control.on_progress(
      {.phase = "validate", .done = done, .total = total, .unit = ProgressUnit::kBytes});
}

void ValidateRun::show_end() {
  if (!shows_progress()) return;
  const std::lock_guard lock(progress_mutex_);
  const std::uint64_t done = bytes_done_;
  options_.control.on_progress(
      {.phase = "validate", .done = done, .total = done, .unit = ProgressUnit::kBytes});
}

ValidationReport ValidateRun::take_report() {
  return {.findings = std::move(findings_),
          .objects = objects_,
          .content_bytes = content_bytes_,
          .packs = packs_};
}

}  // namespace packstore::store
