// Where objects were found lately, so that reading one again does not ask the index.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "index/rows.h"
#include "packstore/object_id.h"

namespace packstore::store {

// A place is known as of a generation of the index, and counts for nothing when another has begun.
// Whoever reads by a known place still compares the record with it, and asks the index when they
// disagree: a process that died between its commit and the counter leaves such a place behind.
//
// Bounded: a set of four takes the ids of one hash, and the one that came first gives way. Memory
// is taken as ids come: up to 6 MiB, for 65536 objects.
//
// Thread safety: any thread.
class KnownPlaces {
 public:
  std::optional<index::Location> find(const ObjectId& id, std::uint64_t generation) const;

  // `generation` was read before the index was asked.
  void remember(const ObjectId& id, const index::Location& at, std::uint64_t generation);

 private:
  static constexpr std::size_t kStripes = 64;
  static constexpr std::size_t kSetsPerStripe = 256;

  struct Place {
    index::ObjectRow row = {};
    std::uint64_t generation = 0;
    bool is_known = false;
  };
  using Set = std::array<Place, 4>;
  struct Stripe {
    mutable std::mutex mutex;
    std::vector<Set> sets;  // Empty until the first id comes.
  };

  // Ids are uniformly distributed already.
  static std::size_t hash_of(const ObjectId& id) { return std::hash<ObjectId>()(id); }

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace packstore::store
