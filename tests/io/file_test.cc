// What every implementation of File inherits, tried on mocks where the kernel would have to fail.
#include "io/file.h"

#include <cstring>

#include "base/error.h"
#include "io/posix_file.h"
#include "io_test_support.h"
#include "mock_file_system.h"

namespace packstore::io {
namespace {

using testing::_;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::NiceMock;
using testing::Return;
using testing::StrictMock;

const Error kDiskBroke{ErrorCode::kIo, "disk broke"};

TEST(File, AfterAFailedWriteWritesAndSyncsGiveThatAnswerUntried) {
  StrictMock<MockFile> file;
  EXPECT_CALL(file, do_write_at).WillOnce(Return(kDiskBroke));
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(file.write_at(0, as_bytes("x")).error().message, "disk broke");
    EXPECT_EQ(file.sync().error().message, "disk broke");
  }
}

TEST(File, CanBeCutOffAfterAFailureAndStaysFailed) {
  StrictMock<MockFile> file;
  EXPECT_CALL(file, do_sync).WillOnce(Return(kDiskBroke));
  EXPECT_CALL(file, do_truncate(7)).WillOnce(Return(Status()));
  EXPECT_THAT(file.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.truncate(7), Succeeds());
  EXPECT_THAT(file.sync(), FailsWith(ErrorCode::kIo));
}

TEST(File, AfterAFailedSyncASecondSyncDoesNotSucceed) {
  StrictMock<MockFile> file;
  EXPECT_CALL(file, do_sync).WillOnce(Return(kDiskBroke));
  EXPECT_THAT(file.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.write_at(0, as_bytes("x")), FailsWith(ErrorCode::kIo));
}

TEST(File, AfterAFailedTruncateNothingIsWritten) {
  StrictMock<MockFile> file;
  EXPECT_CALL(file, do_truncate).WillOnce(Return(kDiskBroke));
  EXPECT_THAT(file.truncate(1), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.write_at(0, as_bytes("x")), FailsWith(ErrorCode::kIo));
}

TEST(File, AFailedReadIsForgotten) {
  StrictMock<MockFile> file;
  std::byte byte{};
  EXPECT_CALL(file, read_at(0, testing::A<std::span<std::byte>>())).WillOnce(Return(kDiskBroke));
  EXPECT_CALL(file, do_sync).WillOnce(Return(Status()));
  EXPECT_THAT(file.read_at(0, {&byte, 1}), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.sync(), Succeeds());
}

// A file in memory, which the kernel cannot copy for us.
class MemoryFile : public NiceMock<MockFile> {
 public:
  explicit MemoryFile(Bytes content) : content_(std::move(content)) {
    ON_CALL(*this, info).WillByDefault([this] {
      return FileInfo{.size = content_.size(), .links = 1};
    });
    ON_CALL(*this, read_at(_, testing::A<std::span<std::byte>>()))
        .WillByDefault([this](std::uint64_t offset, std::span<std::byte> into) {
          const std::size_t count = std::min(into.size(), content_.size() - offset);
          std::memcpy(into.data(), content_.data() + offset, count);
          return Result<std::size_t>(count);
        });
    ON_CALL(*this, do_write_at)
        .WillByDefault([this](std::uint64_t offset, std::span<const ByteView> pieces) {
          for (const ByteView piece : pieces) {
            if (piece.empty()) continue;
            content_.resize(std::max<std::size_t>(content_.size(), offset + piece.size()));
            std::memcpy(content_.data() + offset, piece.data(), piece.size());
            offset += piece.size();
          }
          return Status();
        });
  }
  Bytes content_;
};

struct CopyCase {
  std::uint64_t from;
  std::uint64_t to;
  std::uint64_t length;
};

// Ranges within a file of kCopiedBytes: nothing, part of a block, several buffers, to the end.
constexpr std::size_t kCopiedBytes = 3'300'000;
constexpr CopyCase kCopyCases[] = {
    {0, 0, 0},           {0, 0, 1}, {17, 4096, 100'000}, {4096, 8192, 8192}, {0, 5, kCopiedBytes},
    {kCopiedBytes, 3, 0}};

void expect_copied(const File& from, const Bytes& original, File& to, const CopyCase& range) {
  ASSERT_THAT(copy_range(from, range.from, to, range.to, range.length), Succeeds());
  Bytes copied(range.length);
  ASSERT_THAT(to.read_at(range.to, std::span<std::byte>(copied)), Succeeds());
  const ByteView expected = ByteView(original).subspan(range.from, range.length);
  EXPECT_TRUE(std::equal(copied.begin(), copied.end(), expected.begin(), expected.end()));
}

TEST(CopyRange, CopiesExactlyTheRangeBetweenFilesOfTheSystem) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  std::mt19937 random(1);
  const Bytes original = random_bytes(random, kCopiedBytes);
  const auto from = directory->create_file("from").value();
  ASSERT_THAT(from->write_at(0, original), Succeeds());
  for (const CopyCase& range : kCopyCases) {
    SCOPED_TRACE(range.length);
    const auto to = directory->create_file("to").value();
    expect_copied(*from, original, *to, range);
    EXPECT_EQ(to->info().value().size, range.length == 0 ? 0 : range.to + range.length);
    ASSERT_THAT(directory->remove_file("to"), Succeeds());
  }
}

TEST(CopyRange, CopiesExactlyTheRangeBetweenOtherFiles) {
  std::mt19937 random(2);
  const Bytes original = random_bytes(random, kCopiedBytes);
  const MemoryFile from(original);
  for (const CopyCase& range : kCopyCases) {
    SCOPED_TRACE(range.length);
    MemoryFile to({});
    ASSERT_EQ(copy_in_kernel(from, range.from, to, range.to, range.length), 0U);
    if (range.length == 0) continue;
    expect_copied(from, original, to, range);
    EXPECT_EQ(to.content_.size(), range.to + range.length);
  }
}

TEST(CopyRange, RefusesARangeBeyondTheEndBeforeItWrites) {
  const MemoryFile from(Bytes(100));
  StrictMock<MockFile> to;
  constexpr std::uint64_t kFar = ~std::uint64_t{0};
  for (const CopyCase& range : {CopyCase{0, 0, 101}, {101, 0, 0}, {50, 0, kFar}, {kFar, 0, 2}}) {
    const Status status = copy_range(from, range.from, to, range.to, range.length);
    EXPECT_THAT(status, FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(status.error().message, HasSubstr("mock file"));
  }
}

// A file that shrinks during the copy still has its old size when the copy begins.
TEST(CopyRange, NoticesAFileThatEndsOnTheWay) {
  MemoryFile from(Bytes(100));
  ON_CALL(from, info).WillByDefault(Return(FileInfo{.size = 200, .links = 1}));
  MemoryFile to({});
  EXPECT_THAT(copy_range(from, 0, to, 0, 200), FailsWith(ErrorCode::kCorrupt));
}

TEST(CopyRange, DoesNotTouchAFileWhoseWriteHasFailed) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  write_text(scratch.path() / "from", "content");
  write_text(scratch.path() / "to", "before");
  const auto from = directory->open_file("from", OpenMode::kRead).value();
  const auto to = directory->open_file("to", OpenMode::kReadWrite).value();
  ASSERT_THAT(to->truncate(~std::uint64_t{0}), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(copy_range(*from, 0, *to, 0, 7), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(read_text(scratch.path() / "to"), "before");
}

TEST(ListNames, AreOfTheKindAndSorted) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  for (const char* name : {"b", "c", "a"}) write_text(scratch.path() / name, "");
  ASSERT_THAT(directory->create_directory("d"), Succeeds());
  std::filesystem::create_symlink("a", scratch.path() / "e");
  EXPECT_THAT(list_names(*directory, EntryKind::kFile).value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(list_names(*directory, EntryKind::kDirectory).value(), ElementsAre("d"));
  EXPECT_THAT(list_names(*directory, EntryKind::kOther).value(), ElementsAre("e"));
}

TEST(ListNames, ReportsAListingThatFails) {
  const NiceMock<MockDirectory> directory;
  ON_CALL(directory, list).WillByDefault(Return(kDiskBroke));
  EXPECT_THAT(list_names(directory, EntryKind::kFile), FailsWith(ErrorCode::kIo));
}

}  // namespace
}  // namespace packstore::io
