#include "dag/layout_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.h"
#include "support/store_scratch.h"

namespace packstore::dag {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::Succeeds;

// A CID that says a number.
Cid numbered(std::uint64_t number) {
  ObjectId id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::byte>(number >> (8 * i));
  return Cid::of(NodeKind::kRaw, id);
}

// What a builder made of `leaves` leaves of ten bytes each.
struct Built {
  explicit Built(std::uint64_t leaves, std::size_t width, std::uint64_t leaf_size = 10)
      : builder(width, [this](auto children) { return make(children); }) {
    for (std::uint64_t i = 0; i < leaves; ++i) {
      EXPECT_THAT(builder.add({numbered(i), leaf_size, leaf_size + 1}), Succeeds());
    }
    root.push_back(builder.finish().value());
  }

  Result<LayoutBuilder::Node> make(std::span<const Subtree> children) {
    const Cid cid = numbered((std::uint64_t{1} << 48) + nodes.size());
    nodes[cid].assign(children.begin(), children.end());
    return LayoutBuilder::Node{cid, 100};
  }

  // Groups of `width`, again and again, by the book.
  static std::size_t depth_of(std::uint64_t leaves, std::size_t width) {
    std::size_t depth = 0;
    for (; leaves > 1; leaves = (leaves + width - 1) / width) ++depth;
    return depth;
  }

  // The numbers of the leaves below `cid`, front to back; all must lie at `depth`.
  void collect(const Cid& cid, std::size_t depth, std::vector<Cid>& leaves) const {
    if (depth == 0) return leaves.push_back(cid);
    ASSERT_TRUE(nodes.contains(cid));
    for (const Subtree& child : nodes.at(cid)) collect(child.cid, depth - 1, leaves);
  }

  LayoutBuilder builder;
  std::map<Cid, std::vector<Subtree>> nodes;
  std::vector<Subtree> root;
};

TEST(LayoutBuilder, MakesASingleLeafItsOwnRoot) {
  const Built built(1, 3);
  EXPECT_EQ(built.root[0].cid, numbered(0));
  EXPECT_EQ(built.root[0].size, 10);
  EXPECT_TRUE(built.nodes.empty());
}

TEST(LayoutBuilder, PutsAllLeavesAtOneDepthInTheirOrder) {
  for (const std::size_t width : {2U, 3U, 4U, 5U, 174U}) {
    for (std::uint64_t count = 1; count <= 400; ++count) {
      SCOPED_TRACE(::testing::Message() << count << " leaves, width " << width);
      const Built built(count, width);
      std::vector<Cid> leaves;
      built.collect(built.root[0].cid, Built::depth_of(count, width), leaves);
      ASSERT_EQ(leaves.size(), count);
      for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(leaves[i], numbered(i));
      ASSERT_EQ(built.root[0].size, 10 * count);
      ASSERT_EQ(built.root[0].encoded_size, 11 * count + 100 * built.nodes.size());
    }
  }
}

TEST(LayoutBuilder, FillsNodesFromTheFront) {
  const Built built(10, 3);
  std::vector<std::size_t> widths;
  for (const auto& [cid, children] : built.nodes) widths.push_back(children.size());
  std::sort(widths.begin(), widths.end());
  // Four nodes over the leaves (3, 3, 3, 1), two above them (3, 1), the root.
  EXPECT_THAT(widths, ElementsAre(1, 1, 2, 3, 3, 3, 3));
}

TEST(LayoutBuilder, CountsIn64Bits) {
  const std::uint64_t huge = std::uint64_t{1} << 45;
  const Built built(100'000, 256, huge);
  EXPECT_EQ(built.root[0].size, 100'000 * huge);
}

TEST(LayoutBuilder, RefusesAFileThatNoNumberCanMeasure) {
  LayoutBuilder builder(2, [](auto) -> Result<LayoutBuilder::Node> {
    return LayoutBuilder::Node{numbered(9), 1};
  });
  ASSERT_THAT(builder.add({numbered(1), UINT64_MAX, 1}), Succeeds());
  ASSERT_THAT(builder.add({numbered(2), 1, 1}), Succeeds());
  EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(LayoutBuilder, PassesOnTheErrorOfANode) {
  LayoutBuilder builder(
      2, [](auto) -> Result<LayoutBuilder::Node> { return fail(ErrorCode::kNoSpace, "full"); });
  ASSERT_THAT(builder.add({numbered(1), 1, 1}), Succeeds());
  ASSERT_THAT(builder.add({numbered(2), 1, 1}), Succeeds());
  EXPECT_THAT(builder.add({numbered(3), 1, 1}), FailsWith(ErrorCode::kNoSpace));
}

}  // namespace
}  // namespace packstore::dag
