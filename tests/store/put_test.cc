#include "store/put.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/error.h"
#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Gives `content` in pieces of any length, then an error if there is one.
class PiecewiseSource final : public ByteSource {
 public:
  explicit PiecewiseSource(ByteView content, std::size_t piece = 1'000,
                           std::optional<Error> error = std::nullopt)
      : rest_(content), piece_(piece), error_(std::move(error)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (rest_.empty() && error_) return *error_;
    const std::size_t count = std::min({into.size(), rest_.size(), piece_});
    std::copy_n(rest_.begin(), count, into.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  ByteView rest_;
  std::size_t piece_;
  std::optional<Error> error_;
};

// Claims to have written more than there was room for.
class LyingSource final : public ByteSource {
 public:
  Result<std::size_t> read(std::span<std::byte> into) override { return into.size() + 1; }
};

const PutOptions kPacked{.placement = Placement::kPacked};
const PutOptions kBuffered{.durability = Durability::kBuffered};

class PutTest : public StoreFixture {
 protected:
  std::uint64_t pack_bytes() { return store().stats().value().pack_file_bytes; }
};

TEST_F(PutTest, NamesContentByItsHash) {
  EXPECT_EQ(put("hello").to_hex(),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(put("").to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(PutTest, PlacesAnObjectWhereItsOptionsSay) {
  EXPECT_TRUE(is_loose(put("loose")));
  EXPECT_TRUE(is_packed(put("packed", kPacked)));
  EXPECT_TRUE(is_packed(put("buffered", kBuffered)));
}

TEST_F(PutTest, PlacesContentThatIsLongForAPackInAFile) {
  const Bytes limit = testing::content_of(1, kPackedPutBytesMax);
  const Bytes longer = testing::content_of(1, kPackedPutBytesMax + 1);
  for (const PutOptions& options : {kPacked, kBuffered}) {
    EXPECT_TRUE(is_packed(store().put(limit, options).value()));
    EXPECT_TRUE(is_loose(store().put(longer, options).value()));
  }
}

// Every compression, sizes around every limit, content that shrinks and content that does not: it
// comes back, and never takes more than its own length.
TEST_F(PutTest, NeverStoresMoreThanTheContent) {
  std::uint64_t number = 0;
  Objects objects;
  for (const Compression& compression :
       {Compression::none(), Compression::zlib(1), Compression::zlib(9), Compression::zstd(1),
        Compression::zstd(19), Compression::automatic(), Compression::automatic(0.01)}) {
    for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 1'000U, 70'000U}) {
      for (const bool shrinks : {true, false}) {
        number += shrinks == (number % 2 == 0) ? 2 : 1;
        const Bytes content = testing::content_of(number, size);
        const ObjectId id =
            store()
                .put(content, {.placement = Placement::kPacked, .compression = compression})
                .value();
        objects.emplace(id, content);
        EXPECT_LE(store().info(id).value().stored_size, size);
      }
    }
  }
  expect_holds(objects);
  EXPECT_THAT(store(), IsSpotless());
}

TEST_F(PutTest, RecordsTheCodecThatItReallyUsed) {
  const std::string text(10'000, 't');
  EXPECT_EQ(store().info(put_packed(text + "1", Compression::zlib())).value().codec, Codec::kZlib);
  EXPECT_EQ(store().info(put_packed(text + "2", Compression::zstd())).value().codec, Codec::kZstd);
  EXPECT_EQ(store().info(put_packed(text + "3")).value().codec, Codec::kNone);
  EXPECT_EQ(store().info(put_packed("short", Compression::zlib())).value().codec, Codec::kNone);
  // It would shrink, but not as much as asked for.
  const Bytes half = testing::content_of(2, 10'000);
  const ObjectId id =
      store()
          .put(half, {.placement = Placement::kPacked,
                      .compression = {.codec = Codec::kZlib, .level = 9, .ratio_max = 0.01}})
          .value();
  EXPECT_EQ(store().info(id).value().codec, Codec::kNone);
}

TEST_F(PutTest, RefusesACompressionOutOfItsLimits) {
  const PutOptions bad{.compression = Compression::zlib(10)};
  EXPECT_THAT(store().put(as_bytes("text"), bad), FailsWith(ErrorCode::kInvalidArgument));
  ViewSource source(as_bytes("text"));
  EXPECT_THAT(store().put(source, bad), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_FALSE(has(ObjectId::of(as_bytes("text"))));
}

TEST_F(PutTest, KeepsTheSameBytesOnceWhereverTheyAreFirst) {
  const PutOptions loose;
  int number = 0;
  for (const PutOptions& first : {loose, kPacked, kBuffered}) {
    const std::string text = "text " + std::to_string(++number);
    const ObjectId id = put(text, first);
    const bool packed = is_packed(id);
    const std::uint64_t bytes = pack_bytes();
    for (const PutOptions& again : {loose, kPacked, kBuffered}) {
      EXPECT_EQ(put(text, again), id);
      EXPECT_EQ(is_packed(id), packed);
      EXPECT_EQ(is_loose(id), !packed);
    }
    EXPECT_EQ(pack_bytes(), bytes);
  }
  EXPECT_EQ(count_files("sandbox"), 0);
  ASSERT_THAT(store().sync(), Succeeds());
  EXPECT_EQ(reopen().stats().value().dead_bytes, 0);
}

TEST_F(PutTest, MakesABufferedDuplicateDurableWhenAskedForASyncedOne) {
  const ObjectId id = put("text", kBuffered);
  EXPECT_FALSE(open_other().contains(id).value());
  put("text", kPacked);
  EXPECT_TRUE(open_other().contains(id).value());
}

TEST_F(PutTest, ReplacesADamagedLooseCopy) {
  const ObjectId id = put("precious");
  flip(loose_path(id), 0);
  put("precious");
  EXPECT_EQ(testing::read_file(loose_path(id)), "precious");
}

TEST_F(PutTest, ReportsAPackedCopyThatClaimsAnotherSize) {
  const ObjectId id = put_packed("text");
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    const index::Location at = transaction->erase(id).value().value();
    const index::ObjectRow longer{id, {at.pack, at.offset, 5, 5, Codec::kNone}};
    ASSERT_TRUE(transaction->insert(longer).value());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  EXPECT_THAT(store().put(as_bytes("text")), FailsWith(ErrorCode::kCorrupt));
}

// The pending unlink of a removal that crashed must not take what was acknowledged after it.
TEST_F(PutTest, CallsOffTheUnlinkOfACrashedRemoval) {
  const ObjectId id = put("wanted again");
  {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kDurable).value();
    ASSERT_THAT(transaction->add_pending_unlink(id), Succeeds());
    ASSERT_THAT(transaction->commit(), Succeeds());
  }
  put("wanted again");
  EXPECT_EQ(text_of(id), "wanted again");
  reopen();
  static_cast<void>(lock());
  EXPECT_EQ(text_of(id), "wanted again");
}

class PutStreamTest : public PutTest {};

TEST_F(PutStreamTest, GivesTheIdOfTheWholeForAnyLengthAndPiece) {
  for (const std::size_t size : {0U, 1U, 4U << 20, (4U << 20) + 1, 9'000'000U}) {
    const Bytes content = testing::content_of(size, size);
    for (const PutOptions& options : {PutOptions(), kPacked, kBuffered}) {
      PiecewiseSource source(content, size / 3 + 1);
      EXPECT_EQ(store().put(source, options).value(), ObjectId::of(content));
    }
    EXPECT_EQ(store().get(ObjectId::of(content)).value(), content);
  }
}

// A source that breaks off never becomes a shorter object.
TEST_F(PutStreamTest, EndsWithTheErrorOfItsSourceAndLeavesNothing) {
  for (const std::size_t size : {100U, 5'000'000U}) {
    const Bytes content = testing::content_of(1, size);
    PiecewiseSource source(content, 1 << 20, fail(ErrorCode::kConflict, "the source broke off"));
    const auto id = store().put(source);
    ASSERT_THAT(id, FailsWith(ErrorCode::kConflict));
    EXPECT_EQ(id.error().message, "the source broke off");
    EXPECT_FALSE(has(ObjectId::of(content)));
    EXPECT_EQ(count_files("sandbox"), 0);
  }
}

TEST_F(PutStreamTest, DoesNotBelieveASourceThatClaimsTooMuch) {
  LyingSource source;
  EXPECT_THAT(store().put(source), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(PutStreamTest, WritesADuplicateToTheSandboxOnly) {
  const Bytes content = testing::content_of(1, 5'000'000);
  put("the shards are there");
  const ObjectId id = store().put(content).value();
  const auto core = open_watched();
  watch().take_log();
  PiecewiseSource source(content, 1 << 20);
  EXPECT_EQ(store::put(*core, source, {}).value(), id);
  for (const std::string& step : watch().take_log()) EXPECT_THAT(step, Not(StartsWith("rename")));
  EXPECT_EQ(count_files("sandbox"), 0);
}

class PutStepsTest : public PutTest {
 protected:
  void SetUp() override {
    core_ = open_watched();
    ASSERT_TRUE(put_here("the shards are there", {}).has_value());
    ASSERT_TRUE(put_here("the pack is there", kPacked).has_value());
    watch().take_log();
  }
  void TearDown() override { core_.reset(); }

  Result<ObjectId> put_here(std::string_view text, const PutOptions& options) {
    return store::put(*core_, as_bytes(text), options);
  }

  std::unique_ptr<StoreCore> core_;
};

TEST_F(PutStepsTest, SyncsBytesBeforeTheNameAndTheNameBeforeItReturns) {
  const std::string hex = put_here("text", {}).value().to_hex();
  const std::string shard = "loose/" + hex.substr(0, 2) + "/";
  EXPECT_THAT(watch().take_log(),
              ElementsAre("create sandbox/*", "write sandbox/*", "sync sandbox/*",
                          "rename sandbox/* " + shard + hex.substr(2), "sync " + shard));
}

TEST_F(PutStepsTest, SyncsTheNameOfADuplicateAndWritesNothing) {
  const std::string hex = put_here("text", {}).value().to_hex();
  watch().take_log();
  ASSERT_THAT(put_here("text", {}), Succeeds());
  EXPECT_THAT(watch().take_log(), ElementsAre("sync loose/" + hex.substr(0, 2) + "/"));
}

TEST_F(PutStepsTest, CostsOneFlushInAPack) {
  ASSERT_THAT(put_here("text", kPacked), Succeeds());
  EXPECT_THAT(watch().take_log(),
              ElementsAre("write packs/0000000001.pack", "sync packs/0000000001.pack"));
}

TEST_F(PutStepsTest, CostsNoFlushWhenBufferedAndOneForAllWithSync) {
  for (int i = 0; i < 10; ++i) ASSERT_THAT(put_here(std::to_string(i), kBuffered), Succeeds());
  EXPECT_THAT(watch().take_log(), ::testing::Each("write packs/0000000001.pack"));
  ASSERT_THAT(core_->packed_puts.sync(), Succeeds());
  EXPECT_THAT(watch().take_log(), ElementsAre("sync packs/0000000001.pack"));
}

// What waits is lost with the sync of whoever comes first. Method: one sync is held until another
// thread has asked for the object, kSynced, and has had time to find it waiting; then it fails.
// Whether that thread came in time or not, it must not acknowledge what is not there.
TEST_F(PutStepsTest, WritesWhatItFoundWaitingAndWasLostBeforeItsTurn) {
  for (const PutOptions& options : {PutOptions(), kPacked}) {
    const std::string text = options.placement == Placement::kPacked ? "packed" : "loose";
    ASSERT_THAT(put_here(text, kBuffered), Succeeds());
    std::atomic<bool> held = false;
    std::atomic<bool> asked = false;
    watch().before = [&](const std::string& step) -> Status {
      if (!step.starts_with("sync packs/") || held.exchange(true)) return {};
      while (!asked) std::this_thread::yield();
      for (int i = 0; i < 10'000; ++i) std::this_thread::yield();
      return fail(ErrorCode::kIo, "lost");
    };
    std::jthread first([&] { EXPECT_THAT(core_->packed_puts.sync(), FailsWith(ErrorCode::kIo)); });
    while (!held) std::this_thread::yield();
    asked = true;
    EXPECT_THAT(put_here(text, options), Succeeds());
    first.join();
    watch().before = nullptr;
    EXPECT_EQ(text_of(ObjectId::of(as_bytes(text))), text);
  }
}

// kNoSpace, kIo: nothing visible, and nothing left behind; the same put succeeds later.
TEST_F(PutStepsTest, LeavesNothingWhateverStepFails) {
  for (const PutOptions& options : {PutOptions(), kPacked}) {
    for (const char* step : {"create sandbox", "write sandbox", "sync sandbox", "rename sandbox",
                             "write packs", "sync packs"}) {
      const bool packed = options.placement == Placement::kPacked;
      const std::string text = std::string(packed ? "packed, " : "loose, ") + step;
      watch().fail_at(step, ErrorCode::kNoSpace);
      const auto failed = put_here(text, options);
      watch().before = nullptr;
      if (failed) continue;  // Not a step of this placement.
      EXPECT_THAT(failed, FailsWith(ErrorCode::kNoSpace));
      EXPECT_FALSE(has(ObjectId::of(as_bytes(text)))) << step;
      EXPECT_EQ(count_files("sandbox"), 0) << step;
      ASSERT_THAT(put_here(text, options), Succeeds());
      EXPECT_EQ(text_of(ObjectId::of(as_bytes(text))), text);
    }
  }
  EXPECT_THAT(store(), IsUndamaged());
}

}  // namespace
}  // namespace packstore::store
