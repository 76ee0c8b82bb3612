// A counter in a file that all processes map.
#pragma once

#include <memory>
#include <string>

#include "io/file.h"
#include "io/posix_call.h"

namespace packstore::io {

class PosixCounter final : public SharedCounter {
 public:
  // Maps the counter in `fd`, an empty file or one that map() has made a counter before.
  // kCorrupt: it is something else.
  static Result<std::unique_ptr<SharedCounter>> map(OwnedFd fd, const std::string& path);
  ~PosixCounter() override;

  PosixCounter(const PosixCounter&) = delete;
  PosixCounter& operator=(const PosixCounter&) = delete;

 private:
  explicit PosixCounter(void* page) : page_(page) {}
  std::atomic<std::uint64_t>& value() const override;

  void* page_;
};

}  // namespace packstore::io
