// Whatever is done to a store in whatever order, it stays a map from ids to bytes.
#include "model/random_walk.h"

#include <gtest/gtest.h>

namespace packstore::testing {
namespace {

constexpr int kSteps = 1500;
constexpr int kStepsBetweenLooks = 50;

TEST(Store, BehavesLikeAMapThroughARandomWalk) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  RandomWalk walk(seed);
  for (int step = 1; step <= kSteps; ++step) {
    SCOPED_TRACE(step);
    walk.step();
    if (step % kStepsBetweenLooks == 0) walk.compare();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace packstore::testing
