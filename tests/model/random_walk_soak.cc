// The random walk for PACKSTORE_SOAK_SECONDS (a minute where that is not set): walk after walk,
// because a new store goes through states that an old one has left behind.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <string>

#include "model/random_walk.h"

namespace packstore::testing {
namespace {

constexpr int kStepsOfAWalk = 3000;
constexpr int kStepsBetweenLooks = 100;

TEST(StoreSoak, BehavesLikeAMapThroughManyRandomWalks) {
  const char* wish = ::getenv("PACKSTORE_SOAK_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(wish != nullptr ? std::stoul(wish) : 60);
  const std::uint64_t first_seed = test_seed();
  for (std::uint64_t seed = first_seed; std::chrono::steady_clock::now() < end; ++seed) {
    SCOPED_TRACE(seed);
    RandomWalk walk(seed);
    for (int step = 1; step <= kStepsOfAWalk; ++step) {
      SCOPED_TRACE(step);
      walk.step();
      if (step % kStepsBetweenLooks == 0) walk.compare();
      if (HasFailure()) return;
      if (std::chrono::steady_clock::now() >= end) break;
    }
  }
}

}  // namespace
}  // namespace packstore::testing
