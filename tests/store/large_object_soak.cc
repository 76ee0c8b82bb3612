#include <gtest/gtest.h>

#include "large_object.h"

namespace packstore::store {
namespace {

TEST(LargeObjectSoak, PassesThroughInBoundedMemory) { expect_bounded_memory(10'000'000'000); }

}  // namespace
}  // namespace packstore::store
