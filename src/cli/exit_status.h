// What the program tells the shell, and how its own errors are made.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

#include "packstore/result.h"

namespace packstore::cli {

enum class ExitStatus : std::uint8_t {
  kOk = 0,
  kFindings = 1,  // The answer is no: absent, not found, or damage was found.
  kUsage = 2,     // The command line is wrong; nothing was touched.
  kError = 3,     // It could not be done.
};

// The status of a command that ended with an error of `code`.
inline ExitStatus exit_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return ExitStatus::kFindings;
    case ErrorCode::kInvalidArgument:
      return ExitStatus::kUsage;
    default:
      return ExitStatus::kError;
  }
}

template <typename... Args>
Error fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace packstore::cli
