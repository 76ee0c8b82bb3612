// A seed for random tests that can be repeated.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace packstore::testing {

// PACKSTORE_TEST_SEED where it is set, else a new one; printed either way.
inline std::uint64_t test_seed() {
  const char* wish = std::getenv("PACKSTORE_TEST_SEED");
  const std::uint64_t seed = wish != nullptr ? std::stoull(wish) : std::random_device()();
  std::printf("PACKSTORE_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace packstore::testing
