#include "store/known_places.h"

#include <algorithm>
#include <utility>

namespace packstore::store {
namespace {

// Measured: what a lookup with a read transaction of its own costs, in rows that one steps over.
constexpr std::int64_t kLookupCostInRows = 16;
constexpr std::int64_t kRowsAhead = 31;

}  // namespace

std::optional<index::Location> KnownPlaces::find(const ObjectId& id, std::uint64_t generation) {
  const std::size_t hash = hash_of(id);
  Stripe& stripe = stripes_[hash % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  if (stripe.sets.empty()) return std::nullopt;
  for (Place& place : stripe.sets[hash / kStripes % kSetsPerStripe]) {
    if (!place.is_known || place.row.id != id) continue;
    if (place.generation != generation) return std::nullopt;
    if (std::exchange(place.is_ahead, false)) {
      account_ = std::min(account_ + kLookupCostInRows, kAdvance);
    }
    return place.row.at;
  }
  return std::nullopt;
}

void KnownPlaces::remember(const ObjectId& id, const index::Location& at,
                           std::uint64_t generation) {
  put({.row = {id, at}, .generation = generation, .is_known = true});
}

std::size_t KnownPlaces::rows_to_read() {
  const bool ahead = account_ >= kRowsAhead;
  account_ += ahead ? -kRowsAhead : 1;
  return ahead ? kRowsAhead + 1 : 1;
}

void KnownPlaces::remember_ahead(const index::ObjectRow& row, std::uint64_t generation) {
  put({.row = row, .generation = generation, .is_known = true, .is_ahead = true});
}

void KnownPlaces::put(const Place& place) {
  const ObjectId& id = place.row.id;
  const std::size_t hash = hash_of(id);
  Stripe& stripe = stripes_[hash % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  if (stripe.sets.empty()) stripe.sets.resize(kSetsPerStripe);
  Set& set = stripe.sets[hash / kStripes % kSetsPerStripe];
  const auto same = [&](const Place& known) { return known.is_known && known.row.id == id; };
  auto slot = std::find_if(set.begin(), set.end(), same);
  if (slot == set.end()) {
    std::move_backward(set.begin(), set.end() - 1, set.end());
    slot = set.begin();
  }
  *slot = place;
}

}  // namespace packstore::store
