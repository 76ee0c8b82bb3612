// What becomes of the blocks in a full batch that cannot be committed.
#include "full_batch.h"

#include <gmock/gmock.h>

#include "support/run_sql.h"

namespace packstore::testing {
namespace {

// Whoever goes on after a put that failed must not hear of success for what came before it.
TEST_F(FullBatch, ThatCannotBeCommittedFailsEveryCallUntilTheCommit) {
  const Cid cid = blocks_.put(NodeKind::kRaw, as_bytes("content")).value();
  // Has no value for the rows that fill the batch: the integer overflows.
  run_sql(scratch_ / "store",
          "CREATE INDEX refuse ON objects(abs(-9223372036854775807 - (size = 8)))");
  const Status filled = fill_batch();
  ASSERT_FALSE(filled.has_value());
  const ErrorCode code = filled.error().code;
  const ByteView more = as_bytes("more");
  EXPECT_THAT(blocks_.prepare({&more, 1}), FailsWith(code));
  EXPECT_THAT(blocks_.put(NodeKind::kRaw, more), FailsWith(code));
  EXPECT_THAT(blocks_.move_ref("head", to(cid)), FailsWith(code));
  const auto committed = blocks_.commit();
  ASSERT_THAT(committed, FailsWith(code));
  EXPECT_EQ(committed.error().message, filled.error().message);
  EXPECT_FALSE(blocks_.has(cid).value());

  run_sql(scratch_ / "store", "DROP INDEX refuse");
  ASSERT_THAT(blocks_.put(NodeKind::kRaw, as_bytes("content")), Succeeds());
  EXPECT_EQ(blocks_.commit().value().objects, 1);
  EXPECT_TRUE(blocks_.has(cid).value());
  EXPECT_EQ(store_.refs().find("head").value(), std::nullopt);
}

}  // namespace
}  // namespace packstore::testing
