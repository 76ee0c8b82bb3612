// A block store in memory that counts what is read and can lose blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "packstore/block_store.h"

namespace packstore::testing {

// Large blocks can be forgotten as they come, so that a file of any size can be written to find its
// root.
class WatchedBlocks final : public BlockStore {
 public:
  Status put_prepared(const PreparedBlocks& blocks) override {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < blocks.ids.size(); ++i) {
      const ByteView content = blocks.contents[i];
      ++puts_;
      if (content.size() > keeps_bytes_max) continue;
      blocks_.try_emplace(blocks.ids[i], content.begin(), content.end());
    }
    return {};
  }

  // Then parts are counted by their bytes.
  bool cheap_parts = false;
  bool has_cheap_parts() const override { return cheap_parts; }
  std::uint64_t take_part_bytes() { return part_bytes_.exchange(0); }

  // Larger blocks are forgotten at once.
  std::size_t keeps_bytes_max = SIZE_MAX;

  std::uint64_t puts() const { return puts_; }
  std::size_t size() const { return blocks_.size(); }

  // The ids that were read since the last call, in their order.
  std::vector<ObjectId> take_reads() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(reads_, {});
  }

  void lose(const ObjectId& id) { blocks_.erase(id); }
  void replace(const ObjectId& id, Bytes content) { blocks_[id] = std::move(content); }

 private:
  Result<Bytes> get_object(const ObjectId& id) const override {
    const std::scoped_lock lock(mutex_);
    reads_.push_back(id);
    const auto found = blocks_.find(id);
    if (found == blocks_.end()) return fail(ErrorCode::kNotFound, "object {}", id.to_hex());
    return found->second;
  }
  Result<std::uint64_t> get_object_part(const ObjectId& id, std::uint64_t offset,
                                        std::span<std::byte> into) const override {
    part_bytes_ += into.size();
    return BlockStore::get_object_part(id, offset, into);
  }
  Result<std::uint64_t> object_size(const ObjectId& id) const override {
    const std::scoped_lock lock(mutex_);
    const auto found = blocks_.find(id);
    if (found == blocks_.end()) return fail(ErrorCode::kNotFound, "object {}", id.to_hex());
    return std::uint64_t{found->second.size()};
  }
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<bool> has;
    for (const ObjectId& id : ids) has.push_back(blocks_.contains(id));
    return has;
  }

  mutable std::mutex mutex_;
  std::unordered_map<ObjectId, Bytes> blocks_;
  mutable std::vector<ObjectId> reads_;
  std::uint64_t puts_ = 0;
  mutable std::atomic<std::uint64_t> part_bytes_ = 0;
};

}  // namespace packstore::testing
