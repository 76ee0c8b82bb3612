#include "io/home_process.h"

#include <unistd.h>

#include "base/error.h"

namespace packstore::io {

HomeProcess::HomeProcess() : pid_(::getpid()) {}

bool HomeProcess::is_here() const { return ::getpid() == pid_; }

Status HomeProcess::check(std::string_view what) const {
  if (is_here()) return {};
  return fail(ErrorCode::kInvalidArgument,
              "{}: opened by process {}, and this is {}: open it again after fork()", what, pid_,
              ::getpid());
}

}  // namespace packstore::io
