// What the parts of one validation share: where findings go, what was counted, when to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "packstore/result.h"
#include "packstore/validate.h"

namespace packstore::store {

struct StoreCore;

// Thread safety: any thread, except take_report().
class ValidateRun {
 public:
  ValidateRun(const StoreCore& store, const ValidateOptions& options)
      : core_(store), options_(options) {}

  const StoreCore& core() const { return core_; }
  unsigned threads() const { return options_.threads; }
  bool rehashes_content() const { return options_.rehash_content; }
  bool shows_progress() const { return options_.control.on_progress != nullptr; }

  void report(Finding finding);

  // Success, and a finding, when the index is damaged: the rest of the store can still be looked
  // at. Only the first time: what follows is mostly the same damage. Other errors are given back.
  Status report_index_error(const Error& error);

  void count_packs(std::uint64_t packs) { packs_ += packs; }
  void count_objects(std::uint64_t objects) { objects_ += objects; }
  void count_content(std::uint64_t bytes) { content_bytes_ += bytes; }

  // `bytes` more will be gone through.
  void expect(std::uint64_t bytes) { bytes_total_ += bytes; }
  // `bytes` were gone through. kCancelled: a stop was requested.
  Status advance(std::uint64_t bytes);
  // Tells the watcher that everything was gone through.
  void show_end();

  // Takes what was found, in no particular order.
  ValidationReport take_report();

 private:
  void show_progress(std::uint64_t done);

  const StoreCore& core_;
  const ValidateOptions& options_;
  std::atomic<std::uint64_t> packs_{0};
  std::atomic<std::uint64_t> objects_{0};
  std::atomic<std::uint64_t> content_bytes_{0};
  std::atomic<std::uint64_t> bytes_total_{0};
  std::atomic<std::uint64_t> bytes_done_{0};

  std::mutex progress_mutex_;  // Held while the watcher is called: by one thread at a time.
  std::uint64_t bytes_shown_ = 0;

  std::mutex findings_mutex_;  // Guards what follows.
  std::vector<Finding> findings_;
  bool index_error_reported_ = false;
};

}  // namespace packstore::store
