#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "dag/file_node.h"
#include "file_sources.h"
#include "packstore/file.h"
#include "support/store_scratch.h"
#include "watched_blocks.h"

namespace packstore {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::narrow_profile;
using testing::noise;
using ::testing::SizeIs;
using testing::Succeeds;
using testing::WatchedBlocks;
using testing::write_bytes;

struct Difference {
  std::vector<FileChunk> a;
  std::vector<FileChunk> b;
  std::uint64_t a_offset;
  std::uint64_t b_offset;

  static std::uint64_t bytes(const std::vector<FileChunk>& chunks) {
    std::uint64_t sum = 0;
    for (const FileChunk& chunk : chunks) sum += chunk.size;
    return sum;
  }
};

class DiffFilesTest : public ::testing::TestWithParam<const char*> {
 protected:
  Cid write(ByteView content) {
    return write_bytes(blocks_, content, {.profile = narrow_profile(GetParam())}).cid;
  }
  std::vector<Difference> diff(const Cid& a, const Cid& b) {
    std::vector<Difference> found;
    EXPECT_THAT(diff_files(blocks_, a, b,
                           [&](const FileDifference& each) -> Status {
                             found.push_back({{each.a.begin(), each.a.end()},
                                              {each.b.begin(), each.b.end()},
                                              each.a_offset,
                                              each.b_offset});
                             return {};
                           }),
                Succeeds());
    return found;
  }

  // What a difference promises: everything outside of it is the same, in the same order.
  static void expect_explains(const std::vector<Difference>& found, ByteView a, ByteView b) {
    std::uint64_t a_at = 0;
    std::uint64_t b_at = 0;
    for (const Difference& each : found) {
      ASSERT_GE(each.a_offset, a_at);
      ASSERT_EQ(each.a_offset - a_at, each.b_offset - b_at);
      ASSERT_TRUE(std::ranges::equal(a.subspan(a_at, each.a_offset - a_at),
                                     b.subspan(b_at, each.b_offset - b_at)));
      a_at = expect_row(each.a, each.a_offset);
      b_at = expect_row(each.b, each.b_offset);
    }
    ASSERT_TRUE(std::ranges::equal(a.subspan(a_at), b.subspan(b_at)));
  }
  // Chunks follow each other without a gap.
  static std::uint64_t expect_row(const std::vector<FileChunk>& chunks, std::uint64_t offset) {
    for (const FileChunk& chunk : chunks) {
      EXPECT_EQ(chunk.offset, offset);
      offset += chunk.size;
    }
    return offset;
  }

  WatchedBlocks blocks_;
};
INSTANTIATE_TEST_SUITE_P(Profiles, DiffFilesTest,
                         ::testing::Values("native", "unixfs-v1-2025", "unixfs-v0-2015"));

TEST_P(DiffFilesTest, FindsNothingBetweenAFileAndItselfAndReadsNothing) {
  const Cid cid = write(noise(100'000, 1));
  blocks_.take_reads();
  EXPECT_THAT(diff(cid, cid), IsEmpty());
  EXPECT_THAT(blocks_.take_reads(), IsEmpty());
}

TEST_P(DiffFilesTest, FindsTheChunkThatWasChangedWithoutReadingEqualSubtrees) {
  const Bytes a = noise(300'000, 2);
  Bytes b = a;
  b[150'000] ^= std::byte{1};
  const Cid cid_a = write(a);
  const Cid cid_b = write(b);
  blocks_.take_reads();
  const std::vector<Difference> found = diff(cid_a, cid_b);
  // Two paths of at most eight nodes; dag-pb leaves beside them are read to see what they are.
  EXPECT_LE(blocks_.take_reads().size(), 2 * 8 * 3);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_LE(found[0].a_offset, 150'000);
  EXPECT_LE(Difference::bytes(found[0].a), 4 * 2048);
  expect_explains(found, a, b);
}

TEST_P(DiffFilesTest, FindsAgainWhatAnInsertionHasMoved) {
  const Bytes a = noise(300'000, 3);
  Bytes b = a;
  const Bytes more = noise(5'000, 4);
  b.insert(b.begin() + 100'000, more.begin(), more.end());
  const std::vector<Difference> found = diff(write(a), write(b));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_LE(Difference::bytes(found[0].a), 4 * 2048);
  EXPECT_LE(Difference::bytes(found[0].b), 5'000 + 4 * 2048);
  expect_explains(found, a, b);
}

TEST_P(DiffFilesTest, SaysWhatWasAppendedAndWhatWasCutOff) {
  const Bytes longer = noise(100'000, 5);
  const ByteView shorter = ByteView(longer).first(60'000);
  const Cid cid_long = write(longer);
  const Cid cid_short = write(shorter);
  expect_explains(diff(cid_short, cid_long), shorter, longer);
  expect_explains(diff(cid_long, cid_short), longer, shorter);
  const Cid cid_empty = write({});
  expect_explains(diff(cid_empty, cid_long), {}, longer);
  expect_explains(diff(cid_long, cid_empty), longer, {});
  EXPECT_EQ(Difference::bytes(diff(cid_long, cid_empty).front().a), longer.size());
}

TEST_P(DiffFilesTest, ExplainsRandomEdits) {
  std::mt19937_64 random(testing::test_seed());
  for (int round = 0; round < 30; ++round) {
    const Bytes a = noise(20'000 + random() % 50'000, random());
    Bytes b = a;
    for (std::uint64_t edit = random() % 5; edit > 0; --edit) {
      const auto at = b.begin() + static_cast<std::ptrdiff_t>(random() % b.size());
      const std::size_t length = random() % 3'000;
      const Bytes fresh = noise(length, random());
      switch (random() % 3) {
        case 0:
          b.insert(at, fresh.begin(), fresh.end());
          break;
        case 1:
          b.erase(at, at + std::min<std::ptrdiff_t>(b.end() - at - 1, 2'000));
          break;
        default:
          std::copy_n(fresh.begin(),
                      std::min({b.end() - at, fresh.end() - fresh.begin(), std::ptrdiff_t{500}}),
                      at);
      }
    }
    expect_explains(diff(write(a), write(b)), a, b);
  }
}

TEST_P(DiffFilesTest, TellsFilesThatHaveNothingInCommonInPieces) {
  const Bytes a = noise(4'000'000, 6);
  const Bytes b = noise(4'000'000, 7);
  const std::vector<Difference> found = diff(write(a), write(b));
  EXPECT_GT(found.size(), 1);
  expect_explains(found, a, b);
}

TEST_P(DiffFilesTest, EndsWithTheErrorOfTheVisitor) {
  const Status status = diff_files(blocks_, write(noise(10'000, 8)), write(noise(10'000, 9)),
                                   [](const FileDifference&) -> Status {
                                     return Error{ErrorCode::kCancelled, "enough"};
                                   });
  EXPECT_THAT(status, FailsWith(ErrorCode::kCancelled));
}

TEST_P(DiffFilesTest, NamesABlockThatIsMissing) {
  const Cid a = write(noise(10'000, 8));
  const Cid b = write(noise(10'000, 9));
  blocks_.lose(*a.object_id());
  EXPECT_THAT(diff_files(blocks_, a, b, [](const FileDifference&) -> Status { return {}; }),
              FailsWith(ErrorCode::kNotFound));
}

// Two trees over the same leaves, in nodes of two formats that are no node's of the other.
class DiffFilesInTwoFormats : public ::testing::Test {
 protected:
  struct Pair {
    Cid a;
    Cid b;
    std::uint64_t size;
  };
  Pair leaf(std::string_view text) {
    const Cid cid = blocks_.put(NodeKind::kRaw, as_bytes(text)).value();
    return {cid, cid, text.size()};
  }
  Pair node(const std::vector<Pair>& children) {
    std::vector<dag::FileNodeChild> a;
    std::vector<dag::FileNodeChild> b;
    std::uint64_t size = 0;
    for (const Pair& child : children) {
      a.push_back({child.a, child.size, 1});
      b.push_back({child.b, child.size, 1});
      size += child.size;
    }
    return {blocks_.put(NodeKind::kDagCbor, dag::encode_native_file(a).value()).value(),
            blocks_.put(NodeKind::kDagPb, dag::encode_unixfs_file(b).value()).value(), size};
  }
  // Twice the same below each node: 2 ^ `depth` leaves in hardly more than 2 * `depth` blocks.
  Pair doubled(Pair pair, unsigned depth) {
    for (unsigned i = 0; i < depth; ++i) pair = node({pair, pair});
    return pair;
  }

  WatchedBlocks blocks_;
};

TEST_F(DiffFilesInTwoFormats, WalksWhatItFoundEqualOnce) {
  const Pair files = doubled(leaf("a"), 60);
  EXPECT_THAT(diff_files(blocks_, files.a, files.b,
                         [](const FileDifference&) -> Status {
                           ADD_FAILURE() << "they are equal";
                           return {};
                         }),
              Succeeds());
  EXPECT_LE(blocks_.take_reads().size(), 2 * 61);
}

// Not even where more pairs than are remembered stand between a pair and its repetition.
TEST_F(DiffFilesInTwoFormats, ForgetsTheSmallestPairsFirst) {
  std::vector<Pair> crowd;
  for (int i = 0; i < 5'000; ++i) crowd.push_back(node({leaf(std::to_string(i))}));
  const Pair between = node(crowd);
  Pair files = doubled(leaf("a"), 10);
  for (int i = 0; i < 4; ++i) files = node({files, between, files});
  EXPECT_THAT(diff_files(blocks_, files.a, files.b,
                         [](const FileDifference&) -> Status {
                           ADD_FAILURE() << "they are equal";
                           return {};
                         }),
              Succeeds());
  EXPECT_LE(blocks_.take_reads().size(), 2 * 5'100);
}

TEST_F(DiffFilesInTwoFormats, TellsEveryDifferenceBetweenWhatIsEqual) {
  const Pair equal = doubled(leaf("a"), 5);
  const Pair x = leaf("x");
  const Pair y = leaf("y");
  const Pair other{x.a, y.b, 1};
  const Pair part = node({equal, other, equal});
  const Pair files = node({part, equal, part});
  std::vector<std::uint64_t> offsets;
  EXPECT_THAT(diff_files(blocks_, files.a, files.b,
                         [&](const FileDifference& each) -> Status {
                           offsets.push_back(each.a_offset);
                           EXPECT_EQ(each.b_offset, each.a_offset);
                           EXPECT_EQ(each.a.front().cid, x.a);
                           EXPECT_EQ(each.b.front().cid, y.b);
                           return {};
                         }),
              Succeeds());
  EXPECT_THAT(offsets, ElementsAre(32, 32 + 33 + 64));
}

// A pair is known by its size as well: the same nodes, said to be longer, are damage.
TEST_F(DiffFilesInTwoFormats, BelievesNoOtherSizeOfWhatItFoundEqual) {
  const Pair equal = doubled(leaf("a"), 3);
  const Pair files = node({equal, {equal.a, equal.b, equal.size + 1}});
  EXPECT_THAT(
      diff_files(blocks_, files.a, files.b, [](const FileDifference&) -> Status { return {}; }),
      FailsWith(ErrorCode::kCorrupt));
}

// Two trees of the same bytes whose nodes nowhere end together: the walk is as long as the files
// are.
TEST_F(DiffFilesInTwoFormats, TellHowFarTheyAreAndStopWhenTheyAreTold) {
  const Pair even = doubled(leaf("a"), 50);
  Pair odd = leaf("a");
  while (odd.size < even.size / 2) odd = node({odd, leaf("a"), odd});
  std::stop_source stop;
  const RunControl control{.on_progress =
                               [&](const Progress& progress) {
                                 EXPECT_EQ(progress.phase, "diff");
                                 EXPECT_GT(progress.done, 0U);
                                 stop.request_stop();
                               },
                           .stop = stop.get_token()};
  const auto ignore = [](const FileDifference&) -> Status { return {}; };
  EXPECT_THAT(diff_files(blocks_, even.a, odd.b, ignore, {.control = control}),
              FailsWith(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace packstore
