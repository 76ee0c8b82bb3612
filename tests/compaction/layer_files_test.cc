// Files are shared by layers: a file is there as long as a layer is in it, and no longer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compaction/layer_set.h"

namespace packstore {
namespace {

KeyRange cells(std::uint64_t begin, std::uint64_t end) { return {{0, begin * 16}, {0, end * 16}}; }

// A layer of four cells, 100 bytes each.
LayerShape four_cells(FileId file) {
  LayerShape layer{.file = file, .keys = cells(0, 4), .lsns = {0, 10}, .bytes = 400, .records = 4};
  for (std::uint64_t cell = 0; cell < 4; ++cell) {
    layer.cells.push_back({.cell = {0, cell * 16}, .bytes = 100, .records = 1});
  }
  return layer;
}

TEST(LayerFiles, StayUntilTheLastOfTheirLayersGoes) {
  LayerSet layers(Grid{4});
  const FileId file = layers.add_file(400);
  const LayerId layer = layers.add(four_cells(file));
  ASSERT_TRUE(layers.remove({layer, cells(1, 3)}).has_value());
  layers.settle();
  ASSERT_EQ(layers.layers().size(), 2U);  // Cells 0 and 3, both in the file.
  EXPECT_EQ(layers.layers()[0].keys, cells(0, 1));
  EXPECT_EQ(layers.layers()[1].keys, cells(3, 4));
  EXPECT_EQ(layers.layers()[0].bytes + layers.layers()[1].bytes, 200U);
  ASSERT_EQ(layers.files().size(), 1U);
  EXPECT_EQ(layers.files()[0].bytes, 400U);  // Dead bytes are still there.
  ASSERT_TRUE(layers.remove({layers.layers()[0].id, cells(0, 1)}).has_value());
  layers.settle();
  EXPECT_EQ(layers.files().size(), 1U);
  ASSERT_TRUE(layers.remove({layers.layers()[0].id, cells(3, 4)}).has_value());
  layers.settle();
  EXPECT_TRUE(layers.layers().empty());
  EXPECT_TRUE(layers.files().empty());
}

TEST(LayerFiles, GiveBackWhatIsDeadInWholeBlocks) {
  LayerSet layers(Grid{4}, 50);
  const LayerId layer = layers.add(four_cells(layers.add_file(400)));
  ASSERT_TRUE(layers.remove({layer, cells(1, 3)}).has_value());
  layers.settle();
  ASSERT_EQ(layers.files().size(), 1U);
  // Two layers of 100 bytes, and a block at either end of each.
  EXPECT_EQ(layers.files()[0].bytes, 2 * (100U + 2 * 50U));
  ASSERT_TRUE(layers.remove({layers.layers()[0].id, cells(0, 1)}).has_value());
  layers.settle();
  EXPECT_EQ(layers.files()[0].bytes, 100U + 2 * 50U);
}

TEST(LayerFiles, HoldWhatWasInMemoryOnceItIsWritten) {
  LayerSet layers(Grid{4});
  const LayerId layer = layers.add(four_cells(kInMemory));
  layers.settle();
  EXPECT_TRUE(layers.files().empty());
  ASSERT_TRUE(layers.remove({layer, cells(1, 3)}).has_value());
  layers.settle();
  EXPECT_EQ(layers.write_memory(), 200U);
  ASSERT_EQ(layers.files().size(), 1U);
  for (const LayerShape& left : layers.layers()) EXPECT_EQ(left.file, layers.files()[0].id);
  EXPECT_EQ(layers.write_memory(), 0U);
  EXPECT_EQ(layers.files().size(), 1U);
}

TEST(LayerFiles, AreNotNumberedTwice) {
  LayerSet layers(Grid{4});
  const FileId first = layers.add_file(400);
  layers.add(four_cells(first));
  const LayerSet again(layers.grid(), {layers.layers().begin(), layers.layers().end()},
                       {layers.files().begin(), layers.files().end()});
  LayerSet next = again;
  EXPECT_GT(next.add_file(1), first);
}

TEST(LayerFiles, LoseNoRangeTwiceAndNoPartOfACell) {
  LayerSet layers(Grid{4});
  const LayerId layer = layers.add(four_cells(layers.add_file(400)));
  ASSERT_TRUE(layers.remove({layer, cells(1, 2)}).has_value());
  EXPECT_FALSE(layers.remove({layer, cells(0, 2)}).has_value());
  EXPECT_FALSE(layers.remove({layer, {{0, 40}, {0, 48}}}).has_value());
  EXPECT_FALSE(layers.remove({layer, cells(7, 9)}).has_value());
  EXPECT_FALSE(layers.remove({layer + 1, cells(0, 1)}).has_value());
}

}  // namespace
}  // namespace packstore
