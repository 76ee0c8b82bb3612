#include "packstore/result.h"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace packstore {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kNoSpace:
      return "no space";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kIo:
      return "i/o error";
  }
  return "unknown";
}

namespace detail {

void throw_bad_result(const Error& error) {
  const std::string text = std::string(to_string(error.code)) + ": " + error.message;
#if defined(__cpp_exceptions)
  throw std::runtime_error(text);
#else
  std::fputs(text.c_str(), stderr);
  std::abort();
#endif
}

}  // namespace detail

}  // namespace packstore
