// What was acknowledged, and how to ask a store for it. Content follows from a key, so that an
// oracle in another process needs the key only.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

#include "packstore/store.h"
#include "support/store_scratch.h"

namespace packstore::testing {

// Names one object of one writer: the writer's number in the upper half.
using Key = std::uint64_t;

inline Key key_of(std::uint64_t writer, std::uint64_t number) { return writer << 32 | number; }

inline Bytes content_of_key(Key key) { return content_of(key * 2 + key / 3, 20 + key % 900); }

// True when `store` gives back what was put under `key`.
inline bool holds(const Store& store, Key key) {
  const Bytes content = content_of_key(key);
  const Result<Bytes> read = store.get(ObjectId::of(content));
  if (!read) ADD_FAILURE() << "key " << key << ": " << read.error().message;
  return read && *read == content;
}

// Every key is held, asked for one by one and all at once.
inline void expect_holds_all(const Store& store, const std::vector<Key>& keys) {
  std::vector<ObjectId> ids;
  for (const Key key : keys) {
    EXPECT_TRUE(holds(store, key)) << key;
    ids.push_back(ObjectId::of(content_of_key(key)));
  }
  const Result<std::vector<bool>> present = store.contains(ids);
  ASSERT_THAT(present, Succeeds());
  EXPECT_EQ(*present, std::vector<bool>(ids.size(), true));
}

// Thread safety: any thread.
class Oracle {
 public:
  void acknowledge(Key key) {
    const std::scoped_lock lock(mutex_);
    keys_.push_back(key);
  }
  std::vector<Key> all() const {
    const std::scoped_lock lock(mutex_);
    return keys_;
  }
  // Up to `count` of them, the youngest among them.
  std::vector<Key> sample(std::mt19937_64& random, std::size_t count) const {
    const std::scoped_lock lock(mutex_);
    std::vector<Key> drawn;
    if (keys_.empty()) return drawn;
    drawn.push_back(keys_.back());
    while (drawn.size() < count) drawn.push_back(keys_[random() % keys_.size()]);
    return drawn;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Key> keys_;
};

// The ways in which a writer puts.
enum class PutKind : std::uint8_t { kLoose, kPacked, kBuffered, kPushed };
inline constexpr std::uint64_t kPutKinds = 4;

// Durable and visible to everybody on success.
inline Status put_durably(Store& store, PutKind kind, Key key) {
  const Bytes content = content_of_key(key);
  switch (kind) {
    case PutKind::kLoose: {
      const auto id = store.put(content);
      return id ? Status() : Status(id.error());
    }
    case PutKind::kPacked: {
      const auto id =
          store.put(content, {.placement = Placement::kPacked, .compression = Compression::zlib()});
      return id ? Status() : Status(id.error());
    }
    case PutKind::kBuffered: {
      const auto id = store.put(content, {.durability = Durability::kBuffered});
      return id ? store.sync() : Status(id.error());
    }
    case PutKind::kPushed:
      break;
  }
  Result<ObjectWriter> writer = store.begin_put();
  if (!writer) return writer.error();
  const Status written = writer->write(content);
  if (!written) return written;
  const auto id = writer->finish();
  return id ? Status() : Status(id.error());
}

// Puts `count` objects from `first` on in one batch.
inline Status put_batch(Store& store, Key first, std::uint64_t count) {
  Result<Batch> batch = store.begin_batch({.compression = Compression::automatic()});
  if (!batch) return batch.error();
  for (Key key = first; key < first + count; ++key) {
    const auto id = batch->put(content_of_key(key));
    if (!id) return id.error();
  }
  const auto report = batch->commit();
  return report ? Status() : Status(report.error());
}

// One round of everything that the maintenance lock allows. Objects that others put are not
// removed; an own one is put, removed, and must be gone.
inline void maintain(Store& store, MaintenanceLock& lock, std::uint64_t round) {
  EXPECT_THAT(lock.pack_loose({.objects_max = 40, .compression = Compression::zlib()}), Succeeds());
  RepackOptions repack;
  if (round % 2 == 0) repack.dead_ratio_min = 0.2;
  EXPECT_THAT(lock.repack(repack), Succeeds());
  const Bytes content = content_of(round, 333);
  const Result<ObjectId> id =
      store.put(content, {.placement = round % 2 == 0 ? Placement::kLoose : Placement::kPacked});
  ASSERT_THAT(id, Succeeds());
  const Result<RemoveReport> removed = lock.remove({{*id}});
  EXPECT_THAT(removed, Succeeds());
  if (removed) {
    EXPECT_THAT(store.get(*id), FailsWith(ErrorCode::kNotFound));
  }
  EXPECT_THAT(lock.clean(), Succeeds());
}

}  // namespace packstore::testing
