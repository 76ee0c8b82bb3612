#include "index/reader_pool.h"

#include <cstddef>

#include "base/error.h"

namespace packstore::index {
namespace {

// More than that stay open only while they are lent: each has descriptors and a cache of its own.
constexpr std::size_t kIdleMax = 16;

}  // namespace

Result<ReaderPool::Lease> ReaderPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::open(file_, Access::kRead));
  return Lease(*this, std::move(connection));
}

void ReaderPool::give_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  // Closing, as the parameter goes out of scope, happens after the mutex was released.
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(connection));
}

}  // namespace packstore::index
