#include "io/posix_file.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <limits>

#include "io/keep_room.h"
#include "io_test_support.h"

namespace packstore::io {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kBeyondEveryFile = std::uint64_t{1} << 63;

// Gives this process mounts of its own, where need be in the role of an administrator over them.
bool leave_the_common_mounts() {
  const std::string user = std::to_string(::getuid());
  const std::string group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", "0 " + user + " 1");
    write_text("/proc/self/gid_map", "0 " + group + " 1");
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

class PosixFileTest : public testing::Test {
 protected:
  std::unique_ptr<File> create(std::string_view name) {
    return directory_->create_file(name).value();
  }
  std::unique_ptr<File> open(std::string_view name, OpenMode mode = OpenMode::kRead) {
    return directory_->open_file(name, mode).value();
  }

  ScratchDirectory scratch_;
  std::unique_ptr<Directory> directory_ = scratch_.open();
};

TEST_F(PosixFileTest, ReadReturnsFewerBytesOnlyAtTheEnd) {
  const auto file = create("file");
  ASSERT_THAT(file->write_at(0, as_bytes("0123456789")), Succeeds());
  Bytes into(4);
  EXPECT_EQ(file->read_at(3, into).value(), 4U);
  EXPECT_EQ(as_text(into), "3456");
  EXPECT_EQ(file->read_at(8, into).value(), 2U);
  EXPECT_EQ(file->read_at(10, into).value(), 0U);
  EXPECT_EQ(file->read_at(kBeyondEveryFile, into).value(), 0U);
  EXPECT_EQ(file->read_at(kBeyondEveryFile - 1, into).value(), 0U);
  EXPECT_EQ(file->read_at(~std::uint64_t{0}, into).value(), 0U);
}

// More pieces than one system call takes, empty ones among them, written and read back cut in
// different places.
TEST_F(PosixFileTest, GathersAndScattersAnyNumberOfPieces) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const Bytes content = random_bytes(random, 100'000);
  std::vector<ByteView> pieces;
  for (ByteView rest = content; !rest.empty();) {
    const std::size_t size = std::min<std::size_t>(random() % 40, rest.size());
    pieces.push_back(rest.first(size));
    rest = rest.subspan(size);
  }
  ASSERT_GT(pieces.size(), 3000U);
  const auto file = create("file");
  ASSERT_THAT(file->write_at(1000, pieces), Succeeds());
  EXPECT_EQ(file->info().value().size, 101'000U);

  Bytes copy(content.size() + 50);
  std::vector<std::span<std::byte>> buffers;
  for (std::span<std::byte> rest = copy; !rest.empty();) {
    const std::size_t size = std::min<std::size_t>(random() % 30, rest.size());
    buffers.push_back(rest.first(size));
    rest = rest.subspan(size);
  }
  EXPECT_EQ(file->read_at(1000, buffers).value(), content.size());
  copy.resize(content.size());
  EXPECT_EQ(copy, content);
}

TEST_F(PosixFileTest, WriteOfNothingChangesNothing) {
  const auto file = create("file");
  EXPECT_THAT(file->write_at(50, ByteView()), Succeeds());
  EXPECT_THAT(file->write_at(50, std::span<const ByteView>()), Succeeds());
  EXPECT_EQ(file->info().value().size, 0U);
}

TEST_F(PosixFileTest, RefusesOffsetsThatNoFileHas) {
  for (const std::uint64_t offset : {kBeyondEveryFile - 1, kBeyondEveryFile, ~std::uint64_t{0}}) {
    const auto file = create("file");
    EXPECT_THAT(file->write_at(offset, as_bytes("xx")), FailsWith(ErrorCode::kIo));
    ASSERT_THAT(directory_->remove_file("file"), Succeeds());
  }
  EXPECT_THAT(create("file")->truncate(kBeyondEveryFile), FailsWith(ErrorCode::kIo));
}

TEST_F(PosixFileTest, TruncateCutsOff) {
  const auto file = create("file");
  ASSERT_THAT(file->write_at(0, as_bytes("0123456789")), Succeeds());
  ASSERT_THAT(file->truncate(4), Succeeds());
  EXPECT_EQ(content_of(*file), "0123");
}

TEST_F(PosixFileTest, KeepsRoomUntilTheFileIsCutOff) {
  constexpr std::uint64_t kRoom = 1 << 20;
  const auto blocks = [&] {
    struct stat status = {};
    EXPECT_EQ(::stat((scratch_.path() / "file").c_str(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  const auto file = create("file");
  ASSERT_THAT(file->write_at(0, as_bytes("0123456789")), Succeeds());
  EXPECT_FALSE(keep_room(*file, kBeyondEveryFile, 1));
  EXPECT_FALSE(keep_room(*file, 10, ~std::uint64_t{0}));
  if (!keep_room(*file, 10, kRoom)) GTEST_SKIP() << "this file system keeps no room";
  EXPECT_EQ(content_of(*file), "0123456789");
  EXPECT_GE(blocks(), kRoom);
  ASSERT_THAT(file->truncate(10), Succeeds());
  EXPECT_EQ(content_of(*file), "0123456789");
  EXPECT_LT(blocks(), kRoom);
}

TEST_F(PosixFileTest, SyncAndWritebackLeaveTheContent) {
  const auto file = create("file");
  ASSERT_THAT(file->write_at(0, as_bytes("0123456789")), Succeeds());
  file->start_writeback(0, 10);
  file->start_writeback(5, 0);
  file->start_writeback(kBeyondEveryFile, 10);
  file->start_writeback(10, ~std::uint64_t{0});
  EXPECT_THAT(file->sync(), Succeeds());
  EXPECT_EQ(read_text(scratch_.path() / "file"), "0123456789");
}

TEST_F(PosixFileTest, InfoCountsTheNamesOfAnOpenFile) {
  const auto file = create("file");
  EXPECT_EQ(file->info().value().links, 1U);
  ASSERT_THAT(directory_->link("file", *directory_, "second"), Succeeds());
  EXPECT_EQ(file->info().value().links, 2U);
  ASSERT_THAT(directory_->remove_file("file"), Succeeds());
  ASSERT_THAT(directory_->remove_file("second"), Succeeds());
  EXPECT_EQ(file->info().value().links, 0U);
}

TEST_F(PosixFileTest, PathNamesTheFileForMessages) {
  EXPECT_EQ(create("file")->path(), (scratch_.path() / "file").string());
  const Status refused = open("file")->write_at(0, as_bytes("x"));
  EXPECT_THAT(refused, FailsWith(ErrorCode::kIo));
  EXPECT_THAT(refused.error().message, HasSubstr((scratch_.path() / "file").string()));
}

TEST_F(PosixFileTest, OpenForReadingAloneCannotWrite) {
  write_text(scratch_.path() / "file", "content");
  EXPECT_THAT(open("file")->write_at(0, as_bytes("x")), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(open("file")->truncate(0), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(read_text(scratch_.path() / "file"), "content");
}

// The limit on file sizes cuts a write short first and refuses the rest of it then: a short write
// that is not continued would pass for a whole one.
TEST_F(PosixFileTest, ReportsAWriteThatWasCutShortAndIsDeadFromThenOn) {
  const int status = run_in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto file = create("file");
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 100;
    if (file->write_at(0, Bytes(4000)).has_value()) return 101;
    if (file->write_at(0, as_bytes("would fit")).has_value()) return 102;
    return exit_status_of(file->sync());
  });
  EXPECT_EQ(status, exit_status_of(ErrorCode::kIo));
  EXPECT_EQ(std::filesystem::file_size(scratch_.path() / "file"), 1000U);
}

// A file system of 64 KiB, mounted where only the child process sees it.
TEST_F(PosixFileTest, ReportsAFullDisk) {
  constexpr int kNoMounts = 100;
  const int status = run_in_child([&] {
    if (!leave_the_common_mounts()) return kNoMounts;
    const std::string path = scratch_.path().string();
    if (::mount("none", path.c_str(), "tmpfs", 0, "size=64k") != 0) return kNoMounts;
    const auto directory = scratch_.open();
    const auto file = directory->create_file("file").value();
    if (exit_status_of(file->write_at(0, Bytes(100'000))) != exit_status_of(ErrorCode::kNoSpace)) {
      return 101;
    }
    // A counter whose first increment finds no space must not be handed out.
    return exit_status_of(directory->open_counter("counter"));
  });
  if (status == kNoMounts) GTEST_SKIP() << "this process may not mount";
  EXPECT_EQ(status, exit_status_of(ErrorCode::kNoSpace));
}

TEST_F(PosixFileTest, ExclusiveLockExcludesEveryOtherOpenFile) {
  const auto first = create("file");
  const auto second = open("file");
  EXPECT_TRUE(first->try_lock(LockKind::kExclusive).value());
  EXPECT_FALSE(second->try_lock(LockKind::kExclusive).value());
  EXPECT_FALSE(second->try_lock(LockKind::kShared).value());
  first->unlock();
  EXPECT_TRUE(second->try_lock(LockKind::kExclusive).value());
}

TEST_F(PosixFileTest, SharedLocksExcludeOnlyExclusiveOnes) {
  const auto first = create("file");
  const auto second = open("file");
  const auto third = open("file");
  EXPECT_TRUE(first->try_lock(LockKind::kShared).value());
  EXPECT_TRUE(second->try_lock(LockKind::kShared).value());
  EXPECT_FALSE(third->try_lock(LockKind::kExclusive).value());
}

TEST_F(PosixFileTest, HolderOfALockMayChangeItsKind) {
  const auto first = create("file");
  const auto second = open("file");
  EXPECT_TRUE(first->try_lock(LockKind::kExclusive).value());
  EXPECT_TRUE(first->try_lock(LockKind::kShared).value());
  EXPECT_TRUE(second->try_lock(LockKind::kShared).value());
  second->unlock();
  EXPECT_TRUE(first->try_lock(LockKind::kExclusive).value());
  EXPECT_FALSE(second->try_lock(LockKind::kShared).value());
}

TEST_F(PosixFileTest, LockFallsWithTheFile) {
  auto first = create("file");
  const auto second = open("file");
  EXPECT_TRUE(first->try_lock(LockKind::kExclusive).value());
  // Closing another open file of the same file drops nothing.
  open("file").reset();
  EXPECT_FALSE(second->try_lock(LockKind::kExclusive).value());
  first.reset();
  EXPECT_TRUE(second->try_lock(LockKind::kExclusive).value());
}

TEST_F(PosixFileTest, LockFallsWithTheProcess) {
  const auto file = create("file");
  HoldingProcess holder([&] {
    auto held = open("file");
    if (!held->try_lock(LockKind::kExclusive).value()) ::_exit(1);
    return held;
  });
  EXPECT_FALSE(file->try_lock(LockKind::kExclusive).value());
  holder.kill();
  EXPECT_TRUE(file->try_lock(LockKind::kExclusive).value());
}

}  // namespace
}  // namespace packstore::io
