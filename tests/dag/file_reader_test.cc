#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <climits>
#include <random>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "dag/dag_pb.h"
#include "dag/file_node.h"
#include "dag/unixfs.h"
#include "dag/varint.h"
#include "file_sources.h"
#include "fixtures.h"
#include "packstore/file.h"
#include "support/store_scratch.h"
#include "watched_blocks.h"

namespace packstore {
namespace {

using testing::FailsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::narrow_profile;
using testing::noise;
using ::testing::SizeIs;
using testing::Succeeds;
using testing::WatchedBlocks;
using testing::write_bytes;

struct Shape {
  const char* profile;
  FileLayout layout;
  unsigned threads;
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.profile << (shape.layout == FileLayout::kFlat ? ", flat, " : ", balanced, ")
       << shape.threads << " threads";
}

class FileReaderTest : public ::testing::TestWithParam<Shape> {
 protected:
  FileRoot write(ByteView content) {
    FileProfile profile = narrow_profile(GetParam().profile);
    profile.layout = GetParam().layout;
    return write_bytes(blocks_, content, {.profile = profile});
  }
  FileReader open(const FileRoot& root) {
    return FileReader::open(blocks_, root.cid, {.threads = GetParam().threads}).value();
  }

  WatchedBlocks blocks_;
};
INSTANTIATE_TEST_SUITE_P(Shapes, FileReaderTest,
                         ::testing::Values(Shape{"native", FileLayout::kBalanced, 1},
                                           Shape{"native", FileLayout::kBalanced, 3},
                                           Shape{"native", FileLayout::kFlat, 2},
                                           Shape{"unixfs-v1-2025", FileLayout::kBalanced, 1},
                                           Shape{"unixfs-v0-2015", FileLayout::kBalanced, 3}));

// Model: the bytes themselves, and the position that POSIX would have.
TEST_P(FileReaderTest, BehavesLikeAFileUnderRandomSeeksAndReads) {
  std::mt19937_64 random(testing::test_seed());
  const Bytes content = noise(300'000, random());
  FileReader reader = open(write(content));
  std::uint64_t position = 0;
  for (int step = 0; step < 2'000; ++step) {
    const std::size_t wanted = random() % (step % 10 == 0 ? 120'000 : 3'000);
    const std::uint64_t offset = random() % (content.size() + 5'000);
    Bytes buffer(wanted);
    const auto expected = [&](std::uint64_t from) {
      const std::size_t begin = std::min<std::uint64_t>(from, content.size());
      const std::size_t end = std::min(content.size(), begin + wanted);
      return Bytes(content.begin() + static_cast<std::ptrdiff_t>(begin),
                   content.begin() + static_cast<std::ptrdiff_t>(end));
    };
    switch (random() % 4) {
      case 0:
        position = reader.seek(static_cast<std::int64_t>(offset)).value();
        ASSERT_EQ(position, offset);
        break;
      case 1:
        buffer.resize(reader.read_at(offset, buffer).value());
        ASSERT_EQ(buffer, expected(offset));
        break;
      default:
        buffer.resize(reader.read(buffer).value());
        ASSERT_EQ(buffer, expected(position));
        position += buffer.size();
    }
    ASSERT_EQ(reader.position(), position);
  }
}

TEST_P(FileReaderTest, FindsItsSizeInTheRootAlone) {
  const FileRoot root = write(noise(300'000, 1));
  blocks_.take_reads();
  EXPECT_EQ(open(root).size(), 300'000);
  EXPECT_THAT(blocks_.take_reads(), SizeIs(1));
}

TEST_P(FileReaderTest, ReadsOnlyWhatARangeNeeds) {
  const FileRoot root = write(noise(300'000, 1));
  FileReader reader = open(root);
  blocks_.take_reads();
  Bytes byte(1);
  ASSERT_THAT(reader.read_at(150'000, byte), Succeeds());
  // 300 KB in chunks of about 512 bytes, three to a node: at most 8 levels.
  EXPECT_LE(blocks_.take_reads().size(), 8);
  // A neighbour is in the same leaf, or in the next one; what is above it is known.
  ASSERT_THAT(reader.read_at(150'001, byte), Succeeds());
  EXPECT_LE(blocks_.take_reads().size(), 3);
}

TEST_P(FileReaderTest, SeeksLikePosix) {
  FileReader reader = open(write(noise(10'000, 2)));
  Bytes buffer(100);
  blocks_.take_reads();
  EXPECT_EQ(reader.seek(-10, SeekFrom::kEnd).value(), 9'990);
  EXPECT_THAT(blocks_.take_reads(), IsEmpty());
  EXPECT_EQ(reader.read(buffer).value(), 10);
  EXPECT_EQ(reader.read(buffer).value(), 0);
  EXPECT_EQ(reader.seek(5, SeekFrom::kPosition).value(), 10'005);
  EXPECT_EQ(reader.read(buffer).value(), 0);
  EXPECT_EQ(reader.seek(-10'005, SeekFrom::kPosition).value(), 0);
  EXPECT_EQ(reader.read(buffer).value(), 100);
  EXPECT_EQ(reader.seek(INT64_MAX).value(), INT64_MAX);
  EXPECT_EQ(reader.read(buffer).value(), 0);
  EXPECT_EQ(reader.read({}).value(), 0);
}

TEST_P(FileReaderTest, StaysWhereItIsWhenASeekIsImpossible) {
  FileReader reader = open(write(noise(10'000, 2)));
  ASSERT_THAT(reader.seek(77), Succeeds());
  EXPECT_THAT(reader.seek(-1), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(reader.seek(-78, SeekFrom::kPosition), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(reader.seek(INT64_MIN, SeekFrom::kEnd), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(reader.position(), 77);
}

// A lost block hides what is in it and nothing else, whether it is read at once or in passing.
TEST_P(FileReaderTest, ReadsAroundABlockThatIsMissing) {
  const Bytes content = noise(300'000, 3);
  const FileRoot root = write(content);
  FileReader before = open(root);
  blocks_.take_reads();
  Bytes byte(1);
  ASSERT_THAT(before.read_at(150'000, byte), Succeeds());
  const ObjectId lost = blocks_.take_reads().back();
  blocks_.lose(lost);

  FileReader reader = open(root);
  const auto inside = reader.read_at(150'000, byte);
  ASSERT_THAT(inside, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(inside.error().message, HasSubstr(lost.to_hex()));
  Bytes front(140'000);
  ASSERT_EQ(reader.read_at(0, front).value(), front.size());
  EXPECT_TRUE(std::equal(front.begin(), front.end(), content.begin()));

  // Small steps, so that windows are read ahead over the hole.
  Bytes step(100);
  std::uint64_t position = 0;
  while (reader.read(step)) position += step.size();
  EXPECT_GT(position, 145'000);
  EXPECT_LE(position, 150'000);
  ASSERT_THAT(reader.seek(155'000), Succeeds());
  ASSERT_EQ(reader.read(step).value(), step.size());
  EXPECT_TRUE(std::equal(step.begin(), step.end(), content.begin() + 155'000));
}

// Method: pieces of every stretch are put together again, with fewer and more threads than pieces.
TEST_P(FileReaderTest, GivesStretchesInPiecesFrontToBack) {
  const Bytes content = noise(2'300'000, 8);
  FileReader reader = open(write(content));
  ASSERT_THAT(reader.seek(5), Succeeds());
  const std::uint64_t size = content.size();
  for (const FileStretch stretch :
       {FileStretch{}, FileStretch{.offset = 700'001}, FileStretch{.offset = 3, .length = 1 << 20},
        FileStretch{.offset = 100, .length = 0}, FileStretch{.offset = size - 1, .length = 9},
        FileStretch{.offset = size}, FileStretch{.offset = UINT64_MAX}}) {
    Bytes all;
    ASSERT_THAT(reader.for_each_piece(stretch,
                                      [&](ByteView piece) -> Status {
                                        EXPECT_FALSE(piece.empty());
                                        EXPECT_LE(piece.size(), 1 << 20);
                                        all.insert(all.end(), piece.begin(), piece.end());
                                        return {};
                                      }),
                Succeeds());
    const ByteView from =
        ByteView(content).subspan(static_cast<std::size_t>(std::min(stretch.offset, size)));
    const ByteView wanted =
        from.first(static_cast<std::size_t>(std::min<std::uint64_t>(stretch.length, from.size())));
    EXPECT_TRUE(std::ranges::equal(all, wanted)) << stretch.offset << ", " << stretch.length;
  }
  EXPECT_EQ(reader.position(), 5);
}

TEST_P(FileReaderTest, GivesNoPieceBehindOneThatFails) {
  const Bytes content = noise(4'300'000, 9);
  const FileRoot root = write(content);
  FileReader reader = open(root);
  int pieces = 0;
  EXPECT_THAT(reader.for_each_piece({},
                                    [&](ByteView) -> Status {
                                      if (++pieces < 2) return {};
                                      return Error{ErrorCode::kNoSpace, "full"};
                                    }),
              FailsWith(ErrorCode::kNoSpace));
  EXPECT_EQ(pieces, 2);
}

TEST(FileReader, PassesOnWhatAVisitorThrows) {
  MemoryBlocks blocks;
  const FileRoot root = write_bytes(blocks, noise(9'000'000, 9));
  for (const unsigned threads : {1U, 2U, 5U}) {
    FileReader reader = FileReader::open(blocks, root.cid, {.threads = threads}).value();
    int pieces = 0;
    const auto visit = [&](ByteView) -> Status {
      if (++pieces == 3) throw std::runtime_error("thrown");
      return {};
    };
    EXPECT_THROW(static_cast<void>(reader.for_each_piece({}, visit)), std::runtime_error);
    EXPECT_EQ(pieces, 3);
  }
}

// Where a block is missing, what is in front of its piece is given all the same.
TEST(FileReader, GivesThePiecesInFrontOfTheOneThatCannotBeRead) {
  const Bytes content = noise(4'300'000, 9);
  WatchedBlocks blocks;
  const FileRoot root =
      write_bytes(blocks, content, {.profile = {.chunker = ChunkerSpec::fixed(1'000)}});
  blocks.lose(ObjectId::of(ByteView(content).subspan(3'000'000, 1'000)));
  for (const unsigned threads : {1U, 3U}) {
    FileReader reader = FileReader::open(blocks, root.cid, {.threads = threads}).value();
    std::uint64_t bytes = 0;
    EXPECT_THAT(reader.for_each_piece({},
                                      [&](ByteView piece) -> Status {
                                        bytes += piece.size();
                                        return {};
                                      }),
                FailsWith(ErrorCode::kNotFound));
    EXPECT_EQ(bytes, 2 << 20);
  }
}

// Where a store has cheap parts, a short read asks for its own bytes and no others.
TEST(FileReader, AsksForThePartsThatItWants) {
  const Bytes content = noise(20'000, 7);
  WatchedBlocks blocks;
  blocks.cheap_parts = true;
  const FileRoot root = write_bytes(blocks, content, {.profile = narrow_profile()});
  FileReader reader = FileReader::open(blocks, root.cid).value();
  Bytes into(1'500);
  for (std::size_t offset = 0; offset < content.size(); offset += 777) {
    const std::size_t count = reader.read_at(offset, into).value();
    EXPECT_EQ(count, std::min(into.size(), content.size() - offset));
    EXPECT_TRUE(std::equal(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(count),
                           content.begin() + static_cast<std::ptrdiff_t>(offset)));
    EXPECT_EQ(blocks.take_part_bytes(), count);
  }
}

TEST(FileReader, NoticesAPartOfALeafThatIsNotAsLongAsTheNodeAboveSays) {
  const Bytes content = noise(20'000, 7);
  WatchedBlocks blocks;
  blocks.cheap_parts = true;
  const FileRoot root =
      write_bytes(blocks, content, {.profile = {.chunker = ChunkerSpec::fixed(1'000)}});
  const ObjectId leaf = ObjectId::of(ByteView(content).subspan(3'000, 1'000));
  FileReader reader = FileReader::open(blocks, root.cid).value();
  Bytes into(300);
  for (const std::size_t length : {std::size_t{999}, std::size_t{1'001}}) {
    blocks.replace(leaf, Bytes(length));
    EXPECT_THAT(reader.read_at(3'100, into), FailsWith(ErrorCode::kCorrupt));
  }
}

TEST(FileReader, ReadsARawBlockAsTheFileThatItIs) {
  WatchedBlocks blocks;
  const Cid cid = blocks.put(NodeKind::kRaw, as_bytes("hello world")).value();
  FileReader reader = FileReader::open(blocks, cid).value();
  EXPECT_THAT(blocks.take_reads(), IsEmpty());
  EXPECT_EQ(reader.size(), 11);
  EXPECT_EQ(as_text(testing::read_all(reader, 4)), "hello world");
}

// Whatever is read of a long leaf, the store is asked for it once: it would check it as a whole for
// every part.
TEST(FileReader, FetchesALongLeafOnceForReadsThatFollowEachOther) {
  const Bytes content = noise(17'000'000, 12);
  for (const char* name : {"native", "unixfs-v1-2025", "unixfs-v0-2015"}) {
    SCOPED_TRACE(name);
    FileProfile profile = FileProfile::named(name).value();
    profile.chunker = ChunkerSpec::fixed(8'000'000);
    WatchedBlocks blocks;
    const Cid root = write_bytes(blocks, content, {.profile = profile}).cid;
    // The root, and three leaves.
    const auto reads_of = [&](const auto& read) {
      blocks.take_reads();
      FileReader reader = FileReader::open(blocks, root).value();
      EXPECT_TRUE(read(reader) == content);
      return blocks.take_reads();
    };
    EXPECT_THAT(reads_of([](FileReader& reader) { return testing::read_all(reader, 50'000); }),
                SizeIs(4));
    EXPECT_THAT(reads_of([&](FileReader& reader) {
                  Bytes all(content.size());
                  for (std::size_t at = 0; at < all.size(); at += 100'000) {
                    EXPECT_EQ(reader.read_at(at, std::span(all).subspan(at, 100'000)).value(),
                              100'000);
                  }
                  return all;
                }),
                SizeIs(4));
    EXPECT_THAT(reads_of([](FileReader& reader) {
                  Bytes all;
                  EXPECT_THAT(reader.for_each_piece({},
                                                    [&](ByteView piece) -> Status {
                                                      all.insert(all.end(), piece.begin(),
                                                                 piece.end());
                                                      return {};
                                                    }),
                              Succeeds());
                  return all;
                }),
                SizeIs(5));  // Pieces have a cache of their own: the root again.
  }
}

TEST(FileReader, NoticesALongLeafThatIsNotAsLongAsTheNodeAboveSays) {
  const Bytes content = noise(2'000'000, 13);
  WatchedBlocks blocks;
  const FileRoot root =
      write_bytes(blocks, content, {.profile = {.chunker = ChunkerSpec::fixed(1'000'000)}});
  const ObjectId leaf = ObjectId::of(ByteView(content).first(1'000'000));
  FileReader reader = FileReader::open(blocks, root.cid).value();
  Bytes into(300);
  for (const std::size_t length : {std::size_t{999'999}, std::size_t{1'000'001}}) {
    blocks.replace(leaf, Bytes(length));
    for (int again = 0; again < 2; ++again) {
      EXPECT_THAT(reader.read_at(3'100, into), FailsWith(ErrorCode::kCorrupt));
    }
  }
}

// A trickle layout: leaves of different depths, and content in the nodes themselves.
TEST(FileReader, ReadsLeavesOfEveryDepthAndContentInsideOfNodes) {
  MemoryBlocks blocks;
  const Bytes content = noise(10'000, 11);
  std::size_t at = 0;
  const auto leaf = [&](std::size_t size) -> dag::FileNodeChild {
    const ByteView part = ByteView(content).subspan(at, size);
    at += size;
    return {blocks.put(NodeKind::kRaw, part).value(), size, size};
  };
  const auto node = [&](std::size_t inside, auto make_children) -> dag::FileNodeChild {
    const ByteView part = ByteView(content).subspan(at, inside);
    at += inside;
    const std::vector<dag::FileNodeChild> children = make_children();
    dag::UnixFsData data{.type = dag::UnixFsType::kFile, .data = part, .file_size = inside};
    dag::PbNode pb;
    for (const dag::FileNodeChild& child : children) {
      pb.links.push_back({child.cid, "", child.encoded_size});
      data.block_sizes.push_back(child.size);
      *data.file_size += child.size;
    }
    const Bytes encoded = dag::encode_unixfs(data);
    pb.data = encoded;
    return {blocks.put(NodeKind::kDagPb, dag::encode_pb(pb)).value(), *data.file_size, 1};
  };
  using Children = std::vector<dag::FileNodeChild>;
  const dag::FileNodeChild root = node(100, [&] {
    Children children{leaf(900), leaf(1'000)};
    children.push_back(node(0, [&] { return Children{leaf(1'500), leaf(500)}; }));
    children.push_back(node(1'000, [&] {
      Children below{leaf(2'000)};
      below.push_back(node(3'000, [] { return Children(); }));
      return below;
    }));
    return children;
  });
  ASSERT_EQ(root.size, content.size());
  FileReader reader = FileReader::open(blocks, root.cid).value();
  EXPECT_EQ(testing::read_all(reader, 777), content);
  for (const std::size_t offset : {0U, 99U, 100U, 1'999U, 3'999U, 4'000U, 5'001U, 6'999U, 9'999U}) {
    Bytes byte(1);
    ASSERT_EQ(reader.read_at(offset, byte).value(), 1) << offset;
    EXPECT_EQ(byte[0], content[offset]) << offset;
  }
}

// A file of other people's with a block missing in its middle (gateway-conformance).
TEST(FileReader, ReadsAPublishedFileAroundTheBlockThatItLacks) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  MemoryBlocks blocks;
  const Bytes car =
      dag::read_bytes(dag::shared_testdata() / "car/file-3k-and-3-blocks-missing-block.car");
  ByteView rest = car;
  const auto section = [&] {
    const std::size_t size = dag::take_varint(rest, dag::kMultiformatVarintSizeMax).value();
    const ByteView bytes = rest.first(size);
    rest = rest.subspan(size);
    return bytes;
  };
  section();  // The header.
  std::vector<Cid> cids;
  while (!rest.empty()) {
    ByteView block = section();
    cids.push_back(Cid::decode_front(block).value());
    ASSERT_EQ(*cids.back().object_id(), ObjectId::of(block));
    ASSERT_THAT(blocks.put(*cids.back().kind(), block), Succeeds());
  }
  ASSERT_THAT(cids, SizeIs(3));  // The root, and two leaves of three.
  FileReader reader = FileReader::open(blocks, cids[0]).value();
  EXPECT_EQ(reader.size(), 3 * 1024);
  Bytes kilobyte(1024);
  EXPECT_EQ(reader.read_at(0, kilobyte).value(), 1024);
  EXPECT_THAT(reader.read_at(1024, kilobyte), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(reader.read_at(2048, kilobyte).value(), 1024);
  EXPECT_THAT(reader.read_at(1000, kilobyte), FailsWith(ErrorCode::kNotFound));
}

TEST(FileReader, RefusesWhatIsNoFile) {
  MemoryBlocks blocks;
  const Cid absent = Cid::of(NodeKind::kRaw, {});
  EXPECT_THAT(FileReader::open(blocks, absent), FailsWith(ErrorCode::kNotFound));
  for (const NodeKind kind : {NodeKind::kDagPb, NodeKind::kDagCbor}) {
    const Cid cid = blocks.put(kind, as_bytes("\xff\xff no node")).value();
    EXPECT_THAT(FileReader::open(blocks, cid), FailsWith(ErrorCode::kCorrupt));
  }
}

// Whoever hands out a DAG may lie about sizes: a leaf that is longer or shorter than the node above
// says would shift everything behind it.
TEST_P(FileReaderTest, NoticesALeafThatIsNotAsLongAsTheNodeAboveSays) {
  const FileRoot root = write(noise(100'000, 4));
  Bytes byte(1);
  FileReader before = open(root);
  blocks_.take_reads();
  ASSERT_THAT(before.read_at(50'000, byte), Succeeds());
  const ObjectId leaf = blocks_.take_reads().back();
  blocks_.replace(leaf, noise(9'999, 5));
  FileReader reader = open(root);
  EXPECT_THAT(reader.read_at(50'000, byte), FailsWith(ErrorCode::kCorrupt));
}

TEST_P(FileReaderTest, ReadsMuchAtOnce) {
  const Bytes content = noise(10'000'000, 6);
  FileReader reader = open(write_bytes(blocks_, content));
  Bytes all(content.size() + 10);
  EXPECT_EQ(reader.read(all).value(), content.size());
  all.resize(content.size());
  EXPECT_EQ(all, content);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Notes what the heap holds at the most when it is asked for something.
class HeapWatch final : public BlockStore {
 public:
  static std::size_t heap_bytes() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  }
  std::size_t most() const { return most_; }

  Status put_prepared(const PreparedBlocks& blocks) override {
    for (std::size_t i = 0; i < blocks.ids.size(); ++i) {
      blocks_[blocks.ids[i]].assign(blocks.contents[i].begin(), blocks.contents[i].end());
    }
    return {};
  }

 private:
  Result<Bytes> get_object(const ObjectId& id) const override {
    most_ = std::max(most_, heap_bytes());
    return blocks_.at(id);
  }
  Result<std::uint64_t> object_size(const ObjectId& id) const override {
    return std::uint64_t{blocks_.at(id).size()};
  }
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override {
    std::vector<bool> has;
    for (const ObjectId& id : ids) has.push_back(blocks_.contains(id));
    return has;
  }

  std::unordered_map<ObjectId, Bytes> blocks_;
  mutable std::size_t most_ = 0;
};

// A file in chunks of one byte, below nodes of 8,192 links that are one node, or all differ.
TEST(FileReader, ReadsTheShortestChunksInBoundedMemory) {
  constexpr std::size_t kWidth = 8'192;
  constexpr std::size_t kNodes = 50;
  HeapWatch blocks;
  const std::array<Cid, 2> leaves{blocks.put(NodeKind::kRaw, as_bytes("a")).value(),
                                  blocks.put(NodeKind::kRaw, as_bytes("b")).value()};
  for (const std::size_t distinct : {std::size_t{1}, kNodes}) {
    SCOPED_TRACE(distinct);
    std::vector<dag::FileNodeChild> nodes;
    Bytes content;
    for (std::size_t i = 0; i < kNodes; ++i) {
      std::vector<dag::FileNodeChild> chunks(kWidth, {leaves[0], 1, 1});
      chunks[i % distinct].cid = leaves[1];
      content.insert(content.end(), kWidth, std::byte{'a'});
      content[i * kWidth + i % distinct] = std::byte{'b'};
      const Bytes node = dag::encode_native_file(chunks).value();
      nodes.push_back({blocks.put(NodeKind::kDagCbor, node).value(), kWidth, 1});
    }
    const Cid root = blocks.put(NodeKind::kDagCbor, dag::encode_native_file(nodes).value()).value();
    FileReader reader = FileReader::open(blocks, root).value();
    Bytes all(content.size());
    const std::size_t before = HeapWatch::heap_bytes();
    if (before == 0) GTEST_SKIP() << "this heap does not say how much it holds";
    EXPECT_EQ(reader.read(all).value(), all.size());
    EXPECT_TRUE(all == content);
    EXPECT_LT(blocks.most() - before, std::size_t{40} << 20);
  }
}
#endif

TEST(FileReader, TakesTheLargestNumberOfThreadsThereIs) {
  const Bytes content = noise(100'000, 14);
  MemoryBlocks blocks;
  const FileRoot root =
      write_bytes(blocks, content, {.profile = narrow_profile(), .threads = UINT_MAX});
  FileReader reader = FileReader::open(blocks, root.cid, {.threads = UINT_MAX}).value();
  Bytes all(content.size());
  EXPECT_EQ(reader.read(all).value(), content.size());
  EXPECT_EQ(all, content);
}

}  // namespace
}  // namespace packstore
