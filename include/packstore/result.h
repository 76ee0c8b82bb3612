// How every call reports: a value or an Error, never an exception of ours.
//
// Result<T> has the member names of std::expected, so that code written against it reads the same
// once the standard type is everywhere. Absence is an answer, not an error: calls that ask
// *whether* return bool or optional inside the Result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "packstore/export.h"

namespace packstore {

// One code for each thing that a caller can do about a failure.
enum class ErrorCode : std::uint8_t {
  kNotFound = 1,     // What was named is not there.
  kCorrupt,          // Bytes on disk are not what they claim to be.
  kConflict,         // Somebody else was first; look again and decide again.
  kBusy,             // A lock was not free in time; the message names its holder.
  kInvalidArgument,  // The call itself is wrong; nothing was touched.
  kUnsupported,      // A newer or foreign format, or a codec that is not built in.
  kNoSpace,          // Disk, quota or descriptors are used up.
  kCancelled,        // The caller's stop token was triggered.
  kIo,               // The operating system refused; the message carries its reason.
};

// The code's name as the command line prints it: "not found", "corrupt", ...
PACKSTORE_EXPORT std::string_view to_string(ErrorCode code);

// What went wrong. `message` names the place, the claim and the limit.
struct Error {
  ErrorCode code = ErrorCode::kIo;
  std::string message = {};
};

namespace detail {
// Throws std::runtime_error with the error's text; aborts in a library built without exceptions.
[[noreturn]] PACKSTORE_EXPORT void throw_bad_result(const Error& error);
}  // namespace detail

// A T or an Error. Thread safety: as T.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // The value; throws std::runtime_error with the error's text where there is none.
  T& value() & {
    require_value();
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    require_value();
    return *std::get_if<0>(&state_);
  }
  // By value, so that `for (x : call().value())` keeps what it walks over.
  T value() && {
    require_value();
    return std::move(*std::get_if<0>(&state_));
  }

  // The value, unchecked: the caller has asked has_value().
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  // The error, unchecked: the caller has asked has_value().
  Error& error() & { return *std::get_if<1>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  template <typename U>
  T value_or(U&& fallback) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  void require_value() const {
    if (!has_value()) detail::throw_bad_result(error());
  }

  std::variant<T, Error> state_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }

  // Does nothing on success; throws std::runtime_error with the error's text otherwise.
  void value() const {
    if (error_) detail::throw_bad_result(*error_);
  }

  // The error, unchecked: the caller has asked has_value().
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace packstore
