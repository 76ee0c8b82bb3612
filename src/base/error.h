// Making and passing on errors.
#pragma once

#include <fmt/core.h>

#include <utility>

#include "packstore/result.h"

namespace packstore {

// An Error whose message names the place, the claim and the limit:
//   return fail(ErrorCode::kCorrupt, "pack {} at {}: record claims {} bytes, limit {}", ...);
template <typename... Args>
Error fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace packstore

// Ends the calling function with the error of `expression`, a Result or Status, if it has one.
#define RETURN_IF_ERROR(expression)                          \
  do {                                                       \
    if (auto status_ = (expression); !status_.has_value()) { \
      return ::packstore::Error(std::move(status_).error()); \
    }                                                        \
  } while (false)

// Declares or assigns `target` from the value of `expression`, a Result, or ends the function with
// its error: ASSIGN_OR_RETURN(const bool known, store.contains(id));
#define ASSIGN_OR_RETURN(target, expression) \
  PACKSTORE_ASSIGN_(PACKSTORE_JOIN_(result_, __LINE__), target, expression)
#define PACKSTORE_JOIN_(a, b) PACKSTORE_JOIN_AGAIN_(a, b)
#define PACKSTORE_JOIN_AGAIN_(a, b) a##b
#define PACKSTORE_ASSIGN_(result, target, expression)                            \
  auto result = (expression);                                                    \
  if (!result.has_value()) return ::packstore::Error(std::move(result).error()); \
  target = std::move(*result)
