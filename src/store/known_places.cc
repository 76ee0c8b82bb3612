#include "store/known_places.h"

#include <algorithm>

namespace packstore::store {

std::optional<index::Location> KnownPlaces::find(const ObjectId& id,
                                                 std::uint64_t generation) const {
  const std::size_t hash = hash_of(id);
  const Stripe& stripe = stripes_[hash % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  if (stripe.sets.empty()) return std::nullopt;
  for (const Place& place : stripe.sets[hash / kStripes % kSetsPerStripe]) {
    if (!place.is_known || place.row.id != id) continue;
    return place.generation == generation ? std::optional(place.row.at) : std::nullopt;
  }
  return std::nullopt;
}

void KnownPlaces::remember(const ObjectId& id, const index::Location& at,
                           std::uint64_t generation) {
  const std::size_t hash = hash_of(id);
  Stripe& stripe = stripes_[hash % kStripes];
  const std::scoped_lock lock(stripe.mutex);
  if (stripe.sets.empty()) stripe.sets.resize(kSetsPerStripe);
  Set& set = stripe.sets[hash / kStripes % kSetsPerStripe];
  const auto same = [&](const Place& place) { return place.is_known && place.row.id == id; };
  auto place = std::find_if(set.begin(), set.end(), same);
  if (place == set.end()) {
    std::move_backward(set.begin(), set.end() - 1, set.end());
    place = set.begin();
  }
  *place = {.row = {id, at}, .generation = generation, .is_known = true};
}

}  // namespace packstore::store
