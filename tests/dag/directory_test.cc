// Directories are written, listed, searched and followed, plain and as shards. Narrow shards over
// few names reach every level that wide ones need millions for.
#include "packstore/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dag/directory_node.h"
#include "dag/fixtures.h"
#include "file_sources.h"
#include "packstore/car.h"
#include "packstore/dag.h"
#include "packstore/file.h"
#include "support/store_scratch.h"
#include "watched_blocks.h"

namespace packstore {

inline void PrintTo(const DirectoryProfile& profile, std::ostream* out) {
  *out << profile.name << ", fan-out " << profile.fanout;
}

namespace {

using dag::read_bytes;
using dag::shared_testdata;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::WatchedBlocks;

MATCHER_P2(FailsSaying, code, words, "fails and says " + std::string(words)) {
  if (arg || arg.error().code != code) return false;
  *result_listener << arg.error().message;
  return arg.error().message.find(words) != std::string::npos;
}

Cid cid_of(std::string_view content) {
  return Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes(content)));
}

DirectoryEntry entry(std::string name) {
  return {.name = name, .cid = cid_of(name), .encoded_size = name.size()};
}

std::vector<DirectoryEntry> entries(std::size_t count) {
  std::vector<DirectoryEntry> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(entry("name " + std::to_string(i)));
  return made;
}

std::vector<DirectoryEntry> by_name(std::vector<DirectoryEntry> entries) {
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

// Shards from the first entry on, and deep ones.
DirectoryProfile sharded(std::uint32_t fanout = 8) {
  return {.name = "sharded", .shard_above = 0, .fanout = fanout};
}

Cid write(BlockStore& blocks, std::span<const DirectoryEntry> entries,
          const DirectoryProfile& profile = {}) {
  return write_directory(blocks, entries, profile).value().cid;
}

class Shapes : public ::testing::TestWithParam<DirectoryProfile> {};

TEST_P(Shapes, GiveBackEveryEntryByNameAndAsAList) {
  const std::vector<DirectoryEntry> all = entries(300);
  MemoryBlocks blocks;
  const Cid root = write(blocks, all, GetParam());
  EXPECT_EQ(list_directory(blocks, root).value(), by_name(all));
  for (const DirectoryEntry& each : all) {
    EXPECT_EQ(find_entry(blocks, root, each.name).value(), each);
  }
  for (const std::string absent : {"", "name", "name 300", "name 1/", "..", "\xff"}) {
    EXPECT_EQ(find_entry(blocks, root, absent).value(), std::nullopt) << absent;
  }
}

TEST_P(Shapes, DoNotDependOnTheOrderInWhichEntriesAreGiven) {
  std::vector<DirectoryEntry> all = entries(300);
  MemoryBlocks blocks;
  const DirectoryRoot root = write_directory(blocks, all, GetParam()).value();
  std::mt19937_64 random(testing::test_seed());
  std::shuffle(all.begin(), all.end(), random);
  MemoryBlocks others;
  const DirectoryRoot other = write_directory(others, all, GetParam()).value();
  EXPECT_EQ(other.cid, root.cid);
  EXPECT_EQ(other.encoded_size, root.encoded_size);
  EXPECT_EQ(other.nodes, root.nodes);
}

TEST_P(Shapes, SayHowLargeTheirBlocksAreAndHowMany) {
  std::vector<DirectoryEntry> all = entries(500);
  MemoryBlocks blocks;
  for (const DirectoryEntry& each : all) {
    ASSERT_EQ(blocks.put(NodeKind::kRaw, as_bytes(each.name)).value(), each.cid);
  }
  const DirectoryRoot root = write_directory(blocks, all, GetParam()).value();
  const DagReport report = check_dag(blocks, root.cid).value();
  EXPECT_TRUE(report.is_whole());
  EXPECT_EQ(report.leaves, all.size());
  EXPECT_EQ(report.nodes, root.nodes);
  EXPECT_EQ(report.block_bytes, root.encoded_size);
}

TEST_P(Shapes, RefuseANameThatIsThereTwice) {
  std::vector<DirectoryEntry> all = entries(300);
  all.push_back(all[7]);
  MemoryBlocks blocks;
  EXPECT_THAT(write_directory(blocks, all, GetParam()),
              FailsSaying(ErrorCode::kInvalidArgument, "name 7"));
  EXPECT_EQ(blocks.block_count(), 0U);
}

std::string name_of_shape(const ::testing::TestParamInfo<DirectoryProfile>& shape) {
  std::string name = shape.param.name + "_" + std::to_string(shape.param.fanout);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Shapes,
                         ::testing::Values(DirectoryProfile(),
                                           DirectoryProfile::named("unixfs-v0-2015").value(),
                                           sharded(8), sharded(16), sharded(256), sharded(1024)),
                         name_of_shape);

TEST(Directory, BecomesShardsWhereItsMeasureIsAboveTheLimit) {
  const std::vector<DirectoryEntry> one = {entry("0123456789")};
  const Bytes plain = [&] {
    MemoryBlocks blocks;
    return blocks.get(write(blocks, one)).value();
  }();
  const auto nodes_at = [&](DirectoryMeasure measure, std::uint64_t limit) {
    MemoryBlocks blocks;
    const Cid root = write(blocks, one, {.measure = measure, .shard_above = limit});
    return dag::decode_directory_node(root, blocks.get(root).value()).value().is_shard();
  };
  EXPECT_FALSE(nodes_at(DirectoryMeasure::kBlock, plain.size()));
  EXPECT_TRUE(nodes_at(DirectoryMeasure::kBlock, plain.size() - 1));
  EXPECT_FALSE(nodes_at(DirectoryMeasure::kLinks, 10 + 36));
  EXPECT_TRUE(nodes_at(DirectoryMeasure::kLinks, 10 + 36 - 1));
}

TEST(Directory, IsFoundWithOneBlockALevel) {
  WatchedBlocks blocks;
  const std::vector<DirectoryEntry> all = entries(2'000);
  const Cid root = write(blocks, all, sharded(16));
  blocks.take_reads();
  std::size_t deepest = 0;
  for (const DirectoryEntry& each : all) {
    EXPECT_EQ(find_entry(blocks, root, each.name).value()->cid, each.cid);
    deepest = std::max(deepest, blocks.take_reads().size());
  }
  EXPECT_GE(deepest, 3U);
  EXPECT_LE(deepest, 6U);
}

TEST(Directory, OfShardsSurvivesTheLossOfWhatIsNotAskedFor) {
  WatchedBlocks blocks;
  const std::vector<DirectoryEntry> all = entries(200);
  const Cid root = write(blocks, all, sharded(256));
  blocks.take_reads();
  ASSERT_TRUE(find_entry(blocks, root, all[0].name).value());
  const std::vector<ObjectId> needed = blocks.take_reads();
  std::size_t lost = 0;
  const auto shards = children_of(root, blocks.get(root).value()).value();
  for (const Cid& shard : shards) {
    if (shard.kind() != NodeKind::kDagPb || std::ranges::count(needed, *shard.object_id()) != 0) {
      continue;
    }
    blocks.lose(*shard.object_id());
    ++lost;
  }
  ASSERT_GT(lost, 0U);
  EXPECT_EQ(find_entry(blocks, root, all[0].name).value(), all[0]);
  EXPECT_THAT(list_directory(blocks, root), FailsSaying(ErrorCode::kNotFound, "bafy"));
}

TEST(Directory, RefusesNamesThatAreNone) {
  MemoryBlocks blocks;
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("a\0b", 3), std::string("\xc3\x28"), std::string(1025, 'n')}) {
    const DirectoryEntry bad = entry(name);
    EXPECT_THAT(write_directory(blocks, {&bad, 1}), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  for (const std::string name : {"...", " ", "\\", "\n", "\xc3\xa9", "a:b", "CON"}) {
    const DirectoryEntry good = entry(name);
    EXPECT_TRUE(write_directory(blocks, {&good, 1})) << name;
  }
}

TEST(Directory, RefusesSizesThatExceed64Bits) {
  MemoryBlocks blocks;
  std::vector<DirectoryEntry> all = entries(2);
  for (DirectoryEntry& each : all) each.encoded_size = UINT64_MAX / 2;
  EXPECT_THAT(write_directory(blocks, all), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(Directory, RefusesProfilesThatAreNone) {
  MemoryBlocks blocks;
  for (const DirectoryProfile& bad :
       {DirectoryProfile{.cid_version = 2}, DirectoryProfile{.fanout = 4},
        DirectoryProfile{.fanout = 100}, DirectoryProfile{.fanout = 2048},
        DirectoryProfile{.shard_above = (1U << 20) + 1}}) {
    EXPECT_THAT(write_directory(blocks, {}, bad), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(write_symlink(blocks, "target", bad), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(DirectoryProfile::named("other"),
              FailsSaying(ErrorCode::kInvalidArgument, "unixfs-v1-2025"));
}

TEST(Directory, EndsTheListWithTheErrorOfTheVisitor) {
  MemoryBlocks blocks;
  const Error stop{ErrorCode::kCancelled, "enough"};
  for (const DirectoryProfile& profile : {DirectoryProfile(), sharded()}) {
    int visits = 0;
    const Cid root = write(blocks, entries(50), profile);
    const Status listed = for_each_entry(blocks, root, [&](const DirectoryEntry&) -> Status {
      return ++visits == 3 ? Status(stop) : Status();
    });
    EXPECT_THAT(listed, FailsWith(ErrorCode::kCancelled));
    EXPECT_EQ(visits, 3);
  }
}

TEST(Path, LeadsThroughPlainDirectoriesAndShards) {
  MemoryBlocks blocks;
  const DirectoryEntry leaf = entry("leaf");
  const Cid lower = write(blocks, {{leaf}}, sharded());
  const std::vector<DirectoryEntry> upper = {{.name = "lower", .cid = lower}, entry("file")};
  const Cid root = write(blocks, upper);
  for (const std::string path : {"lower/leaf", "/lower/leaf", "lower//leaf/", "lower/leaf/"}) {
    EXPECT_EQ(resolve_path(blocks, root, path).value(), leaf.cid) << path;
  }
  for (const std::string path : {"", "/", "///"}) {
    EXPECT_EQ(resolve_path(blocks, root, path).value(), root) << path;
  }
  EXPECT_THAT(resolve_path(blocks, root, "lower/other/leaf"),
              FailsSaying(ErrorCode::kNotFound, "at other"));
  EXPECT_THAT(resolve_path(blocks, root, "file/leaf"), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(resolve_path(blocks, root, "lower/../file"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(resolve_path(blocks, root, "./file"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(Symlink, IsReadAsItWasWritten) {
  MemoryBlocks blocks;
  const DirectoryRoot root = write_symlink(blocks, "../a b").value();
  EXPECT_EQ(read_symlink(blocks, root.cid).value(), "../a b");
  EXPECT_EQ(type_of(blocks, root.cid).value(), EntryType::kSymlink);
  EXPECT_EQ(size_of(blocks, root.cid).value(), 6U);
  EXPECT_EQ(root.encoded_size, blocks.size(root.cid).value());
  EXPECT_EQ(write_symlink(blocks, "x", {.cid_version = 0}).value().cid.version(), 0U);
  for (const std::string& target :
       {std::string(), std::string("a\0b", 3), std::string(4097, 't')}) {
    EXPECT_THAT(write_symlink(blocks, target), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(read_symlink(blocks, write(blocks, {})), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(read_symlink(blocks, cid_of("raw")), FailsWith(ErrorCode::kUnsupported));
}

// Whatever a name leads to has a type and, unless it is a directory, a size, from one block.
TEST(EntryTypes, AndSizesAreToldByOneBlock) {
  WatchedBlocks blocks;
  const Bytes content = testing::noise(100'000, 1);
  std::vector<Cid> files;
  for (const std::string name : {"native", "unixfs-v1-2025", "unixfs-v0-2015"}) {
    const auto profile = testing::narrow_profile(name);
    files.push_back(testing::write_bytes(blocks, content, {.profile = profile}).cid);
  }
  const Cid directory = write(blocks, entries(3));
  const Cid shards = write(blocks, entries(3), sharded());
  blocks.take_reads();
  for (const Cid& file : files) {
    EXPECT_EQ(type_of(blocks, file).value(), EntryType::kFile);
    EXPECT_EQ(size_of(blocks, file).value(), content.size());
    EXPECT_EQ(blocks.take_reads().size(), 2U);
  }
  for (const Cid& each : {directory, shards}) {
    EXPECT_EQ(type_of(blocks, each).value(), EntryType::kDirectory);
    EXPECT_THAT(size_of(blocks, each), FailsWith(ErrorCode::kUnsupported));
    EXPECT_EQ(blocks.take_reads().size(), 2U);
  }
  EXPECT_EQ(type_of(blocks, cid_of("not even there")).value(), EntryType::kFile);
  EXPECT_THAT(blocks.take_reads(), IsEmpty());
}

Cid import_fixture(BlockStore& blocks, const std::string& name) {
  const Bytes bytes = read_bytes(shared_testdata() / "car" / name);
  ViewSource source(bytes);
  return import_car(blocks, source).value().roots.at(0);
}

std::string content_of(const BlockStore& blocks, const Cid& file) {
  FileReader reader = FileReader::open(blocks, file).value();
  const Bytes content = testing::read_all(reader, 1 << 16);
  return std::string(as_text(content));
}

// A directory of kubo's, from ipfs/gateway-conformance.
TEST(DirectoryFixture, OfShardsIsReadAndWrittenAgain) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  MemoryBlocks blocks;
  const Cid root = import_fixture(blocks, "single-layer-hamt-with-multi-block-files.car");
  std::vector<DirectoryEntry> all = list_directory(blocks, root).value();
  EXPECT_GT(all.size(), 100U);
  for (const DirectoryEntry& each : all) {
    EXPECT_EQ(find_entry(blocks, root, each.name).value(), each);
    EXPECT_EQ(type_of(blocks, each.cid).value(), EntryType::kFile);
  }
  const Cid file = resolve_path(blocks, root, "1.txt").value();
  EXPECT_EQ(content_of(blocks, file).size(), size_of(blocks, file).value());

  MemoryBlocks again;
  DirectoryProfile profile{.cid_version = root.version() == 0 ? 0U : 1U, .shard_above = 0};
  EXPECT_EQ(write(again, all, profile), root);
}

TEST(DirectoryFixture, OfPlainDirectoriesIsReadAndWrittenAgain) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  MemoryBlocks blocks;
  const Cid root = import_fixture(blocks, "dir-with-files.car");
  const std::vector<DirectoryEntry> all = list_directory(blocks, root).value();
  MemoryBlocks again;
  EXPECT_EQ(write(again, all, {.cid_version = root.version() == 0 ? 0U : 1U}), root);
  EXPECT_EQ(content_of(blocks, resolve_path(blocks, root, "hello.txt").value()), "hello world\n");
}

TEST(DirectoryFixture, WithASymbolicLinkIsRead) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  MemoryBlocks blocks;
  const Cid root = import_fixture(blocks, "symlink.car");
  EXPECT_EQ(read_symlink(blocks, resolve_path(blocks, root, "bar").value()).value(), "foo");
}

}  // namespace
}  // namespace packstore
