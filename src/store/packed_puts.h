// Single puts into packs: group commit.
//
// The pack stays locked between puts, until it is full or release() is called.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "index/rows.h"
#include "packstore/bytes.h"
#include "packstore/object.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "store/pack_writer.h"

namespace packstore::store {

struct StoreCore;

// Thread safety: any thread.
class PackedPuts {
 public:
  explicit PackedPuts(StoreCore& core) : core_(core) {}
  ~PackedPuts();

  // Stores an object that is not in the store yet, as far as the caller knows.
  Status put(const ObjectId& id, ByteView content, const PutOptions& options);

  // Makes every buffered object durable and visible.
  Status sync();

  // sync(), and gives the pack back.
  Status release();

  // The row of a buffered object that waits for sync().
  std::optional<index::ObjectRow> find_waiting(const ObjectId& id) const;

 private:
  struct Request;
  class Lead;
  void enqueue_and_wait(Request& request);
  void commit_group(std::vector<Request*>& group);
  Status write_group(std::vector<Request*>& group);
  Status publish(std::vector<index::ObjectRow> rows);
  Status sync_as_leader();
  void forget_waiting();
  void lose_waiting(const Error& error);

  StoreCore& core_;
  std::mutex mutex_;              // Guards queue_ and leading_; not held while a group is written.
  std::condition_variable free_;  // Nobody leads. Who waits in the queue has one of its own.
  std::vector<Request*> queue_;
  bool leading_ = false;

  // Used by the leader only.
  std::unique_ptr<PackWriter> writer_;
  std::optional<Error> lost_;  // Why buffered objects are gone; told to the next sync().

  mutable std::mutex waiting_mutex_;  // Guards waiting_.
  std::unordered_map<ObjectId, index::ObjectRow> waiting_;
  std::atomic<std::size_t> waiting_count_{0};
};

}  // namespace packstore::store
