// Whether this is still the process that something was made in. fork() copies every object into the
// child, open files and their locks are shared, and destructors run twice: only the process that
// made a thing may write through it, and clean up behind it.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "packstore/result.h"

namespace packstore::io {

class HomeProcess {
 public:
  HomeProcess();

  bool is_here() const;

  // kInvalidArgument: this is another process; the message says that `what` must be opened again.
  Status check(std::string_view what) const;

 private:
  pid_t pid_;
};

}  // namespace packstore::io
