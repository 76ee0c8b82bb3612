// One suite for every block store: what an application may rely on, whatever is underneath.
#include "packstore/block_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#ifdef PACKSTORE_HAVE_ROCKSDB
#include "packstore/rocksdb_blocks.h"
#endif
#include "packstore/file.h"
#include "packstore/store.h"
#include "support/child_process.h"
#include "support/store_scratch.h"
#include "watched_blocks.h"

#ifdef PACKSTORE_HAVE_ROCKSDB
// The system's RocksDB is not instrumented: ThreadSanitizer sees its memory, and not the atomics
// that hand it from thread to thread. A race between two accesses of our own is still reported.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:librocksdb.so"; }
#endif

namespace packstore {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::HasSubstr;
using testing::Succeeds;

// A store, and how to make what was put readable.
struct MemoryMade {
  MemoryBlocks blocks;
  void publish() {}
};

struct StoreMade {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  StoreBlocks blocks{store};
  void publish() { blocks.commit().value(); }
};

struct CompressedStoreMade {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  StoreBlocks blocks{store, {.compression = Compression::zlib()}};
  void publish() { blocks.commit().value(); }
};

struct OverlayMade {
  StoreMade upper;
  MemoryBlocks lower;
  OverlayBlocks blocks{upper.blocks, lower};
  void publish() { upper.publish(); }
};

#ifdef PACKSTORE_HAVE_ROCKSDB
struct RocksDbMade {
  testing::ScratchDirectory scratch;
  std::unique_ptr<RocksDbBlocks> owner = RocksDbBlocks::open(scratch / "database").value();
  RocksDbBlocks& blocks = *owner;
  void publish() { owner->sync().value(); }
};
#endif

template <typename Made>
class BlockStoreTest : public ::testing::Test {
 protected:
  BlockStore& blocks() { return made_.blocks; }
  void publish() { made_.publish(); }

  // Contents of the numbers [first, first + count).
  std::vector<Cid> put(std::uint64_t first, std::uint64_t count) {
    std::vector<Bytes> contents;
    for (std::uint64_t i = first; i < first + count; ++i) contents.push_back(content(i));
    const std::vector<ByteView> views(contents.begin(), contents.end());
    return blocks().put_many(NodeKind::kRaw, views).value();
  }
  static Bytes content(std::uint64_t number) {
    return testing::content_of(number, 100 + number % 1000);
  }

  Made made_;
};

using Makers = ::testing::Types<
#ifdef PACKSTORE_HAVE_ROCKSDB
    RocksDbMade,
#endif
    MemoryMade, StoreMade, CompressedStoreMade, OverlayMade>;
TYPED_TEST_SUITE(BlockStoreTest, Makers);

TYPED_TEST(BlockStoreTest, GivesBackWhatWasPut) {
  const Bytes content = this->content(1);
  const Cid cid = this->blocks().put(NodeKind::kDagCbor, content).value();
  EXPECT_EQ(cid, Cid::of(NodeKind::kDagCbor, ObjectId::of(content)));
  this->publish();
  EXPECT_EQ(this->blocks().get(cid).value(), content);
  EXPECT_EQ(this->blocks().size(cid).value(), content.size());
  EXPECT_TRUE(this->blocks().has(cid).value());
}

TYPED_TEST(BlockStoreTest, GivesPartsOfBlocks) {
  const Bytes content = this->content(1);
  const Cid cid = this->blocks().put(NodeKind::kRaw, content).value();
  this->publish();
  const auto part = [&](std::uint64_t offset, std::size_t length) {
    Bytes into(length);
    EXPECT_EQ(this->blocks().get_part(cid, offset, into).value(), content.size());
    return into;
  };
  EXPECT_EQ(part(0, content.size()), content);
  EXPECT_EQ(part(7, 20), Bytes(content.begin() + 7, content.begin() + 27));
  Bytes tail(content.end() - 3, content.end());
  tail.resize(10);
  EXPECT_EQ(part(content.size() - 3, 10), tail);
  EXPECT_EQ(part(content.size(), 4), Bytes(4));
  EXPECT_EQ(part(UINT64_MAX, 4), Bytes(4));

  const Cid absent = Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes("nobody put it")));
  Bytes into(1);
  const Result<std::uint64_t> missing = this->blocks().get_part(absent, 0, into);
  ASSERT_THAT(missing, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(missing.error().message, HasSubstr(absent.to_text()));
}

TYPED_TEST(BlockStoreTest, KeepsAnEmptyBlock) {
  const Cid cid = this->blocks().put(NodeKind::kRaw, {}).value();
  this->publish();
  EXPECT_EQ(this->blocks().get(cid).value(), Bytes());
  EXPECT_EQ(this->blocks().size(cid).value(), 0);
}

// What a block is to whoever follows links is said by the link: the bytes are kept once.
TYPED_TEST(BlockStoreTest, FindsABlockByEveryKindOfCid) {
  const Bytes content = this->content(2);
  ASSERT_THAT(this->blocks().put(NodeKind::kRaw, content), Succeeds());
  this->publish();
  const ObjectId id = ObjectId::of(content);
  for (const NodeKind kind : {NodeKind::kRaw, NodeKind::kDagPb, NodeKind::kDagCbor}) {
    EXPECT_EQ(this->blocks().get(Cid::of(kind, id)).value(), content);
  }
  EXPECT_EQ(this->blocks().get(Cid::version_0_of(id)).value(), content);
}

TYPED_TEST(BlockStoreTest, NamesTheBlockThatIsMissing) {
  const Cid absent = Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes("nobody put it")));
  const Result<Bytes> block = this->blocks().get(absent);
  ASSERT_THAT(block, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(block.error().message, HasSubstr(absent.to_text()));
  EXPECT_THAT(this->blocks().size(absent), FailsWith(ErrorCode::kNotFound));
  EXPECT_FALSE(this->blocks().has(absent).value());
}

TYPED_TEST(BlockStoreTest, AnswersManyAtOnceByPosition) {
  const std::vector<Cid> cids = this->put(0, 700);
  this->publish();
  const Cid absent = Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes("absent")));
  // Twice the same, one absent, and not in the order of ids.
  const std::vector<Cid> asked{cids[5], absent, cids[699], cids[5], cids[0]};
  EXPECT_THAT(this->blocks().has_many(asked).value(), ElementsAre(true, false, true, true, true));

  std::map<std::size_t, Bytes> seen;
  ASSERT_THAT(this->blocks().get_many(
                  asked,
                  [&](std::size_t position, const Result<ByteView>& block) -> Status {
                    EXPECT_FALSE(seen.contains(position));
                    EXPECT_EQ(block.has_value(), position != 1);
                    seen[position] = block ? Bytes(block->begin(), block->end()) : Bytes();
                    return {};
                  }),
              Succeeds());
  ASSERT_EQ(seen.size(), 5);
  EXPECT_EQ(seen[0], this->content(5));
  EXPECT_EQ(seen[2], this->content(699));
  EXPECT_EQ(seen[3], this->content(5));
  EXPECT_EQ(seen[4], this->content(0));
}

TYPED_TEST(BlockStoreTest, EndsWithTheErrorOfAVisitor) {
  const std::vector<Cid> cids = this->put(0, 10);
  this->publish();
  std::size_t visits = 0;
  const Status status =
      this->blocks().get_many(cids, [&](std::size_t, const Result<ByteView>&) -> Status {
        ++visits;
        return Error{ErrorCode::kCancelled, "enough"};
      });
  EXPECT_THAT(status, FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(visits, 1);
}

TYPED_TEST(BlockStoreTest, TakesTheSameBlockManyTimes) {
  const Bytes content = this->content(3);
  const std::vector<ByteView> views(5, content);
  const std::vector<Cid> cids = this->blocks().put_many(NodeKind::kRaw, views).value();
  ASSERT_THAT(this->blocks().put(NodeKind::kRaw, content), Succeeds());
  this->publish();
  ASSERT_THAT(this->blocks().put(NodeKind::kRaw, content), Succeeds());
  this->publish();
  EXPECT_EQ(cids, std::vector<Cid>(5, cids[0]));
  EXPECT_EQ(this->blocks().get(cids[0]).value(), content);
}

TYPED_TEST(BlockStoreTest, ReadsAContentThatItsCidCarries) {
  // Version 1, raw, identity, 3 bytes.
  const Cid cid = Cid::decode(as_bytes(std::string_view("\x01\x55\x00\x03"
                                                        "abc",
                                                        7)))
                      .value();
  EXPECT_EQ(as_text(this->blocks().get(cid).value()), "abc");
  EXPECT_EQ(this->blocks().size(cid).value(), 3);
  EXPECT_TRUE(this->blocks().has(cid).value());
}

TYPED_TEST(BlockStoreTest, SaysWhichHashItDoesNotKeep) {
  // Version 1, raw, BLAKE3, 32 bytes.
  const std::string bytes = std::string("\x01\x55\x1e\x20", 4) + std::string(32, 'x');
  const Cid cid = Cid::decode(as_bytes(bytes)).value();
  EXPECT_THAT(this->blocks().get(cid), FailsWith(ErrorCode::kUnsupported));
  EXPECT_FALSE(this->blocks().has(cid).value());
}

// The first half of a put may run in any thread while another one puts.
TYPED_TEST(BlockStoreTest, IsPreparedByManyThreadsAtOnce) {
  std::mutex turn;
  std::vector<std::thread> threads;
  for (std::uint64_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::uint64_t i = first; i < 100; i += 4) {
        const Bytes one = this->content(i);
        const Bytes shared = this->content(1000);
        const std::vector<ByteView> views{one, shared};
        const auto prepared = this->blocks().prepare(views).value();
        const std::scoped_lock lock(turn);
        EXPECT_THAT(this->blocks().put_prepared(*prepared), Succeeds());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  this->publish();
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Cid cid = Cid::of(NodeKind::kRaw, ObjectId::of(this->content(i)));
    EXPECT_EQ(this->blocks().get(cid).value(), this->content(i));
  }
}

// A store that implements what it must and no more, as an application's does.
TEST(BlockStore, IsNotGivenAgainWhatItHas) {
  testing::WatchedBlocks blocks;
  const std::vector<ByteView> two{as_bytes("one"), as_bytes("two")};
  const std::vector<ByteView> three{as_bytes("three"), as_bytes("two"), as_bytes("one")};
  const std::vector<Cid> first = blocks.put_many(NodeKind::kRaw, two).value();
  const std::vector<Cid> second = blocks.put_many(NodeKind::kRaw, three).value();
  EXPECT_THAT(second,
              ElementsAre(Cid::of(NodeKind::kRaw, ObjectId::of(three[0])), first[1], first[0]));
  EXPECT_EQ(blocks.puts(), 3);

  const Bytes content = testing::content_of(1, 5'000'000);
  ViewSource source(content);
  const FileRoot root = write_file(blocks, source).value();
  const std::uint64_t puts = blocks.puts();
  for (const unsigned threads : {1U, 3U}) {
    ViewSource again(content);
    EXPECT_EQ(write_file(blocks, again, {.threads = threads}).value().cid, root.cid);
    EXPECT_EQ(blocks.puts(), puts);
  }
}

TEST(OverlayBlocks, WritesToTheUpperStoreWhatTheLowerOneDoesNotHave) {
  MemoryBlocks upper;
  MemoryBlocks lower;
  OverlayBlocks overlay(upper, lower);
  const Cid below = lower.put(NodeKind::kRaw, as_bytes("below")).value();
  const std::vector<ByteView> both{as_bytes("below"), as_bytes("above")};
  const std::vector<Cid> cids = overlay.put_many(NodeKind::kRaw, both).value();
  EXPECT_EQ(upper.block_count(), 1);
  EXPECT_EQ(lower.block_count(), 1);
  EXPECT_EQ(as_text(overlay.get(below).value()), "below");
  EXPECT_EQ(as_text(overlay.get(cids[1]).value()), "above");
  EXPECT_THAT(upper.get(below), FailsWith(ErrorCode::kNotFound));
}

TEST(StoreBlocks, ShowNothingBeforeTheirCommit) {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  StoreBlocks blocks(store);
  const Cid cid = blocks.put(NodeKind::kRaw, as_bytes("content")).value();
  EXPECT_FALSE(blocks.has(cid).value());
  EXPECT_EQ(blocks.commit().value().objects, 1);
  EXPECT_TRUE(store.contains(*cid.object_id()).value());
  EXPECT_EQ(blocks.commit().value().objects, 0);
}

TEST(StoreBlocks, LeaveNothingVisibleWhenTheyAreDropped) {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  { ASSERT_THAT(StoreBlocks(store).put(NodeKind::kRaw, as_bytes("content")), Succeeds()); }
  EXPECT_EQ(store.stats().value().packed_objects, 0);
  EXPECT_THAT(store, testing::IsSpotless());
}

TEST(StoreBlocks, MoveARefWithTheirCommit) {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  StoreBlocks blocks(store);
  const Cid cid = blocks.put(NodeKind::kRaw, as_bytes("content")).value();
  const RefMove step{.from = std::nullopt, .to = *cid.object_id(), .kind = *cid.kind()};
  ASSERT_THAT(blocks.move_ref("head", step), Succeeds());
  EXPECT_EQ(store.refs().find("head").value(), std::nullopt);
  ASSERT_THAT(blocks.commit(), Succeeds());
  EXPECT_EQ(store.refs().find("head").value(), cid.object_id());
}

#ifdef PACKSTORE_HAVE_ROCKSDB
TEST(RocksDbBlocks, AreBusyWhileAnotherProcessHasThemOpen) {
  testing::ScratchDirectory scratch;
  testing::Pipe opened;
  const testing::ChildProcess other([&] {
    const auto blocks = RocksDbBlocks::open(scratch / "database");
    opened.tell(blocks.has_value());
    return ::pause();
  });
  ASSERT_EQ(opened.hear<bool>(), true);
  EXPECT_THAT(RocksDbBlocks::open(scratch / "database"), FailsWith(ErrorCode::kBusy));
}

TEST(RocksDbBlocks, AreNotBusyBecauseOfTheirPath) {
  EXPECT_THAT(RocksDbBlocks::open("/dev/null/lock/blocks"), FailsWith(ErrorCode::kIo));
}

TEST(RocksDbBlocks, KeepTheirBlocksWhenTheyAreOpenedAgain) {
  testing::ScratchDirectory scratch;
  Cid cid = Cid::of(NodeKind::kRaw, {});
  {
    const auto blocks = RocksDbBlocks::open(scratch / "database").value();
    cid = blocks->put(NodeKind::kRaw, as_bytes("content")).value();
    ASSERT_THAT(blocks->sync(), Succeeds());
    EXPECT_THAT(RocksDbBlocks::open(scratch / "database"), FailsWith(ErrorCode::kBusy));
  }
  const auto blocks = RocksDbBlocks::open(scratch / "database").value();
  EXPECT_EQ(as_text(blocks->get(cid).value()), "content");
}
#endif

TEST(StoreBlocks, CheckWhatTheyRead) {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  const Bytes content = testing::content_of(1, 100);
  const ObjectId id = store.put(content).value();
  testing::write_file(testing::loose_path(scratch / "store", id), std::string(100, 'x'));
  const Cid cid = Cid::of(NodeKind::kRaw, id);
  EXPECT_THAT(StoreBlocks(store).get(cid), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(StoreBlocks(store, {.verify = Verify::kNone}).get(cid), Succeeds());
}

}  // namespace
}  // namespace packstore
