#include "packstore/pin.h"

#include <gmock/gmock.h>

#include "collection/test_nodes.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

class PinTest : public CollectionFixture {
 protected:
  ObjectId leaf_ = put("leaf");
  ObjectId root_ = put_node("root", {raw(leaf_)});
};

TEST_F(PinTest, ProtectsWhatItReachesUntilItIsDropped) {
  {
    Pin pin = store().pin().value();
    ASSERT_THAT(pin.add(node(root_)), Succeeds());
    EXPECT_EQ(collect().removed, 0);
    const Pin moved = std::move(pin);
    EXPECT_EQ(collect().removed, 0);
  }
  EXPECT_EQ(collect().removed, 2);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PinTest, FollowsLinksOnlyOfWhatItCallsANode) {
  Pin pin = store().pin().value();
  ASSERT_THAT(pin.add(raw(root_)), Succeeds());
  EXPECT_EQ(collect().removed, 1);
  EXPECT_TRUE(has(root_));
}

TEST_F(PinTest, HoldsMany) {
  std::vector<Link> links;
  for (int i = 0; i < 3'000; ++i) links.push_back(raw(put_packed(std::to_string(i))));
  Pin pin = store().pin().value();
  ASSERT_THAT(pin.add(links), Succeeds());
  EXPECT_EQ(collect().removed, 2);
}

// What a tree is made of may come in any order while it is pinned.
TEST_F(PinTest, MayNameWhatIsNotThereYet) {
  const std::string parent = node_text("parent", {node(root_), raw(ObjectId::of(as_bytes("x")))});
  Pin pin = store().pin().value();
  ASSERT_THAT(pin.add(node(ObjectId::of(as_bytes(parent)))), Succeeds());
  put(parent);
  EXPECT_EQ(collect().removed, 0);
  EXPECT_TRUE(has(leaf_));
}

TEST_F(PinTest, IsNoLeftoverWhileItLivesAndOneAfterwards) {
  const Pin pin = store().pin().value();
  EXPECT_THAT(store(), IsSpotless());
  EXPECT_EQ(store().lock_maintenance().value().clean().value().sandbox_files, 0);
}

TEST_F(PinTest, KeepsRemoveFromTakingTheObject) {
  Pin pin = store().pin().value();
  ASSERT_THAT(pin.add(raw(root_)), Succeeds());
  const std::vector<ObjectId> ids = {root_, leaf_};
  EXPECT_THAT(store().lock_maintenance().value().remove(ids), FailsWith(ErrorCode::kConflict));
  EXPECT_TRUE(has(leaf_));
}

TEST_F(PinTest, OfALiveProcessProtectsAndOfADeadOneDoesNot) {
  close();
  Pipe told;
  Pipe go;
  ChildProcess child([&] {
    Result<Store> store = Store::open(path());
    if (!store) return 1;
    Result<Pin> pin = store->pin();
    if (!pin || !pin->add(node(root_)) || !told.tell('p')) return 1;
    static_cast<void>(go.hear<char>());
    return 0;
  });
  ASSERT_TRUE(told.hear<char>());
  EXPECT_EQ(collect().removed, 0);
  child.freeze();
  EXPECT_EQ(collect().removed, 0);
  ASSERT_TRUE(child.kill());
  EXPECT_EQ(collect().removed, 2);
  EXPECT_EQ(store().lock_maintenance().value().clean().value().sandbox_files, 1);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PinTest, CollectorThatDiesInTheMiddleLeavesAWholeStore) {
  set_ref("head", node(root_));
  put("garbage");
  close();
  ChildProcess child([&] {
    Result<Store> store = Store::open(path());
    if (!store) return 1;
    static_cast<void>(
        store->lock_maintenance().value().collect({.children_of = [](NodeKind, ByteView) {
          ::kill(::getpid(), SIGKILL);
          return Result<std::vector<Link>>(std::vector<Link>{});
        }}));
    return 1;
  });
  EXPECT_EQ(child.wait(), std::nullopt);
  EXPECT_THAT(store(), IsSpotless());
  put("again");
  EXPECT_EQ(collect().removed, 2);
  EXPECT_TRUE(has(leaf_));
}

}  // namespace
}  // namespace packstore::testing
