#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "file_sources.h"
#include "packstore/file.h"
#include "packstore/store.h"
#include "support/store_scratch.h"
#include "watched_blocks.h"

namespace packstore {
namespace {

using testing::FailsWith;
using ::testing::HasSubstr;
using testing::narrow_profile;
using testing::noise;
using testing::Succeeds;
using testing::UnevenSource;
using testing::WatchedBlocks;
using testing::write_bytes;

constexpr const char* kProfiles[] = {"native", "unixfs-v1-2025", "unixfs-v0-2015"};

class WriteFileTest : public ::testing::TestWithParam<const char*> {
 protected:
  FileProfile named() const { return FileProfile::named(GetParam()).value(); }
  FileProfile narrow() const { return narrow_profile(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Profiles, WriteFileTest, ::testing::ValuesIn(kProfiles));

TEST_P(WriteFileTest, GivesBackContentOfEverySize) {
  const Bytes content = noise(40'000, 1);
  for (const std::size_t size : {0U, 1U, 63U, 511U, 512U, 2048U, 2049U, 5000U, 39'999U, 40'000U}) {
    SCOPED_TRACE(size);
    MemoryBlocks blocks;
    const ByteView part = ByteView(content).first(size);
    const FileRoot root = write_bytes(blocks, part, {.profile = narrow()});
    EXPECT_EQ(root.size, size);
    FileReader reader = FileReader::open(blocks, root.cid).value();
    EXPECT_EQ(reader.size(), size);
    EXPECT_EQ(testing::read_all(reader, 1000), Bytes(part.begin(), part.end()));
  }
}

// The root is a function of content and profile: not of threads, nor of how the source is read.
TEST_P(WriteFileTest, GivesTheSameRootForAnyNumberOfThreadsAndAnySource) {
  const Bytes content = noise(9'000'000, 2);
  MemoryBlocks blocks;
  const FileRoot one = write_bytes(blocks, content, {.profile = named()});
  for (const unsigned threads : {0U, 2U, 3U, 8U}) {
    SCOPED_TRACE(threads);
    UnevenSource source(content);
    MemoryBlocks others;
    const FileRoot root =
        write_file(others, source, {.profile = named(), .threads = threads}).value();
    EXPECT_EQ(root.cid, one.cid);
    EXPECT_EQ(root.chunks, one.chunks);
    EXPECT_EQ(root.nodes, one.nodes);
    EXPECT_EQ(others.block_count(), blocks.block_count());
  }
}

TEST_P(WriteFileTest, NeverMakesAFileOfASourceThatBreaksOff) {
  const Bytes content = noise(9'000'000, 3);
  for (const unsigned threads : {1U, 3U}) {
    for (const std::size_t size : {0U, 1U, 4'194'304U, 9'000'000U}) {
      SCOPED_TRACE(::testing::Message() << size << " bytes, " << threads << " threads");
      UnevenSource source(ByteView(content).first(size), Error{ErrorCode::kIo, "pulled out"});
      MemoryBlocks blocks;
      const auto root = write_file(blocks, source, {.profile = named(), .threads = threads});
      ASSERT_THAT(root, FailsWith(ErrorCode::kIo));
      EXPECT_EQ(root.error().message, "pulled out");
    }
  }
}

TEST_P(WriteFileTest, WritesNothingForContentThatIsKnown) {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  const Bytes content = noise(9'000'000, 4);
  StoreBlocks blocks(store);
  const FileRoot first = write_bytes(blocks, content, {.profile = named()});
  const BatchReport stored = blocks.commit().value();
  EXPECT_EQ(stored.objects, first.chunks + first.nodes);
  for (const unsigned threads : {1U, 2U}) {
    const FileRoot again = write_bytes(blocks, content, {.profile = named(), .threads = threads});
    const BatchReport report = blocks.commit().value();
    EXPECT_EQ(again.cid, first.cid);
    EXPECT_EQ(report.objects, 0);
    EXPECT_EQ(report.stored_bytes, 0);
    EXPECT_EQ(report.duplicates, first.chunks + first.nodes);
  }
  EXPECT_THAT(store, testing::IsSpotless());
}

TEST_P(WriteFileTest, StopsWhenItIsTold) {
  const Bytes content = noise(20'000'000, 5);
  for (const unsigned threads : {1U, 3U}) {
    std::stop_source stop;
    std::uint64_t seen = 0;
    const RunControl control{.on_progress =
                                 [&](const Progress& progress) {
                                   EXPECT_GT(progress.done, seen);
                                   EXPECT_EQ(progress.total, content.size());
                                   seen = progress.done;
                                   if (seen > 5'000'000) stop.request_stop();
                                 },
                             .stop = stop.get_token()};
    ViewSource source(content);
    MemoryBlocks blocks;
    const auto root = write_file(blocks, source,
                                 {.profile = named(),
                                  .threads = threads,
                                  .bytes_expected = content.size(),
                                  .control = control});
    EXPECT_THAT(root, FailsWith(ErrorCode::kCancelled));
    EXPECT_LT(seen, content.size());
  }
}

// A store that notices whether what it is given are parts of `whole`.
class LoanBlocks final : public BlockStore {
 public:
  explicit LoanBlocks(ByteView whole) : whole_(whole) {}
  Status put_prepared(const PreparedBlocks& blocks) override {
    for (const ByteView content : blocks.contents) {
      const bool is_part = content.data() >= whole_.data() &&
                           content.data() + content.size() <= whole_.data() + whole_.size();
      if (is_part) part_bytes_ += content.size();
    }
    return {};
  }
  std::uint64_t part_bytes() const { return part_bytes_; }

 private:
  static Error not_here() { return {ErrorCode::kNotFound, "not here"}; }
  Result<Bytes> get_object(const ObjectId&) const override { return not_here(); }
  Result<std::uint64_t> object_size(const ObjectId&) const override { return not_here(); }
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override {
    return std::vector<bool>(ids.size());
  }

  ByteView whole_;
  std::uint64_t part_bytes_ = 0;
};

TEST(WriteFile, CopiesNothingOfASourceThatIsInMemory) {
  const Bytes content = noise(20'000'000, 5);
  MemoryBlocks memory;
  UnevenSource streamed(content);
  const FileRoot root = write_file(memory, streamed).value();
  for (const unsigned threads : {1U, 3U}) {
    LoanBlocks blocks(content);
    ViewSource source(content);
    EXPECT_EQ(write_file(blocks, source, {.threads = threads}).value().cid, root.cid);
    EXPECT_EQ(blocks.part_bytes(), content.size());
    Bytes beyond(1);
    EXPECT_EQ(source.read(beyond).value(), 0);
  }
}

// A store that fails at the nth put: the call says so, whichever thread it was.
class FailingBlocks final : public BlockStore {
 public:
  explicit FailingBlocks(int puts) : puts_(puts) {}
  Status put_prepared(const PreparedBlocks&) override {
    if (puts_-- > 0) return {};
    return Error{ErrorCode::kNoSpace, "full"};
  }

 private:
  Result<Bytes> get_object(const ObjectId&) const override { return not_here(); }
  Result<std::uint64_t> object_size(const ObjectId&) const override { return not_here(); }
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override {
    return std::vector<bool>(ids.size());
  }
  static Error not_here() { return {ErrorCode::kNotFound, "not here"}; }

  int puts_;
};

TEST_P(WriteFileTest, PassesOnTheErrorOfTheStore) {
  const Bytes content = noise(20'000'000, 6);
  for (const unsigned threads : {1U, 4U}) {
    for (const int puts : {0, 1, 3}) {
      FailingBlocks blocks(puts);
      ViewSource source(content);
      const FileProfile tall = [&] {
        FileProfile profile = named();
        profile.chunker = ChunkerSpec::fixed(1 << 16);
        return profile;
      }();
      EXPECT_THAT(write_file(blocks, source, {.profile = tall, .threads = threads}),
                  FailsWith(ErrorCode::kNoSpace));
    }
  }
}

// Memory is bounded: what the call holds is a segment a thread, whatever the size of the file.
// A source without an end, too.
TEST(WriteFile, PassesOnWhatASourceOrAnObserverThrows) {
  struct Endless final : ByteSource {
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (--reads_left == 0) throw std::runtime_error("thrown");
      std::ranges::fill(into, std::byte{});
      return into.size();
    }
    std::uint64_t reads_left = UINT64_MAX;
  };
  for (const unsigned threads : {1U, 2U, 5U}) {
    MemoryBlocks blocks;
    Endless source;
    source.reads_left = 4;
    EXPECT_THROW(static_cast<void>(write_file(blocks, source, {.threads = threads})),
                 std::runtime_error);
    source.reads_left = UINT64_MAX;
    WriteFileOptions options{.threads = threads};
    options.control.on_progress = [](const Progress& progress) {
      if (progress.done > 10'000'000) throw std::runtime_error("thrown");
    };
    EXPECT_THROW(static_cast<void>(write_file(blocks, source, options)), std::runtime_error);
  }
}

TEST_P(WriteFileTest, TakesFromTheSourceOnlyWhatItIsAboutToStore) {
  constexpr std::uint64_t kSize = 100'000'000;
  constexpr std::uint64_t kSegmentMax = 16 << 20;
  WatchedBlocks blocks;
  blocks.keeps_bytes_max = 0;
  std::uint64_t stored = 0;
  class Zeros final : public ByteSource {
   public:
    explicit Zeros(const std::uint64_t& stored) : stored_(stored) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      EXPECT_LE(given_, stored_ + 3 * kSegmentMax);
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), kSize - given_));
      given_ += count;
      return count;
    }

   private:
    const std::uint64_t& stored_;
    std::uint64_t given_ = 0;
  } source(stored);
  const RunControl control{.on_progress = [&](const Progress& p) { stored = p.done; }, .stop = {}};
  EXPECT_EQ(write_file(blocks, source, {.profile = named(), .control = control}).value().size,
            kSize);
}

TEST(WriteFile, KeepsEqualChunksOnce) {
  MemoryBlocks blocks;
  FileProfile fixed;
  fixed.chunker = ChunkerSpec::fixed(4096);
  const FileRoot root = write_bytes(blocks, Bytes(4096 * 1000), {.profile = fixed});
  EXPECT_EQ(root.chunks, 1000);
  // One chunk; the full nodes are equal, too, then the one that is not full, and the root.
  EXPECT_EQ(blocks.block_count(), 4);
}

TEST(WriteFile, CompressesAsTheStoreIsTold) {
  testing::ScratchDirectory scratch;
  Store store = Store::create(scratch / "store").value();
  const Bytes content = testing::content_of(2, 3'000'000);
  StoreBlocks blocks(store, {.compression = Compression::zlib()});
  const FileRoot root = write_bytes(blocks, content, {.threads = 2});
  const BatchReport report = blocks.commit().value();
  EXPECT_LT(report.stored_bytes, content.size() / 4);
  FileReader reader = FileReader::open(blocks, root.cid).value();
  EXPECT_EQ(testing::read_all(reader, 1 << 20), content);
}

TEST(WriteFile, LaysOutFlatWhatOneNodeCanHold) {
  MemoryBlocks blocks;
  FileProfile flat = narrow_profile();
  flat.layout = FileLayout::kFlat;
  const Bytes content = noise(100'000, 7);
  const FileRoot root = write_bytes(blocks, content, {.profile = flat});
  EXPECT_EQ(root.nodes, 1);
  EXPECT_GT(root.chunks, 100);
  FileReader reader = FileReader::open(blocks, root.cid).value();
  EXPECT_EQ(testing::read_all(reader, 1 << 20), content);

  flat.chunker = ChunkerSpec::fixed(256);
  ViewSource source(content);
  const Bytes long_content(256 * (std::size_t{FileProfile::kFlatLeavesMax} + 1));
  ViewSource too_long(long_content);
  EXPECT_THAT(write_file(blocks, too_long, {.profile = flat}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST(WriteFile, CutsWithTheChunkerOfTheCaller) {
  class Halves final : public Chunker {
   public:
    std::uint32_t chunk_bytes_max() const override { return 500; }
    std::size_t cut(ByteView data, InputEnd end,
                    std::vector<std::uint32_t>& lengths) const override {
      std::size_t covered = 0;
      while (data.size() - covered >= 500 || (end == InputEnd::kLast && covered < data.size())) {
        lengths.push_back(
            static_cast<std::uint32_t>(std::min<std::size_t>(500, data.size() - covered)));
        covered += lengths.back();
      }
      return covered;
    }
  } halves;
  MemoryBlocks blocks;
  EXPECT_EQ(write_bytes(blocks, noise(1'001, 8), {.chunker = &halves}).chunks, 3);
}

// A chunker of an application's that is wrong ends the call instead of the file.
TEST(WriteFile, RefusesAChunkerThatDoesNotCoverWhatItWasGiven) {
  class Broken final : public Chunker {
   public:
    Broken(std::size_t covered, std::uint32_t length) : covered_(covered), length_(length) {}
    std::uint32_t chunk_bytes_max() const override { return 500; }
    std::size_t cut(ByteView, InputEnd, std::vector<std::uint32_t>& lengths) const override {
      if (length_ > 0) lengths.push_back(length_);
      return covered_;
    }

   private:
    std::size_t covered_;
    std::uint32_t length_;
  };
  const Bytes content = noise(5'000'000, 9);
  for (const auto& [covered, length] : {std::pair{0U, 0U}, {10U, 20U}, {20U, 10U}, {0U, 7U}}) {
    const Broken chunker(covered, length);
    ViewSource source(content);
    MemoryBlocks blocks;
    EXPECT_THAT(write_file(blocks, source, {.chunker = &chunker}),
                FailsWith(ErrorCode::kInvalidArgument));
  }
}

// The root would depend on where segments of the file end.
TEST(WriteFile, RefusesAChunkLongerThanTheChunkerSaysThereAre) {
  class Longer final : public Chunker {
   public:
    std::uint32_t chunk_bytes_max() const override { return 500; }
    std::size_t cut(ByteView data, InputEnd, std::vector<std::uint32_t>& lengths) const override {
      lengths.push_back(501);
      lengths.push_back(static_cast<std::uint32_t>(data.size() - 501));
      return data.size();
    }
  } longer;
  const Bytes content = noise(1'000, 9);
  ViewSource source(content);
  MemoryBlocks blocks;
  const auto root = write_file(blocks, source, {.chunker = &longer});
  ASSERT_THAT(root, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(root.error().message, HasSubstr("501 bytes"));
}

// What it wrote is not read past the end of the buffer.
TEST(WriteFile, RefusesASourceThatClaimsMoreThanItWasAskedFor) {
  testing::BoastingSource source;
  MemoryBlocks blocks;
  EXPECT_THAT(write_file(blocks, source), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(FileProfile, NamesThePresetsThatThereAre) {
  const auto wrong = FileProfile::named("unixfs");
  ASSERT_THAT(wrong, FailsWith(ErrorCode::kInvalidArgument));
  for (const char* name : kProfiles) {
    EXPECT_EQ(FileProfile::named(name).value().name, name);
    EXPECT_THAT(wrong.error().message, HasSubstr(name));
  }
}

TEST(FileProfile, RefusesWidthsOutsideTheirLimits) {
  FileProfile profile;
  for (const std::uint32_t width : {0U, 1U, FileProfile::kWidthMax + 1}) {
    profile.width = width;
    EXPECT_THAT(profile.check(), FailsWith(ErrorCode::kInvalidArgument)) << width;
  }
  profile.width = 2;
  profile.chunker.bytes_average = 1;
  EXPECT_THAT(profile.check(), FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace packstore
