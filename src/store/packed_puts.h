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
  struct Group;
  class Turn;
  struct Membership {
    std::shared_ptr<Group> group;
    bool leads = false;
  };
  Membership join(const EncodedObject& object, Durability durability);
  Status lead(Group& group);
  void stop_gathering(const Group& group);
  Status write_group(const Group& group);
  Status publish(std::vector<index::ObjectRow> rows);
  Status sync_in_turn();
  void forget_waiting();
  void lose_waiting(const Error& error);

  StoreCore& core_;
  std::mutex mutex_;                  // Guards the next three; not held while a group is written.
  std::condition_variable free_;      // Nobody writes.
  std::shared_ptr<Group> gathering_;  // Takes in whoever comes; null until somebody does.
  bool writing_ = false;

  // Used by who has the turn.
  std::unique_ptr<PackWriter> writer_;
  std::optional<Error> lost_;  // Why buffered objects are gone; told to the next sync().

  mutable std::mutex waiting_mutex_;  // Guards waiting_.
  std::unordered_map<ObjectId, index::ObjectRow> waiting_;
  std::atomic<std::size_t> waiting_count_{0};
};

}  // namespace packstore::store
