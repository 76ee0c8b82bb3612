// More leaves than 32 bits can count. Method: they are synthetic, and nodes are only counted.
#include <gtest/gtest.h>

#include "dag/layout_builder.h"

namespace packstore::dag {
namespace {

TEST(LayoutBuilderSoak, TakesMoreLeavesThan32BitsCount) {
  constexpr std::uint64_t kLeaves = (std::uint64_t{1} << 32) + 3;
  constexpr std::size_t kWidth = 1024;
  const Cid cid = Cid::of(NodeKind::kRaw, {});
  std::uint64_t nodes = 0;
  std::size_t widest = 0;
  LayoutBuilder builder(kWidth, [&](auto children) -> Result<LayoutBuilder::Node> {
    ++nodes;
    widest = std::max(widest, children.size());
    return LayoutBuilder::Node{cid, 1};
  });
  const Subtree leaf{cid, 1 << 20, 1 << 20};
  for (std::uint64_t i = 0; i < kLeaves; ++i) builder.add(leaf).value();
  const Subtree root = builder.finish().value();
  EXPECT_EQ(root.size, kLeaves << 20);
  EXPECT_EQ(widest, kWidth);
  // 2^22 + 1 nodes over the leaves, 2^12 + 1 above them, 5, 1.
  EXPECT_EQ(nodes, (1U << 22) + 1 + (1U << 12) + 1 + 5 + 1);
}

}  // namespace
}  // namespace packstore::dag
