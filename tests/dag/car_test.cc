// CAR files: every fixture is imported and, where it has one root and its DAG is whole, exported
// again to the same bytes; files that are cut, changed or made by hand are told from whole ones.
#include "packstore/car.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "base/hex.h"
#include "dag/car_format.h"
#include "dag/dag_cbor.h"
#include "dag/file_node.h"
#include "dag/fixtures.h"
#include "dag/varint.h"
#include "dag/watched_blocks.h"
#include "file_sources.h"
#include "packstore/block_store.h"
#include "packstore/store.h"
#include "support/scratch_directory.h"

namespace packstore::dag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Bytes unhex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

Result<CarImport> import_bytes(BlockStore& blocks, ByteView bytes) {
  ViewSource source(bytes);
  return import_car(blocks, source);
}

Result<Bytes> export_bytes(const BlockStore& blocks, const Cid& root) {
  Bytes bytes;
  const Result<CarExport> done = export_car(blocks, root, [&](ByteView part) -> Status {
    append(bytes, part);
    return {};
  });
  if (!done) return done.error();
  EXPECT_EQ(done->file_bytes, bytes.size());
  return bytes;
}

// A file node over `leaves` of the given contents, put into `blocks`.
Cid put_file(BlockStore& blocks, const std::vector<std::string>& leaves) {
  std::vector<FileNodeChild> children;
  for (const std::string& leaf : leaves) {
    const Cid cid = blocks.put(NodeKind::kRaw, as_bytes(leaf)).value();
    children.push_back({.cid = cid, .size = leaf.size(), .encoded_size = leaf.size()});
  }
  return blocks.put(NodeKind::kDagPb, encode_unixfs_file(children).value()).value();
}

Bytes small_car() {
  MemoryBlocks blocks;
  return export_bytes(blocks, put_file(blocks, {"one", "two", "three"})).value();
}

// The CIDs and places of the blocks as the description beside a fixture says.
std::vector<std::pair<std::string, std::string>> blocks_in_json(const std::filesystem::path& path) {
  const Bytes bytes = read_bytes(path);
  const std::string text(as_text(bytes));
  const std::regex block(R"re("blockOffset":\s*(\d+),\s*"cid":\s*\{\s*"/":\s*"([^"]+)")re");
  std::vector<std::pair<std::string, std::string>> blocks;
  for (std::sregex_iterator each(text.begin(), text.end(), block), end; each != end; ++each) {
    blocks.emplace_back((*each)[1].str(), (*each)[2].str());
  }
  return blocks;
}

TEST(Car, ImportsEveryFixture) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> versions_and_faults;
  for (const auto& path : files_below(shared_testdata() / "car", ".car")) {
    SCOPED_TRACE(path);
    MemoryBlocks blocks;
    const Result<CarImport> done = import_bytes(blocks, read_bytes(path));
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->cut_off_at, std::nullopt);
    EXPECT_GE(done->roots.size(), 1U);
    versions_and_faults[path.stem()] = {done->version, done->faults};
    if (!done->is_whole()) continue;
    for (const Cid& root : done->roots) EXPECT_TRUE(check_dag(blocks, root).value().is_whole());
  }
  const std::pair<std::uint64_t, std::uint64_t> whole(1, 0);
  EXPECT_THAT(
      versions_and_faults,
      ElementsAre(std::pair("carv1-basic", whole), std::pair("carv2-basic", std::pair(2, 0)),
                  std::pair("dir-with-files", whole),
                  std::pair("file-3k-and-3-blocks-missing-block", std::pair(1, 1)),
                  std::pair("single-layer-hamt-with-multi-block-files", whole),
                  std::pair("symlink", whole)));
}

TEST(Car, HasTheBlocksThatTheFixtureSays) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  for (const std::string name : {"carv1-basic", "carv2-basic"}) {
    MemoryBlocks blocks;
    const auto import =
        import_bytes(blocks, read_bytes(shared_testdata() / "car" / (name + ".car")));
    const auto expected = blocks_in_json(shared_testdata() / "car" / (name + ".json"));
    EXPECT_EQ(import.value().blocks, expected.size());
    EXPECT_GE(expected.size(), 5U);
    for (const auto& [offset, cid] : expected) {
      EXPECT_TRUE(blocks.has(Cid::parse(cid).value()).value()) << cid;
    }
  }
}

TEST(Car, ExportsWhatItImportedByteForByte) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  int same = 0;
  for (const auto& path : files_below(shared_testdata() / "car", ".car")) {
    SCOPED_TRACE(path);
    const Bytes bytes = read_bytes(path);
    MemoryBlocks blocks;
    const CarImport import = import_bytes(blocks, bytes).value();
    if (import.roots.size() != 1 || !import.is_whole()) continue;
    const Bytes exported = export_bytes(blocks, import.roots.front()).value();
    if (import.version == 1) {
      EXPECT_EQ(exported.size(), bytes.size());
      same += exported == bytes ? 1 : 0;
    } else {
      // What lies in version 2 between header and index is a file of version 1.
      EXPECT_THAT(to_hex(bytes), HasSubstr(to_hex(exported)));
      same += to_hex(bytes).find(to_hex(exported)) != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GE(same, 3);
}

TEST(Car, ListsTheBlockThatIsMissing) {
  PACKSTORE_NEEDS_SHARED_TESTDATA();
  MemoryBlocks blocks;
  const CarImport import =
      import_bytes(blocks,
                   read_bytes(shared_testdata() / "car/file-3k-and-3-blocks-missing-block.car"))
          .value();
  EXPECT_FALSE(import.is_whole());
  ASSERT_EQ(import.listed.size(), 1U);
  EXPECT_EQ(import.listed[0].error.code, ErrorCode::kNotFound);
  EXPECT_EQ(check_dag(blocks, import.roots[0]).value().listed.at(0).cid, import.listed[0].cid);
  EXPECT_EQ(export_bytes(blocks, import.roots[0]).error().code, ErrorCode::kNotFound);
}

TEST(Car, IsWholeWhereTheStoreHasTheRest) {
  MemoryBlocks all;
  const Cid inner = put_file(all, {"a", "b"});
  const Cid root = all.put(NodeKind::kDagCbor, encode_cbor({CborList{{inner}}}).value()).value();
  const Bytes file = export_bytes(all, root).value();
  // Only the header and the root.
  Bytes cut = encode_car_header(root);
  append_section_head(cut, root, all.get(root).value().size());
  append(cut, all.get(root).value());

  MemoryBlocks empty;
  const CarImport incomplete = import_bytes(empty, cut).value();
  EXPECT_EQ(incomplete.cut_off_at, std::nullopt);
  ASSERT_EQ(incomplete.faults, 1U);
  EXPECT_EQ(incomplete.listed[0].cid, inner);

  MemoryBlocks has_rest;
  EXPECT_EQ(put_file(has_rest, {"a", "b"}), inner);
  EXPECT_TRUE(import_bytes(has_rest, cut).value().is_whole());
}

// Method: cut a file at every byte. Within a block it is told to be cut; between two blocks one is
// missing; within the header it is no CAR.
TEST(Car, TellsACutFileFromAWholeOne) {
  const Bytes file = small_car();
  const std::size_t header = 59;
  for (std::size_t size = 0; size < file.size(); ++size) {
    SCOPED_TRACE(size);
    MemoryBlocks blocks;
    const Result<CarImport> done = import_bytes(blocks, ByteView(file).first(size));
    if (size < header) {
      EXPECT_EQ(done.error().code, ErrorCode::kCorrupt);
      continue;
    }
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_FALSE(done->is_whole());
    EXPECT_GE(done->faults, 1U);
    EXPECT_LT(done->cut_off_at.value_or(0), size);
  }
  MemoryBlocks blocks;
  EXPECT_TRUE(import_bytes(blocks, file).value().is_whole());
}

// Method: change every byte of a file in turn. The file is refused, or its DAG is not whole, or the
// change was in what no hash covers, the codec of a name, and the DAG is what it was.
TEST(Car, BelievesNoChangedByte) {
  const Bytes file = small_car();
  MemoryBlocks original;
  const Cid root = import_bytes(original, file).value().roots.at(0);
  for (std::size_t i = 0; i < file.size(); ++i) {
    SCOPED_TRACE(i);
    Bytes changed = file;
    changed[i] ^= std::byte{1};
    MemoryBlocks blocks;
    const Result<CarImport> done = import_bytes(blocks, changed);
    if (!done) continue;
    if (done->roots != std::vector{root} || !done->is_whole()) continue;
    EXPECT_EQ(export_bytes(blocks, root).value(), file);
  }
}

TEST(Car, RefusesWhatIsNoCar) {
  const std::string cid = "01551220" + ObjectId::of(as_bytes("x")).to_hex();
  const std::string header = "3aa265726f6f747381d82a58250001551220" +
                             ObjectId::of(as_bytes("x")).to_hex() + "6776657273696f6e01";
  const std::string v2 = "0aa16776657273696f6e02";
  const std::string no_flags(32, '0');
  for (const auto& [hex, reason] : {
           std::pair(std::string("00"), "limits 1"),
           std::pair(std::string("8180808001"), "limits 1"),
           std::pair(std::string("8000"), "shortest form"),
           std::pair(std::string("01a0"), "no version"),
           std::pair(std::string("0aa16776657273696f6e01"), "without roots"),
           std::pair(std::string("0aa16776657273696f6e03"), "version 3"),
           std::pair(std::string("11a265726f6f7473806776657273696f6e02"), "with roots"),
           std::pair(std::string("02a160"), "are left"),
           std::pair(v2, "ends within its header"),
           std::pair(v2 + no_flags + std::string(48, '0'), "data of 0 bytes at 0"),
           std::pair(v2 + no_flags + "3300000000000000" + "ffffffffffffffff" + std::string(16, '0'),
                     "data of 18446744073709551615"),
           std::pair(header + "00", "a block claims 0 bytes"),
           std::pair(header + "ffffffff0f", "limits 1"),
           std::pair(header + "2500" + cid.substr(2) + "78", "version 0"),
           std::pair(header + "25" + cid + "79", "has the SHA-256"),
           std::pair(header + "06015500017979", ""),
       }) {
    SCOPED_TRACE(hex);
    MemoryBlocks blocks;
    const Result<CarImport> done = import_bytes(blocks, unhex(hex));
    if (*reason == '\0') {
      EXPECT_TRUE(done) << "a block that its name carries";
      continue;
    }
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr(reason));
    EXPECT_EQ(blocks.block_count(), 0U);
  }
}

// A block that its name carries is compared with it, one of another hash is told, one of another
// version of the name is the same object.
TEST(Car, TakesBlocksOfOtherNames) {
  MemoryBlocks from;
  const Cid root = put_file(from, {"a", "b"});
  const Cid inlined = Cid::decode(unhex("0155000161")).value();
  const Cid foreign = Cid::parse("z8mWaJ1dZ9fH5EetPuRsj8jj26pXsgpsr").value();
  Bytes file = export_bytes(from, root).value();
  append_section_head(file, inlined, 1);
  append(file, as_bytes("a"));
  append_section_head(file, foreign, 3);
  append(file, as_bytes("eth"));
  append_section_head(file, Cid::version_0_of(*root.object_id()), from.get(root).value().size());
  append(file, from.get(root).value());

  MemoryBlocks blocks;
  const CarImport import = import_bytes(blocks, file).value();
  EXPECT_EQ(import.blocks, 6U);
  EXPECT_EQ(blocks.block_count(), 3U);
  ASSERT_EQ(import.listed.size(), 1U);
  EXPECT_EQ(import.listed[0].cid, foreign);
  EXPECT_EQ(import.listed[0].error.code, ErrorCode::kUnsupported);

  append_section_head(file, inlined, 1);
  append(file, as_bytes("b"));
  EXPECT_EQ(import_bytes(blocks, file).error().code, ErrorCode::kCorrupt);
}

// One object is found by CIDs of every codec, also before it can be read: in a packstore, not until
// the commit.
TEST(Car, TakesABlockForWhatTheLinkSaysWhateverItsNameSays) {
  const auto as = [](NodeKind kind, ByteView content) {
    return Cid::of(kind, ObjectId::of(content));
  };
  const Bytes inner = encode_cbor({CborList{{as(NodeKind::kRaw, as_bytes("leaf"))}}}).value();
  const Cid no_node = as(NodeKind::kDagCbor, as_bytes("no node"));
  const Bytes top = encode_cbor({CborList{{as(NodeKind::kDagCbor, inner)}, {no_node}}}).value();
  const auto car_with = [&](std::initializer_list<ByteView> raw_blocks) {
    Bytes car = encode_car_header(as(NodeKind::kDagCbor, top));
    for (const ByteView block : raw_blocks) {
      append_section_head(car, as(NodeKind::kRaw, block), block.size());
      append(car, block);
    }
    return car;
  };
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();

  StoreBlocks all(store);
  const CarImport import =
      import_bytes(all, car_with({top, inner, as_bytes("leaf"), as_bytes("no node")})).value();
  ASSERT_EQ(import.listed.size(), 1U);
  EXPECT_EQ(import.listed[0].cid, no_node);
  EXPECT_EQ(import.listed[0].error.code, ErrorCode::kCorrupt);

  StoreBlocks without_leaf(store);
  const CarImport cut = import_bytes(without_leaf, car_with({top, inner})).value();
  ASSERT_EQ(cut.listed.size(), 2U);
  EXPECT_EQ(cut.listed[0].cid, as(NodeKind::kRaw, as_bytes("leaf")));
  EXPECT_EQ(cut.listed[0].error.code, ErrorCode::kNotFound);
  EXPECT_EQ(cut.listed[1].cid, no_node);
}

TEST(Car, TakesANodeForTheRawBlockThatALinkSays) {
  const Bytes node = encode_cbor({CborList{}}).value();
  const Bytes top = encode_cbor({CborList{{Cid::of(NodeKind::kRaw, ObjectId::of(node))}}}).value();
  const Cid root = Cid::of(NodeKind::kDagCbor, ObjectId::of(top));
  Bytes car = encode_car_header(root);
  for (const ByteView block : {ByteView(top), ByteView(node)}) {
    append_section_head(car, Cid::of(NodeKind::kDagCbor, ObjectId::of(block)), block.size());
    append(car, block);
  }
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  StoreBlocks blocks(store);
  EXPECT_TRUE(import_bytes(blocks, car).value().is_whole());
}

// The longest chunk that there is makes the longest leaf: raw, or a node.
TEST(Car, HasRoomForTheLongestChunk) {
  const Bytes content = testing::noise(ChunkerSpec::kBytesMaxLimit + 1, 1);
  for (const char* name : {"native", "unixfs-v0-2015"}) {
    SCOPED_TRACE(name);
    FileProfile profile = FileProfile::named(name).value();
    profile.chunker = ChunkerSpec::fixed(ChunkerSpec::kBytesMaxLimit);
    MemoryBlocks blocks;
    const Cid root = testing::write_bytes(blocks, content, {.profile = profile}).cid;
    EXPECT_EQ(check_dag(blocks, root).value().faults, 0U);
    MemoryBlocks other;
    EXPECT_TRUE(import_bytes(other, export_bytes(blocks, root).value()).value().is_whole());
    EXPECT_EQ(other.block_count(), 3U);
  }
}

// What cannot be exported is not imported: the limit is that of the block, however short its name.
TEST(Car, HasNoRoomForMore) {
  const Bytes content(kCarBlockBytesMax + 1);
  const Cid cid = Cid::of(NodeKind::kRaw, ObjectId::of(content));
  MemoryBlocks blocks;
  EXPECT_EQ(blocks.put(NodeKind::kRaw, content).value(), cid);
  EXPECT_EQ(export_bytes(blocks, cid).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(check_dag(blocks, cid).value().faults, 1U);
  Bytes car = encode_car_header(cid);
  append_section_head(car, cid, content.size());
  append(car, content);
  EXPECT_EQ(import_bytes(blocks, car).error().code, ErrorCode::kCorrupt);
}

TEST(Car, FollowsLinksInLinks) {
  MemoryBlocks blocks;
  const Cid leaf = blocks.put(NodeKind::kRaw, as_bytes("leaf")).value();
  // A DAG-CBOR list of one link, as the "hash" of a CID: 45 bytes.
  const Bytes inner = encode_cbor({CborList{{leaf}}}).value();
  Bytes name = unhex("017100");
  append_varint(name, inner.size());
  append(name, inner);
  const Cid carried = Cid::decode(name).value();
  const Cid root =
      blocks.put(NodeKind::kDagCbor, encode_cbor({CborList{{carried}}}).value()).value();

  const Bytes file = export_bytes(blocks, root).value();
  MemoryBlocks other;
  const CarImport import = import_bytes(other, file).value();
  EXPECT_TRUE(import.is_whole());
  EXPECT_EQ(import.blocks, 2U);
  EXPECT_EQ(other.get(leaf).value().size(), 4U);
  EXPECT_EQ(check_dag(other, root).value().nodes, 2U);

  MemoryBlocks without_leaf;
  const Bytes cut(file.begin(), file.end() - 41);
  EXPECT_EQ(import_bytes(without_leaf, cut).value().listed.at(0).cid, leaf);
}

TEST(Car, HoldsEachBlockOnceDepthFirst) {
  MemoryBlocks blocks;
  const Cid a = put_file(blocks, {"1", "2", "1"});
  const Cid b = put_file(blocks, {"2", "3"});
  const Cid root =
      blocks.put(NodeKind::kDagCbor, encode_cbor({CborList{{a}, {b}, {a}}}).value()).value();
  const Bytes file = export_bytes(blocks, root).value();
  std::vector<Cid> order;
  ByteView rest = ByteView(file).subspan(59);
  while (!rest.empty()) {
    const auto length = static_cast<std::size_t>(take_varint(rest, 9).value());
    ByteView section = rest.first(length);
    rest = rest.subspan(length);
    order.push_back(Cid::decode_front(section).value());
  }
  const auto leaf = [](std::string_view text) {
    return Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes(text)));
  };
  EXPECT_THAT(order, ElementsAre(root, a, leaf("1"), leaf("2"), b, leaf("3")));
}

TEST(Car, PassesOnWhatStopsIt) {
  MemoryBlocks blocks;
  const Cid root = put_file(blocks, {"a", "b"});
  const auto full = [](ByteView) -> Status { return Error{ErrorCode::kNoSpace, "full"}; };
  EXPECT_EQ(export_car(blocks, root, full).error().code, ErrorCode::kNoSpace);

  std::stop_source stop;
  stop.request_stop();
  const RunControl stopped{.stop = stop.get_token()};
  const auto ignore = [](ByteView) { return Status(); };
  EXPECT_EQ(export_car(blocks, root, ignore, {.control = stopped}).error().code,
            ErrorCode::kCancelled);
  const Bytes file = export_bytes(blocks, root).value();
  ViewSource source(file);
  EXPECT_EQ(import_car(blocks, source, {.control = stopped}).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(check_dag(blocks, root, {.control = stopped}).error().code, ErrorCode::kCancelled);

  struct Broken final : ByteSource {
    Result<std::size_t> read(std::span<std::byte>) override {
      return Error{ErrorCode::kIo, "unplugged"};
    }
  } broken;
  EXPECT_EQ(import_car(blocks, broken).error().code, ErrorCode::kIo);
}

TEST(Car, IsNotReadFromASourceThatClaimsMoreThanItWasAskedFor) {
  testing::BoastingSource source;
  MemoryBlocks blocks;
  EXPECT_EQ(import_car(blocks, source).error().code, ErrorCode::kInvalidArgument);
}

// Readers of others look blocks up by the CID that the link says.
TEST(Car, HoldsANodeUnderEachOfTheCidsThatLinksSay) {
  MemoryBlocks blocks;
  const Cid node = put_file(blocks, {"1", "2"});
  const Cid same = Cid::version_0_of(*node.object_id());
  const Cid root =
      blocks.put(NodeKind::kDagCbor, encode_cbor({CborList{{node}, {same}, {node}}}).value())
          .value();
  EXPECT_EQ(blocks.block_count(), 4);
  Bytes file;
  const CarExport done = export_car(blocks, root, [&](ByteView part) -> Status {
                           append(file, part);
                           return {};
                         }).value();
  EXPECT_EQ(done.blocks, 5);
  EXPECT_EQ(check_dag(blocks, root).value().nodes, 3);
  MemoryBlocks others;
  EXPECT_TRUE(import_bytes(others, file).value().is_whole());
  EXPECT_EQ(others.block_count(), 4);
}

// A file of one block above a long chain that the block store has: the walk down is part of the
// import, and may take longer than the file did.
class CarAboveAChain : public ::testing::Test {
 protected:
  static constexpr std::size_t kNodes = 1'000;

  CarAboveAChain() {
    Cid below = blocks_.put(NodeKind::kRaw, as_bytes("leaf")).value();
    for (std::size_t i = 0; i < kNodes; ++i) {
      const Bytes node = encode_cbor({CborList{{below}}}).value();
      chain_bytes_ += node.size();
      below = blocks_.put(NodeKind::kDagCbor, node).value();
    }
    const Bytes top = encode_cbor({CborList{{below}, {CborNull{}}}}).value();
    const Cid root = Cid::of(NodeKind::kDagCbor, ObjectId::of(top));
    car_ = encode_car_header(root);
    append_section_head(car_, root, top.size());
    append(car_, top);
  }

  testing::WatchedBlocks blocks_;
  std::uint64_t chain_bytes_ = 0;
  Bytes car_;
};

TEST_F(CarAboveAChain, IsStoppedOnTheWayDown) {
  struct StopAtTheEnd final : ByteSource {
    explicit StopAtTheEnd(ByteView all) : rest(all) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      const Result<std::size_t> count = rest.read(into);
      if (count && *count == 0) stop.request_stop();
      return count;
    }
    ViewSource rest;
    std::stop_source stop;
  } source(car_);
  blocks_.take_reads();
  EXPECT_EQ(
      import_car(blocks_, source, {.control = {.stop = source.stop.get_token()}}).error().code,
      ErrorCode::kCancelled);
  EXPECT_LE(blocks_.take_reads().size(), 1U);
}

TEST_F(CarAboveAChain, TellsHowFarItIsOnTheWayDown) {
  std::vector<std::pair<std::string, std::uint64_t>> told;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    told.emplace_back(progress.phase, progress.done);
  };
  ViewSource source(car_);
  EXPECT_TRUE(import_car(blocks_, source, {.control = control}).value().is_whole());
  EXPECT_THAT(told, ElementsAre(std::pair("import", car_.size()),
                                std::pair("check", chain_bytes_ + 4 /*leaf*/)));
}

TEST(CheckDag, CountsAndGoesOnAfterFaults) {
  MemoryBlocks blocks;
  const Cid file = put_file(blocks, {"1", "22", "1"});
  const Cid absent = Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes("absent")));
  const Cid no_node =
      Cid::of(NodeKind::kDagCbor, *blocks.put(NodeKind::kRaw, as_bytes("?")).value().object_id());
  const Bytes node = encode_cbor({CborList{{absent}, {no_node}, {file}}}).value();
  const Cid root = blocks.put(NodeKind::kDagCbor, node).value();
  for (const LeafCheck leaves : {LeafCheck::kContent, LeafCheck::kPresence}) {
    const DagReport report = check_dag(blocks, root, {.leaves = leaves}).value();
    EXPECT_EQ(report.nodes, 2U);
    EXPECT_EQ(report.leaves, 2U);
    EXPECT_EQ(report.block_bytes, node.size() + blocks.get(file).value().size() + 3);
    EXPECT_EQ(report.depth, 2U);
    EXPECT_EQ(report.faults, 2U);
    ASSERT_EQ(report.listed.size(), 2U);
    EXPECT_EQ(report.listed[0].cid, absent);
    EXPECT_EQ(report.listed[0].error.code, ErrorCode::kNotFound);
    EXPECT_EQ(report.listed[1].cid, no_node);
    EXPECT_EQ(report.listed[1].error.code, ErrorCode::kCorrupt);
  }
}

TEST(SizeOf, ReadsOneBlockAtMost) {
  MemoryBlocks blocks;
  const std::vector<FileNodeChild> children = {
      {.cid = Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes("absent"))), .size = 6}};
  const Cid root = blocks.put(NodeKind::kDagCbor, encode_native_file(children).value()).value();
  EXPECT_EQ(size_of(blocks, root).value(), 6U);
  EXPECT_EQ(size_of(blocks, children[0].cid).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace packstore::dag
