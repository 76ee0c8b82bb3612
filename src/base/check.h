// Checks of promises between our own functions. Bad data is never a check: it is an Error.
#pragma once

namespace packstore {

// Prints the broken promise and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* claim);

}  // namespace packstore

// One fact per line. Stays on in release builds: it costs a compare, and a store that goes on after
// a broken promise may write what it must not.
#define PACKSTORE_CHECK(claim)                               \
  do {                                                       \
    if (!(claim)) [[unlikely]] {                             \
      ::packstore::check_failed(__FILE__, __LINE__, #claim); \
    }                                                        \
  } while (false)
