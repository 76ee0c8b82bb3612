// What every engine stores, and how every engine hashes and reads it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/object_id.h"

namespace packstore::compare {

using Key = ObjectId;

// Ends the program: a benchmark that went wrong has no result.
[[noreturn]] void stop(std::string_view what);

// An object and the key that it must get. Engines hash the content themselves, inside the timed
// call; only libgit2, which has names of its own, uses the key to remember which it gave.
struct Object {
  Key key;
  ByteView content;
};

struct ContentSpec {
  std::size_t count = 0;
  std::size_t bytes_min = 0;
  std::size_t bytes_max = 0;
  std::uint64_t seed = 0;
};

// Random, incompressible content, the same for the same spec.
class ObjectSet {
 public:
  explicit ObjectSet(const ContentSpec& spec);
  ObjectSet(const ObjectSet&) = delete;
  ObjectSet& operator=(const ObjectSet&) = delete;

  std::span<const Object> objects() const { return objects_; }
  std::uint64_t content_bytes() const { return storage_.size(); }

  std::vector<Key> sorted_keys() const;
  std::vector<Key> shuffled_keys(std::uint64_t seed) const;

 private:
  Bytes storage_;
  std::vector<Object> objects_;
};

// Keys that no object has.
std::vector<Key> absent_keys(std::size_t count, std::uint64_t seed);

// Fills `into` with bytes that depend on `seed` only.
void fill_random(std::span<std::byte> into, std::uint64_t seed);

// One step of a generator (SplitMix64): a random number, and a new `state`.
std::uint64_t next_random(std::uint64_t& state);

// SHA-256 as an application computes it: OpenSSL EVP, one buffer at a time, context reused.
Key sha256(ByteView content);

// How much of what a read returns is checked against the key.
enum class Check : std::uint8_t { kNone, kSha256 };

// Uses content as every engine's reader must: reads 8 bytes of each cache line, so that no engine
// is measured for handing out bytes that it has not fetched. Stops the program when the content
// should be checked and does not hash to `key`.
void consume(const Key& key, ByteView content, Check check);

// Calls `store(first, count)` for runs of at most 1,000 objects and about `bytes_max` bytes.
template <typename Store>
void for_each_run(std::span<const Object> objects, std::size_t bytes_max, const Store& store) {
  constexpr std::size_t kRunObjectsMax = 1000;
  while (!objects.empty()) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (count < objects.size() && count < kRunObjectsMax && bytes < bytes_max) {
      bytes += objects[count++].content.size();
    }
    store(objects.first(count));
    objects = objects.subspan(count);
  }
}

}  // namespace packstore::compare
