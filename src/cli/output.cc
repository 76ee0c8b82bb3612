#include "output.h"

#include <cerrno>

#include "files.h"

namespace packstore::cli {

void Output::write(std::string_view text) {
  if (failure_ || text.empty()) return;
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) note_failure();
}

void Output::line(std::string_view text) {
  write(text);
  write("\n");
}

Status Output::status() const {
  if (failure_) return *failure_;
  return {};
}

Status Output::finish() {
  errno = 0;
  if (!failure_ && std::fflush(stream_) != 0) note_failure();
  return status();
}

void Output::note_failure() { failure_ = system_error("standard output", "write", errno); }

}  // namespace packstore::cli
