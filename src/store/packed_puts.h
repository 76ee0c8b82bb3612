// Single puts into packs: group commit.
//
// The pack stays locked between puts, until it is full or release() is called.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
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

  // What Store::sync() does: publish(), and it tells the calling thread, once, of every loss that
  // the thread has not been told of, whoever met it.
  Status sync();

  // Makes every buffered object durable and visible; fails when that fails, and only then. Says
  // nothing of what was lost before, which is left for sync() to tell.
  Status publish();

  // publish(), and gives the pack back.
  Status release();

  // The row of a buffered object that waits for sync(). It may be lost at any moment, with the
  // failure of another thread: no reason to acknowledge anything that has to be durable.
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
  Status publish_with(std::vector<index::ObjectRow> rows);
  Status publish_waiting();
  void forget_waiting();
  void lose_waiting(const Error& error);

  StoreCore& core_;
  std::mutex mutex_;                  // Guards the next three; not held while a group is written.
  std::condition_variable free_;      // Nobody writes.
  std::shared_ptr<Group> gathering_;  // Takes in whoever comes; null until somebody does.
  bool writing_ = false;

  // Used by who has the turn.
  std::unique_ptr<PackWriter> writer_;
  std::uint64_t losses_ = 0;          // How many times buffered objects were lost,
  std::optional<Error> latest_loss_;  // and why, the last time.
  // Of how many losses sync() has told a thread. Empty as long as there are none.
  std::unordered_map<std::thread::id, std::uint64_t> losses_told_;

  mutable std::mutex waiting_mutex_;  // Guards waiting_.
  std::unordered_map<ObjectId, index::ObjectRow> waiting_;
  std::atomic<std::size_t> waiting_count_{0};
};

}  // namespace packstore::store
