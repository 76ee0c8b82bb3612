// Five ways in which a system with reference counts has lost data, and two more in which one could:
// each as it would happen here, and does not.
#include <gmock/gmock.h>

#include "collection/counting_fixture.h"

namespace packstore::testing {
namespace {

using FiveWaysTest = CountingFixture;

// 1. Some links were counted down that had never been counted up: those of fields that one of two
// functions did not list. Here one function lists links, and both ways go by it.
TEST_F(FiveWaysTest, EveryLinkCountsUpAsItCountsDown) {
  const ObjectId target = put("target of a symbolic link");
  const ObjectId attributes = put_node("attributes", {});
  const ObjectId directory = put_node("directory", {raw(target), node(attributes)});
  const ObjectId other = put_node("other", {raw(target), node(attributes)});
  set_ref("directory", node(directory));
  set_ref("other", node(other));
  set_ref("directory", std::nullopt);
  EXPECT_TRUE(has(target) && has(attributes));
  EXPECT_EQ(count(raw(target)), 1);
  expect_exact(store());
}

// 2. An old version that was also an entry of somebody's directory was counted down by its
// successor, and never up.
TEST_F(FiveWaysTest, APreviousVersionThatIsAnEntryElsewhereStays) {
  const ObjectId first = put_node("version 1", {});
  const ObjectId second = put_node("version 2", {node(first)});
  const ObjectId archive = put_node("archive", {node(first)});
  set_ref("archive", node(archive));
  set_ref("head", node(first));
  set_ref("head", node(second));
  set_ref("head", std::nullopt);
  EXPECT_FALSE(has(second));
  EXPECT_TRUE(has(first));
  expect_exact(store());
}

// 3. A child that had no reference was taken as one whose last reference had gone.
TEST_F(FiveWaysTest, ARefThatIsRefusedLeavesNothingCountedAndTakesNothing) {
  const ObjectId child = put("child");
  const ObjectId missing = ObjectId::of(as_bytes("missing"));
  const ObjectId root = put_node("root", {raw(child), raw(missing)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(move("head", node(root)), FailsWith(ErrorCode::kNotFound));
  }
  EXPECT_EQ(count(raw(child)), 0);
  EXPECT_TRUE(has(child) && has(root));
  expect_exact(store());
}

// 4. Children that were written after their parents were never counted.
TEST_F(FiveWaysTest, ChildrenCountInWhateverOrderTheyArePut) {
  const std::string leaf = "leaf";
  const std::string inner = node_text("inner", {raw(ObjectId::of(as_bytes(leaf)))});
  const std::string root = node_text("root", {node(ObjectId::of(as_bytes(inner)))});
  const ObjectId root_id = put(root);
  const ObjectId inner_id = put(inner);
  const ObjectId leaf_id = put_packed(leaf);
  set_ref("head", node(root_id));
  set_ref("leaf", raw(leaf_id));
  EXPECT_EQ(count(node(inner_id)), 1);
  EXPECT_EQ(count(raw(leaf_id)), 2);
  set_ref("leaf", std::nullopt);
  EXPECT_TRUE(has(leaf_id));
  expect_exact(store());
}

// 5. Putting again what was there added no reference: with two owners, one could take it from the
// other.
TEST_F(FiveWaysTest, TwoOwnersOfOneTreeBothKeepIt) {
  const std::vector<Link> links = {raw(put("leaf"))};
  const ObjectId root = put_node("root", links);
  set_ref("first", node(root));
  EXPECT_EQ(put_node("root", links), root);
  set_ref("second", node(root));
  set_ref("first", std::nullopt);
  EXPECT_TRUE(has(root) && has(links.front().id));
  EXPECT_THAT(collect(), Succeeds());
  EXPECT_TRUE(has(root) && has(links.front().id));
  expect_exact(store());
  set_ref("second", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
}

// The same bytes, as data and as a node, were one counter.
TEST_F(FiveWaysTest, TheSameBytesCountAsRawAndAsANodeSeparately) {
  const ObjectId leaf = put("leaf");
  const ObjectId both = put_node("both", {raw(leaf)});
  set_ref("node", node(both));
  set_ref("raw", raw(both));
  EXPECT_EQ(count(node(both)), 1);
  EXPECT_EQ(count(raw(both)), 1);
  set_ref("node", std::nullopt);
  EXPECT_TRUE(has(both));
  EXPECT_FALSE(has(leaf));  // Data has no links.
  expect_exact(store());
  set_ref("raw", std::nullopt);
  EXPECT_FALSE(has(both));
}

TEST_F(FiveWaysTest, ARefThatChangesOnlyTheKindOfItsTargetCountsItsLinks) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", raw(root));
  EXPECT_EQ(count(raw(leaf)), 0);
  set_ref("head", node(root));
  EXPECT_EQ(count(raw(leaf)), 1);
  EXPECT_TRUE(has(root));
  expect_exact(store());
  set_ref("head", std::nullopt);
  EXPECT_EQ(count_objects(), 0);
}

// Whether a store counts was not written down, and opening it the other way shifted its bytes.
TEST_F(FiveWaysTest, WhetherAStoreCountsIsWrittenDown) {
  close();
  EXPECT_THAT(read_file(path() / "FORMAT"), ::testing::HasSubstr("counts references\n"));
  EXPECT_EQ(Store::open(path()).value().refs().count(Link{}).value(), 0);
}

}  // namespace
}  // namespace packstore::testing
