// What a collection takes and what it leaves, nobody else being there.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "collection/test_nodes.h"

namespace packstore::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CollectTest : public CollectionFixture {
 protected:
  // A tree of three levels with a loose and a packed leaf.
  struct Tree {
    ObjectId leaf, packed_leaf, inner, root;
    std::vector<ObjectId> ids() const { return {leaf, packed_leaf, inner, root}; }
  };
  Tree put_tree(const std::string& name) {
    Tree tree;
    tree.leaf = put(name + " leaf");
    tree.packed_leaf = put_packed(name + " packed leaf");
    tree.inner = put_node(name + " inner", {raw(tree.packed_leaf)});
    tree.root = put_node(name + " root", {node(tree.inner), raw(tree.leaf)});
    return tree;
  }
  std::size_t count_present(const std::vector<ObjectId>& ids) {
    return static_cast<std::size_t>(std::ranges::count_if(ids, [&](auto& id) { return has(id); }));
  }
};

TEST_F(CollectTest, TakesWhatNoRefReachesAndNothingElse) {
  const Tree wanted = put_tree("wanted");
  const Tree garbage = put_tree("garbage");
  set_ref("head", node(wanted.root));
  const CollectReport report = collect();
  EXPECT_EQ(report.removed, 4);
  EXPECT_EQ(report.reached, 4);
  EXPECT_EQ(report.loose_bytes, std::string("garbage leaf").size());
  // Opened again, because room for further puts behind the records counts as dead as well.
  close();
  EXPECT_EQ(report.packed_bytes, store().stats().value().dead_bytes);
  EXPECT_EQ(count_present(wanted.ids()), 4);
  EXPECT_EQ(count_present(garbage.ids()), 0);
  EXPECT_THAT(store(), IsSpotless());

  ASSERT_THAT(store().lock_maintenance().value().repack(), Succeeds());
  EXPECT_EQ(store().stats().value().dead_bytes, 0);
  EXPECT_EQ(count_present(wanted.ids()), 4);
  EXPECT_EQ(collect().removed, 0);
}

TEST_F(CollectTest, EmptiesAStoreWithoutRoots) {
  put_tree("garbage");
  EXPECT_EQ(collect().removed, 4);
  EXPECT_EQ(collect().removed, 0);
  EXPECT_EQ(count_objects(), 0);
}

TEST_F(CollectTest, KeepsATreeUntilTheLastOfItsOwnersIsGone) {
  const Tree tree = put_tree("shared");
  set_ref("one", node(tree.root));
  set_ref("two", node(tree.root));
  ASSERT_THAT(store().refs().dereference("one"), Succeeds());
  EXPECT_EQ(collect().removed, 0);
  ASSERT_THAT(store().refs().dereference("two"), Succeeds());
  EXPECT_EQ(count_present(tree.ids()), 4) << "dereference() itself frees nothing";
  EXPECT_EQ(collect().removed, 4);
}

TEST_F(CollectTest, KeepsWhatASecondParentReaches) {
  const ObjectId shared = put("shared");
  const ObjectId one = put_node("one", {raw(shared)});
  const ObjectId two = put_node("two", {raw(shared), raw(shared)});
  set_ref("two", node(two));
  EXPECT_EQ(collect().removed, 1);
  EXPECT_FALSE(has(one));
  EXPECT_TRUE(has(shared));
}

// The same bytes are data to one parent and a node to another.
TEST_F(CollectTest, FollowsLinksWhereTheParentSaysThatItIsANode) {
  const ObjectId leaf = put("leaf");
  const ObjectId both = put_node("both", {raw(leaf)});
  const ObjectId as_data = put_node("as data", {raw(both)});
  set_ref("data", node(as_data));
  set_ref("node", node(put_node("as node", {node(both)})));
  EXPECT_EQ(collect().removed, 0);
  ASSERT_THAT(store().refs().dereference("node"), Succeeds());
  EXPECT_EQ(collect().removed, 2);
  EXPECT_TRUE(has(both));
  EXPECT_FALSE(has(leaf));
}

TEST_F(CollectTest, WalksTreesThatAreDeepAndNodesThatAreWide) {
  std::vector<Link> links;
  for (int i = 0; i < 2'000; ++i) links.push_back(raw(put_packed("leaf " + std::to_string(i))));
  ObjectId root = put_node("wide", links);
  for (int i = 0; i < 2'000; ++i) root = put_node("deep " + std::to_string(i), {node(root)});
  set_ref("head", node(root));
  put("garbage");
  EXPECT_EQ(collect().removed, 1);
  ASSERT_THAT(store().refs().dereference("head"), Succeeds());
  EXPECT_EQ(collect().removed, 4'001);
}

TEST_F(CollectTest, RefusesAMissingChildAndNamesItsParent) {
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  const ObjectId garbage = put("garbage");
  for (const Link& link : {raw(absent), node(absent)}) {
    const ObjectId parent = put_node("parent", {link});
    set_ref("head", node(parent));
    const auto refused = collect(CollectOptions{});
    ASSERT_THAT(refused, FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(refused.error().message,
                AllOf(HasSubstr(absent.to_hex()), HasSubstr(parent.to_hex())));
    EXPECT_TRUE(has(garbage));
  }
}

TEST_F(CollectTest, RefusesWhatIsNoNodeAndNamesItsParent) {
  const ObjectId text = put("just text");
  const ObjectId parent = put_node("parent", {node(text)});
  put("garbage");
  set_ref("head", node(parent));
  const auto refused = collect(CollectOptions{});
  ASSERT_THAT(refused, FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr(text.to_hex()), HasSubstr(parent.to_hex())));
  EXPECT_EQ(count_objects(), 3);
}

TEST_F(CollectTest, RefusesADamagedNode) {
  const ObjectId damaged = put(node_text("damaged", {}));
  set_ref("head", node(put_node("parent", {node(damaged)})));
  put("garbage");
  write_file(loose_path(path(), damaged), node_text("another", {}));
  EXPECT_THAT(collect(CollectOptions{}), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(count_objects(), 3);
}

TEST_F(CollectTest, SkipsBrokenNodesWhereItIsTold) {
  const ObjectId leaf = put("leaf");
  const ObjectId absent = ObjectId::of(as_bytes("absent"));
  const ObjectId text = put("just text");
  set_ref("head", node(put_node("parent", {node(absent), node(text), raw(absent), raw(leaf)})));
  put("garbage");
  const auto report = collect({.broken_nodes = BrokenNodes::kSkip});
  ASSERT_THAT(report, Succeeds());
  EXPECT_THAT(report->skipped, SizeIs(3));
  EXPECT_EQ(report->removed, 1);
  EXPECT_TRUE(has(leaf));
}

TEST_F(CollectTest, DryRunSaysWhatWouldGoAndChangesNothing) {
  set_ref("head", node(put_tree("wanted").root));
  const Tree garbage = put_tree("garbage");
  std::vector<ObjectId> heard;
  const CollectReport said =
      collect({.mode = CollectMode::kDryRun,
               .on_garbage = [&](const ObjectId& id) { heard.push_back(id); }})
          .value();
  EXPECT_EQ(count_objects(), 8);
  std::vector<ObjectId> expected = garbage.ids();
  std::ranges::sort(expected);
  EXPECT_EQ(heard, expected);
  const CollectReport done = collect();
  EXPECT_EQ(done.removed, said.removed);
  EXPECT_EQ(done.reached, said.reached);
  EXPECT_EQ(done.loose_bytes, said.loose_bytes);
  EXPECT_EQ(done.packed_bytes, said.packed_bytes);
}

TEST_F(CollectTest, StopsWhenItIsToldAndLeavesEverything) {
  set_ref("head", node(put_tree("wanted").root));
  put_tree("garbage");
  std::stop_source stop;
  const auto stopped = collect({.children_of =
                                    [&](NodeKind kind, ByteView content) {
                                      stop.request_stop();
                                      return links_of(kind, content);
                                    },
                                .control = {.stop = stop.get_token()}});
  EXPECT_THAT(stopped, FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(count_objects(), 8);
  EXPECT_EQ(collect().removed, 4);
}

TEST_F(CollectTest, TellsHowFarItHasCome) {
  set_ref("head", node(put_tree("wanted").root));
  Progress last;
  ASSERT_THAT(collect({.control = {.on_progress = [&](const Progress& at) { last = at; }}}),
              Succeeds());
  EXPECT_EQ(last.done, 4);
  EXPECT_EQ(last.total, 4);
}

TEST_F(CollectTest, NeedsAFunctionThatFindsLinks) {
  EXPECT_THAT(store().lock_maintenance().value().collect({}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(CollectTest, WaitsForOpenBatches) {
  put("garbage");
  {
    Batch batch = store().begin_batch().value();
    EXPECT_THAT(collect({.wait = std::chrono::milliseconds(0)}), FailsWith(ErrorCode::kBusy));
    // A dry run takes nothing away from anybody.
    EXPECT_THAT(collect({.mode = CollectMode::kDryRun}), Succeeds());
  }
  EXPECT_EQ(collect().removed, 1);
}

TEST_F(CollectTest, RemovedObjectsStayAwayWhenTheStoreIsOpenedAgain) {
  const Tree garbage = put_tree("garbage");
  collect();
  close();
  EXPECT_EQ(count_present(garbage.ids()), 0);
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_EQ(put("garbage leaf"), garbage.leaf);
  EXPECT_TRUE(has(garbage.leaf));
}

}  // namespace
}  // namespace packstore::testing
