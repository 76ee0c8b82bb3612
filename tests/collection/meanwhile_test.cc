// What others do while a collection marks, step by step on one thread: the function that finds the
// links of nodes is called in the middle of marking, and does it.
#include <gmock/gmock.h>

#include "collection/test_nodes.h"
#include "io/file.h"
#include "store/collection_watch.h"
#include "store/store_core.h"

namespace packstore::testing {
namespace {

class MeanwhileTest : public CollectionFixture {
 protected:
  Store other_ = Store::open(path()).value();
};

TEST_F(MeanwhileTest, WhatIsPutForTheFirstTimeStays) {
  ObjectId loose, packed, streamed, batched;
  collect_while([&] {
    loose = other_.put(as_bytes("new loose")).value();
    packed = other_.put(as_bytes("new packed"), {.placement = Placement::kPacked}).value();
    ObjectWriter writer = other_.begin_put().value();
    ASSERT_THAT(writer.write(as_bytes("new stream")), Succeeds());
    streamed = writer.finish().value();
    Batch batch = other_.begin_batch().value();
    batched = batch.put(as_bytes("new batched")).value();
    ASSERT_THAT(batch.commit(), Succeeds());
  });
  for (const ObjectId& id : {loose, packed, streamed, batched}) EXPECT_TRUE(has(id));
  // Nobody has pinned or referenced them: the next one takes them.
  EXPECT_EQ(collect().removed, 4);
}

// A put that finds its object writes nothing, so the sweep has to be told.
TEST_F(MeanwhileTest, WhatIsPutAgainStays) {
  std::vector<ObjectId> old;
  for (const char* text : {"loose", "packed", "streamed", "batched", "many", "buffered"}) {
    old.push_back(old.size() % 2 == 0 ? put(text) : put_packed(text));
  }
  const ObjectId untouched = put("untouched");
  collect_while([&] {
    EXPECT_EQ(other_.put(as_bytes("loose")).value(), old[0]);
    EXPECT_EQ(other_.put(as_bytes("packed"), {.placement = Placement::kPacked}).value(), old[1]);
    ObjectWriter writer = other_.begin_put().value();
    ASSERT_THAT(writer.write(as_bytes("streamed")), Succeeds());
    EXPECT_EQ(writer.finish().value(), old[2]);
    Batch batch = other_.begin_batch().value();
    EXPECT_EQ(batch.put(as_bytes("batched")).value(), old[3]);
    const ByteView many = as_bytes("many");
    EXPECT_EQ(batch.put_many({&many, 1}).value().front(), old[4]);
    ASSERT_THAT(batch.commit(), Succeeds());
    EXPECT_EQ(other_.put(as_bytes("buffered"), {.durability = Durability::kBuffered}).value(),
              old[5]);
  });
  for (const ObjectId& id : old) EXPECT_TRUE(has(id));
  EXPECT_FALSE(has(untouched));
  EXPECT_EQ(collect().removed, old.size());
}

TEST_F(MeanwhileTest, WhatARefMovedToStays) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  collect_while([&] {
    ASSERT_THAT(other_.refs().move("late", {.to = root, .kind = NodeKind::kDagCbor}), Succeeds());
  });
  EXPECT_TRUE(has(root));
  EXPECT_TRUE(has(leaf));
}

TEST_F(MeanwhileTest, WhatANewTreeLinksToStays) {
  const ObjectId leaf = put("leaf");
  const ObjectId inner = put_node("inner", {raw(leaf)});
  collect_while([&] {
    Batch batch = other_.begin_batch().value();
    const ObjectId root = batch.put(as_bytes(node_text("root", {node(inner)}))).value();
    ASSERT_THAT(batch.move_ref("late", {.to = root, .kind = NodeKind::kDagCbor}), Succeeds());
    ASSERT_THAT(batch.commit(), Succeeds());
  });
  EXPECT_TRUE(has(inner));
  EXPECT_TRUE(has(leaf));
}

// A batch that was open when the collection began, and found garbage before that.
TEST_F(MeanwhileTest, WhatAnOlderBatchHasFoundStays) {
  const ObjectId found = put_packed("found");
  Batch batch = other_.begin_batch().value();
  ASSERT_EQ(batch.put(as_bytes("found")).value(), found);
  collect_while([&] { ASSERT_THAT(batch.commit(), Succeeds()); });
  EXPECT_TRUE(has(found));
}

TEST_F(MeanwhileTest, WhatIsPinnedStays) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  std::optional<Pin> pin;
  collect_while([&] {
    pin = other_.pin().value();
    ASSERT_THAT(pin->add(node(root)), Succeeds());
  });
  EXPECT_TRUE(has(root));
  EXPECT_TRUE(has(leaf));
}

// A node below a pin comes after it was looked for, and with it a link to something old.
TEST_F(MeanwhileTest, WhatALateNodeBelowAPinBringsWithItStays) {
  const ObjectId leaf = put("leaf");
  const std::string inner = node_text("inner", {raw(leaf)});
  const ObjectId root = put_node("root", {node(ObjectId::of(as_bytes(inner)))});
  Pin pin = other_.pin().value();
  ASSERT_THAT(pin.add(node(root)), Succeeds());
  bool root_was_walked = false;
  int shown = 0;
  const auto walk = [&](NodeKind kind, ByteView content) {
    root_was_walked = true;
    return links_of(kind, content);
  };
  // Progress is shown after the root, and then after the inner node, which is not there.
  const auto show = [&](const Progress&) {
    if (root_was_walked && ++shown == 2) other_.put(as_bytes(inner)).value();
  };
  ASSERT_THAT(collect({.children_of = walk, .control = {.on_progress = show}}), Succeeds());
  EXPECT_GE(shown, 2);
  EXPECT_TRUE(has(ObjectId::of(as_bytes(inner))));
  EXPECT_TRUE(has(leaf));
}

TEST_F(MeanwhileTest, PutsNoteNothingWhenNoCollectionIsUnderWay) {
  const auto core = store::open_core(io::posix_file_system(), path(), {}).value();
  put("again");
  put("again");
  EXPECT_TRUE(core->index->kept(std::nullopt, 10).value().empty());
  EXPECT_FALSE(store::is_collecting(*core));
}

// A collector that died leaves writers noting; whoever maintains next ends that.
TEST_F(MeanwhileTest, NextHolderOfTheLockEndsADeadCollection) {
  const auto core = store::open_core(io::posix_file_system(), path(), {}).value();
  core->collections->increment();
  const ObjectId id = put("noted");
  EXPECT_TRUE(store::is_collecting(*core));
  EXPECT_EQ(core->index->kept(std::nullopt, 10).value(), std::vector<ObjectId>{id});
  static_cast<void>(store().lock_maintenance().value());
  EXPECT_FALSE(store::is_collecting(*core));
  EXPECT_EQ(collect().removed, 1) << "an old note keeps nothing";
}

// The backup has the refs of its beginning, so it needs what they reached then.
TEST_F(MeanwhileTest, WhatABackupIsAboutToCopyStays) {
  const ObjectId leaf = put("leaf");
  const ObjectId root = put_node("root", {raw(leaf)});
  set_ref("head", node(root));
  bool acted = false;
  const auto act = [&](const Progress&) {
    if (std::exchange(acted, true)) return;
    ASSERT_THAT(store().refs().dereference("head"), Succeeds());
    EXPECT_EQ(collect().removed, 0);
  };
  ASSERT_THAT(other_.backup(scratch_ / "backup", {.control = {.on_progress = act}}), Succeeds());
  EXPECT_TRUE(acted);
  EXPECT_EQ(collect().removed, 2);
  const Store copy = Store::open(scratch_ / "backup").value();
  EXPECT_EQ(copy.refs().find("head").value(), root);
  EXPECT_TRUE(copy.contains(leaf).value());
}

}  // namespace
}  // namespace packstore::testing
