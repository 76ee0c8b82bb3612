// Whether a write transaction can go on.
//
// SQLite rolls back by itself after some errors (a full disk, a failed read). A statement behind
// such an error would run, and commit, on its own. So every call asks first whether the transaction
// is still there, and a change that failed is the transaction's answer from then on; rows that
// merely break a limit are no such failure.
#pragma once

#include <optional>

#include "base/error.h"
#include "index/connection.h"
#include "packstore/result.h"

namespace packstore::index {

class TransactionState {
 public:
  explicit TransactionState(Connection& connection) : connection_(connection) {}

  Connection& connection() { return connection_; }

  Status check_usable() const {
    if (failure_) return *failure_;
    if (connection_.in_transaction()) return {};
    return fail(ErrorCode::kIo, "index {}: the transaction was rolled back after an error",
                connection_.path());
  }

  template <typename T>
  Result<T> remember(Result<T> result) {
    if (!result) failure_ = result.error();
    return result;
  }

 private:
  Connection& connection_;
  std::optional<Error> failure_;
};

}  // namespace packstore::index
