// A full batch that is committed: a million rows.
#include "full_batch.h"

#include <gmock/gmock.h>

namespace packstore::testing {
namespace {

TEST_F(FullBatch, IsCommittedWithoutTheRefs) {
  const Cid cid = blocks_.put(NodeKind::kRaw, as_bytes("content")).value();
  ASSERT_THAT(blocks_.move_ref("head", to(cid)), Succeeds());
  ASSERT_THAT(fill_batch(), Succeeds());
  EXPECT_TRUE(blocks_.has(cid).value());
  EXPECT_EQ(store_.refs().find("head").value(), std::nullopt);
  EXPECT_EQ(blocks_.commit().value().objects, StoreBlocks::kBatchObjectsMax + 1);
  EXPECT_EQ(store_.refs().find("head").value(), cid.object_id());
}

}  // namespace
}  // namespace packstore::testing
