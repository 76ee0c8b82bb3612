// Objects in files of their own: loose/ab/cdef..., verbatim, named by their id.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "store/sandbox.h"

namespace packstore::store {

// The copy of `id` is "loose/<shard_name>/<name_in_shard>".
std::string shard_name(const ObjectId& id);
std::string name_in_shard(const ObjectId& id);

// The copies of one shard as they were listed; any of them may have been packed or removed since.
struct LooseShard {
  const io::Directory& directory;
  std::vector<ObjectId> ids = {};  // Ascending.

  // nullopt: the copy is gone.
  Result<std::optional<std::uint64_t>> find_size(const ObjectId& id) const;
};

// Thread safety: any thread.
class LooseObjects {
 public:
  explicit LooseObjects(std::unique_ptr<io::Directory> directory);

  // nullopt: there is no loose copy.
  Result<std::optional<std::unique_ptr<io::File>>> find(const ObjectId& id) const;
  Result<std::optional<std::uint64_t>> find_size(const ObjectId& id) const;

  // Gives the sandbox file its name, durable on return; replaces what stands there.
  Status adopt(SandboxFile file, const ObjectId& id);

  // Makes the name of an existing copy durable: the process that gave it may not have got so far.
  Status make_durable(const ObjectId& id);

  // Removes the copy; false when there was none. Durable after make_durable().
  Result<bool> remove(const ObjectId& id) const;

  // Removes the copies of `sorted` ids on so many threads and passes over ids without one. On an
  // error some are left. Threads wait for the disk here: a file system that hands freed blocks back
  // to its device at once takes up to milliseconds for each file, and for many files side by side.
  Status remove_all(std::span<const ObjectId> sorted, unsigned threads) const;

  // Moves the file aside; see quarantine.
  Status move_aside(const ObjectId& id, const io::Directory& to, std::string_view to_name) const;

  // Every object by ascending id, with its size, passing over what goes meanwhile; ends early with
  // the visitor's error. `on_stray` hears of entries that cannot be objects, as a path below
  // loose/.
  using Visitor = std::function<Status(const ObjectId& id, std::uint64_t size)>;
  using StrayVisitor = std::function<Status(const std::string& path)>;
  Status for_each(const Visitor& visit, const StrayVisitor& on_stray = nullptr) const;

  // The same, shard by shard, each listed right before it is visited.
  using ShardVisitor = std::function<Status(const LooseShard& shard)>;
  Status for_each_shard(const ShardVisitor& visit, const StrayVisitor& on_stray = nullptr) const;

  // True when no object was ever loose here: one look at the directory instead of one an object.
  Result<bool> has_no_shards() const;

  const io::Directory& directory() const { return *directory_; }

 private:
  // Makes all 256 shards durable, once in the life of this object. One sync for all of them: a
  // shard that another process made is not known to be durable before that.
  Status ensure_shards();
  Result<std::optional<std::unique_ptr<io::Directory>>> find_shard(const ObjectId& id) const;

  std::unique_ptr<io::Directory> directory_;
  std::atomic<bool> shards_durable_{false};
};

}  // namespace packstore::store
