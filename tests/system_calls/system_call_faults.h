// System calls of this program that fail on request: those of the library's own files and of
// SQLite's. The functions of the C library are replaced by ones that count, and sometimes refuse.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace packstore::testing {

struct SystemCallFault {
  enum class Kind : std::uint8_t {
    kError,      // Nothing is done.
    kShort,      // A transfer moves half of its bytes; other calls succeed.
    kErrorDone,  // It is done, and reported as failed.
  };
  std::uint64_t call = 0;  // Counted from 1.
  Kind kind = Kind::kError;
  int error = 0;
  bool for_good = false;  // Every call from `call` on.
};

// While one lives, calls of every thread are counted, and meet the fault. One at a time.
class SystemCallFaults {
 public:
  explicit SystemCallFaults(std::optional<SystemCallFault> fault = {});
  ~SystemCallFaults();
  SystemCallFaults(const SystemCallFaults&) = delete;
  SystemCallFaults& operator=(const SystemCallFaults&) = delete;

  std::uint64_t calls() const;
  // What the first faulty call was: "pwritev". Empty when none was reached.
  std::string first_faulty() const;
};

}  // namespace packstore::testing
