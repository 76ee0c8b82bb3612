#include <sys/stat.h>

#include "io/file.h"
#include "io_test_support.h"

namespace packstore::io {
namespace {

using testing::HasSubstr;

// Sets the creation mask as long as it lives.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : before_(::umask(mask)) {}
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;
  ~ScopedUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

unsigned mode_of(const std::filesystem::path& path) {
  return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

// One entry of each kind, and one of each inside a sub-directory.
void create_entries(const Directory& directory) {
  ASSERT_THAT(directory.create_file("file"), Succeeds());
  ASSERT_THAT(directory.open_counter("counter"), Succeeds());
  ASSERT_THAT(directory.create_directory("directory"), Succeeds());
  const auto below = directory.open_directory("directory").value();
  ASSERT_THAT(below->create_file("file"), Succeeds());
  ASSERT_THAT(below->create_directory("directory"), Succeeds());
}

struct Modes {
  unsigned file;
  unsigned directory;
};

void expect_modes(const std::filesystem::path& path, const Modes& modes) {
  EXPECT_EQ(mode_of(path / "file"), modes.file);
  EXPECT_EQ(mode_of(path / "counter"), modes.file);
  EXPECT_EQ(mode_of(path / "directory"), modes.directory);
  EXPECT_EQ(mode_of(path / "directory/file"), modes.file);
  EXPECT_EQ(mode_of(path / "directory/directory"), modes.directory);
}

class PosixFileSystemTest : public testing::Test {
 protected:
  ScratchDirectory scratch_;
  FileSystem& files_ = posix_file_system();
};

TEST_F(PosixFileSystemTest, CreatesMissingParents) {
  const auto path = scratch_.path() / "a/b/c";
  const auto created = files_.create_directory(path.string(), false);
  ASSERT_THAT(created, Succeeds());
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_EQ((*created)->path(), path.string());
}

TEST_F(PosixFileSystemTest, CreationOfWhatIsThereOpensIt) {
  write_text(scratch_.path() / "file", "content");
  const auto opened = files_.create_directory(scratch_.path().string() + "/", false).value();
  EXPECT_EQ(opened->path(), scratch_.path().string());
  EXPECT_EQ(opened->stat_file("file").value()->size, 7U);
}

// Nothing is damaged that recovery could mend: the caller has named what is no directory.
TEST_F(PosixFileSystemTest, RefusesAPathThatEndsInAFileOrLeadsThroughOne) {
  write_text(scratch_.path() / "file", "content");
  std::filesystem::create_symlink("circle", scratch_.path() / "circle");
  for (const char* name : {"file", "file/below", "circle"}) {
    const std::string path = (scratch_.path() / name).string();
    EXPECT_THAT(files_.create_directory(path, false), FailsWith(ErrorCode::kInvalidArgument));
    const auto opened = files_.open_directory(path);
    ASSERT_THAT(opened, FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(opened.error().message, HasSubstr(path));
  }
}

TEST_F(PosixFileSystemTest, RefusesWhatIsNotAPath) {
  for (const std::string& path : {std::string(), std::string("/tmp\0/etc", 9)}) {
    EXPECT_THAT(files_.open_directory(path), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(files_.create_directory(path, false), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST_F(PosixFileSystemTest, OpeningNamesADirectoryThatIsNotThere) {
  const std::string path = (scratch_.path() / "absent").string();
  const auto opened = files_.open_directory(path);
  ASSERT_THAT(opened, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(opened.error().message, HasSubstr(path));
}

TEST_F(PosixFileSystemTest, PathIsAbsoluteAndFreeOfLinks) {
  std::filesystem::create_directory(scratch_.path() / "real");
  std::filesystem::create_symlink("real", scratch_.path() / "link");
  const std::string through_link = (scratch_.path() / "link/../link/.").string();
  const std::string real = (scratch_.path() / "real").string();
  EXPECT_EQ(files_.open_directory(through_link).value()->path(), real);
  EXPECT_EQ(files_.create_directory(through_link, false).value()->path(), real);

  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(scratch_.path());
  EXPECT_EQ(files_.open_directory("link").value()->path(), real);
  EXPECT_EQ(files_.create_directory("new/er", false).value()->path(),
            (scratch_.path() / "new/er").string());
  std::filesystem::current_path(before);
}

TEST_F(PosixFileSystemTest, EntriesBelowTheRootHaveOneSlash) {
  const auto found = files_.open_directory("/").value()->find_directory("etc").value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ((*found)->path(), "/etc");
}

TEST_F(PosixFileSystemTest, OwnerOnlyHoldsForEverythingThatIsCreated) {
  const ScopedUmask umask(0);
  const auto path = scratch_.path() / "parent/store";
  create_entries(*files_.create_directory(path.string(), true).value());
  EXPECT_EQ(mode_of(path), 0700U);
  EXPECT_EQ(mode_of(path.parent_path()), 0700U);
  expect_modes(path, {.file = 0600, .directory = 0700});
}

TEST_F(PosixFileSystemTest, OtherwiseTheUmaskDecides) {
  const ScopedUmask umask(0027);
  const auto path = scratch_.path() / "store";
  create_entries(*files_.create_directory(path.string(), false).value());
  EXPECT_EQ(mode_of(path), 0750U);
  expect_modes(path, {.file = 0640, .directory = 0750});
}

TEST_F(PosixFileSystemTest, OpenedDirectoryCreatesForThoseWhomItIsFor) {
  const ScopedUmask umask(0002);
  const auto own = scratch_.path() / "own";
  const auto shared = scratch_.path() / "shared";
  ASSERT_EQ(::mkdir(own.c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(shared.c_str(), 0775), 0);
  create_entries(*files_.open_directory(own.string()).value());
  expect_modes(own, {.file = 0600, .directory = 0700});
  create_entries(*files_.open_directory(shared.string()).value());
  expect_modes(shared, {.file = 0664, .directory = 0775});
}

TEST_F(PosixFileSystemTest, SqliteUsesItsDefault) { EXPECT_EQ(files_.sqlite_vfs(), nullptr); }

}  // namespace
}  // namespace packstore::io
