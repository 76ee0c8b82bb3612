// Connections for reading, each with its prepared statements, lent to one thread at a time.
//
// Thread safety: any thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "index/connection.h"
#include "packstore/result.h"

namespace packstore::index {

class ReaderPool {
 public:
  // A borrowed connection; dropping it gives it back. Holds no transaction between two uses, so an
  // idle reader never keeps the write-ahead log from being emptied.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  explicit ReaderPool(DatabaseFile file) : file_(std::move(file)) {}

  // Opens a connection when all are lent.
  Result<Lease> take();

  const DatabaseFile& file() const { return file_; }

 private:
  void give_back(std::unique_ptr<Connection> connection);

  DatabaseFile file_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // The last one given back is taken first.
};

}  // namespace packstore::index
