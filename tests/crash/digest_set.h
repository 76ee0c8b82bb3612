// Which digests there were. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_set>

namespace packstore::crash {

// 64 bits tell 10^8 disks apart with a chance of 1 in 4,000 to take any one for another.
class DigestSet {
 public:
  // False: it was there already.
  bool add(std::uint64_t digest) {
    Shard& shard = shards_[digest % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    return shard.digests.insert(digest).second;
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_set<std::uint64_t> digests;
  };
  std::array<Shard, 16> shards_;
};

}  // namespace packstore::crash
