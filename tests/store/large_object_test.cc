#include <gtest/gtest.h>

#include "large_object.h"

namespace packstore::store {
namespace {

TEST(LargeObject, PassesThroughInBoundedMemory) { expect_bounded_memory(300'000'000); }

}  // namespace
}  // namespace packstore::store
