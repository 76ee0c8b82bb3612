// Where objects were found lately, so that reading one again does not ask the index.
#pragma once

#include <array>
#include <atomic>
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
// is taken as ids come: up to 12 MiB, for 131072 objects.
//
// A lookup may read ahead: the rows behind the one that it wants cost little more. In a store that
// fits in here they are soon asked for, in a larger one they are a loss. So reading ahead has an
// account, in rows: every row read ahead is paid for, every one that is found here later earns what
// its lookup would have cost, and the advance fills the table once. Lookups of single rows earn a
// little, so that a store which begins to be read after much writing is tried again.
//
// Thread safety: any thread.
class KnownPlaces {
 public:
  std::optional<index::Location> find(const ObjectId& id, std::uint64_t generation);

  // `generation` was read before the index was asked.
  void remember(const ObjectId& id, const index::Location& at, std::uint64_t generation);

  // How many rows a lookup in the index should read, its own included; they are paid for with this.
  std::size_t rows_to_read();
  // One of them, other than the one that was asked for.
  void remember_ahead(const index::ObjectRow& row, std::uint64_t generation);

 private:
  static constexpr std::size_t kStripes = 64;
  static constexpr std::size_t kSetsPerStripe = 512;
  static constexpr std::size_t kWays = 4;

  struct Place {
    index::ObjectRow row = {};
    std::uint64_t generation = 0;
    bool is_known = false;
    bool is_ahead = false;  // Read ahead, and not asked for yet.
  };
  using Set = std::array<Place, kWays>;
  struct Stripe {
    mutable std::mutex mutex;
    std::vector<Set> sets;  // Empty until the first id comes.
  };

  // Ids are uniformly distributed already.
  static std::size_t hash_of(const ObjectId& id) { return std::hash<ObjectId>()(id); }

  void put(const Place& place);

  static constexpr std::int64_t kAdvance = std::int64_t{kStripes} * kSetsPerStripe * kWays;

  std::array<Stripe, kStripes> stripes_;
  std::atomic<std::int64_t> account_ = kAdvance;  // In rows. Races cost speed only.
};

}  // namespace packstore::store
