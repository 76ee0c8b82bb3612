// Creating and opening: what each directory that is no store, or not quite one, is called.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "store_fixture.h"

namespace packstore::store {
namespace {

using ::testing::HasSubstr;

class LayoutTest : public StoreFixture {
 protected:
  Result<Store> create() { return Store::create(path()); }
  Result<Store> open() { return Store::open(path()); }
  void expect_open_fails(ErrorCode code, const std::string& because) {
    const auto opened = open();
    ASSERT_THAT(opened, FailsWith(code));
    EXPECT_THAT(opened.error().message, HasSubstr(because));
  }
  static unsigned mode_of(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777U;
  }
  static void expect_modes(const std::filesystem::path& store, unsigned directories,
                           unsigned files) {
    EXPECT_EQ(mode_of(store), directories);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
      EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? directories : files) << entry.path();
    }
  }
};

TEST_F(LayoutTest, IsMadeInAnAbsentOrEmptyDirectory) {
  ASSERT_THAT(Store::create(path() / "deep" / "down"), Succeeds());
  std::filesystem::create_directory(scratch_ / "empty");
  ASSERT_THAT(Store::create(scratch_ / "empty"), Succeeds());
  EXPECT_THAT(Store::open(scratch_ / "empty"), Succeeds());
}

TEST_F(LayoutTest, HoldsWhatTheFormatSays) {
  ASSERT_THAT(create(), Succeeds());
  for (const char* directory : {"loose", "packs", "sandbox", "locks"}) {
    EXPECT_TRUE(std::filesystem::is_directory(path() / directory)) << directory;
  }
  for (const char* file : {"FORMAT", "index.sqlite"}) {
    EXPECT_TRUE(std::filesystem::is_regular_file(path() / file)) << file;
  }
  EXPECT_EQ(testing::read_file(path() / "FORMAT"),
            "packstore 1\nuuid " + open().value().uuid() + "\n");
}

TEST_F(LayoutTest, KeepsItsUuidAndGivesEachStoreItsOwn) {
  const std::string uuid = create().value().uuid();
  EXPECT_EQ(open().value().uuid(), uuid);
  EXPECT_NE(Store::create(scratch_ / "other").value().uuid(), uuid);
}

TEST_F(LayoutTest, IsForItsOwnerOnlyUnlessToldOtherwise) {
  const mode_t before = ::umask(022);
  {
    Store own = create().value();
    Store shared = Store::create(scratch_ / "shared", {.permissions = Permissions::kUmask}).value();
    for (Store* store : {&own, &shared}) {
      ASSERT_THAT(store->put(as_bytes("loose")), Succeeds());
      ASSERT_THAT(store->put(as_bytes("packed"), {.placement = Placement::kPacked}), Succeeds());
    }
  }
  ::umask(before);
  expect_modes(path(), 0700, 0600);
  expect_modes(scratch_ / "shared", 0755, 0644);
}

// Also what is made later, and in a directory that the caller has made in his own way.
TEST_F(LayoutTest, SetsTheModeOfAnEmptyDirectoryThatWasThere) {
  const mode_t before = ::umask(022);
  std::filesystem::create_directory(path());
  std::filesystem::create_directory(scratch_ / "shared");
  std::filesystem::permissions(scratch_ / "shared", std::filesystem::perms::owner_all);
  ASSERT_THAT(create(), Succeeds());
  ASSERT_THAT(Store::create(scratch_ / "shared", {.permissions = Permissions::kUmask}), Succeeds());
  for (const auto& place : {path(), scratch_ / "shared"}) {
    Store later = Store::open(place).value();
    const ObjectId id = later.put(as_bytes("damaged")).value();
    ASSERT_THAT(later.put(as_bytes("packed"), {.placement = Placement::kPacked}), Succeeds());
    flip(testing::loose_path(place, id), 3);
    const ValidationReport report = later.validate().value();
    ASSERT_EQ(later.lock_maintenance().value().repair(report).value().moved_aside, 1);
  }
  ::umask(before);
  expect_modes(path(), 0700, 0600);
  expect_modes(scratch_ / "shared", 0755, 0644);
}

TEST_F(LayoutTest, LeavesTheModeOfADirectoryThatItRefuses) {
  std::filesystem::create_directory(path());
  std::filesystem::permissions(path(), std::filesystem::perms(0755));
  testing::write_file(path() / "thesis.txt", "years of work");
  EXPECT_THAT(create(), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(mode_of(path()), 0755);
}

TEST_F(LayoutTest, IsNotMadeTwice) {
  const std::string uuid = create().value().uuid();
  EXPECT_THAT(create(), FailsWith(ErrorCode::kConflict));
  EXPECT_EQ(open().value().uuid(), uuid);
}

TEST_F(LayoutTest, IsNotMadeAmongOtherThings) {
  std::filesystem::create_directory(path());
  testing::write_file(path() / "thesis.txt", "years of work");
  const auto created = create();
  ASSERT_THAT(created, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(created.error().message, HasSubstr("thesis.txt"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path()), {}), 1);
  expect_open_fails(ErrorCode::kInvalidArgument, "not a store");
}

TEST_F(LayoutTest, IsNotFoundWhereNothingIs) {
  EXPECT_THAT(open(), FailsWith(ErrorCode::kNotFound));
}

TEST_F(LayoutTest, IsNoStoreInAnEmptyDirectoryOrAFile) {
  std::filesystem::create_directory(path());
  expect_open_fails(ErrorCode::kInvalidArgument, "not a store");
  testing::write_file(scratch_ / "file", "text");
  EXPECT_THAT(Store::open(scratch_ / "file"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Store::create(scratch_ / "file"), FailsWith(ErrorCode::kInvalidArgument));
}

// A crash at any step before FORMAT leaves what open() names and create() completes.
TEST_F(LayoutTest, IsHalfCreatedWithoutFormatAndCompletedByCreate) {
  ASSERT_THAT(create(), Succeeds());
  for (const char* missing : {"", "locks", "packs", "index.sqlite", "loose", "sandbox"}) {
    std::filesystem::remove(path() / "FORMAT");
    if (*missing != '\0') std::filesystem::remove_all(path() / missing);
    expect_open_fails(ErrorCode::kInvalidArgument, "half-created");
    ASSERT_THAT(create(), Succeeds()) << missing;
    const ObjectId id = put_packed(missing);
    EXPECT_EQ(text_of(id), missing);
    EXPECT_THAT(store(), IsSpotless());
    close();
    std::filesystem::remove(pack_path(1));
  }
}

TEST_F(LayoutTest, IsNotMadeAnewOverOneThatLostItsFormat) {
  const ObjectId packed = put_packed("packed");
  const ObjectId loose = store().put(as_bytes("loose")).value();
  ASSERT_THAT(store().refs().move("head", {.from = {}, .to = loose}), Succeeds());
  close();
  for (const char* lost : {"packs", "loose"}) {
    std::filesystem::remove(path() / "FORMAT");
    std::filesystem::rename(path() / lost, scratch_ / lost);  // Either is enough to tell.
    expect_open_fails(ErrorCode::kCorrupt, "recover()");
    EXPECT_THAT(create(), FailsWith(ErrorCode::kCorrupt));
    std::filesystem::rename(scratch_ / lost, path() / lost);
    ASSERT_THAT(Store::recover(path()), Succeeds());
    EXPECT_EQ(store().refs().find("head").value(), loose);
    EXPECT_EQ(text_of(packed), "packed");
    close();
  }
}

TEST_F(LayoutTest, LeavesNothingOfACreationThatDied) {
  std::filesystem::create_directory(path());
  testing::write_file(path() / "FORMAT.new", "packstore 1\nuu");
  expect_open_fails(ErrorCode::kInvalidArgument, "half-created");
  ASSERT_THAT(create(), Succeeds());
  EXPECT_FALSE(std::filesystem::exists(path() / "FORMAT.new"));
}

TEST_F(LayoutTest, GetsFormatLast) {
  std::filesystem::create_directory(path());
  WatchedFileSystem files(path().string());
  ASSERT_THAT(create_core(files, path(), {}), Succeeds());
  const std::vector<std::string> log = files.watch().take_log();
  const auto format = std::ranges::find_if(log, [](const std::string& step) {
    return step.starts_with("rename ") && step.ends_with(" FORMAT");
  });
  ASSERT_NE(format, log.end());
  EXPECT_THAT(std::vector(format + 1, log.end()),
              ::testing::Not(::testing::Contains(::testing::StartsWith("mkdir"))));
  EXPECT_THAT(std::vector(log.begin(), format), ::testing::Contains("sync "));
  EXPECT_THAT(std::vector(log.begin(), format),
              ::testing::Contains(::testing::EndsWith(" index.sqlite")));
  EXPECT_EQ(*(format + 1), "sync ");
}

TEST_F(LayoutTest, IsUnsupportedInANewerVersionWhateverElseIsThere) {
  std::filesystem::create_directory(path());
  testing::write_file(path() / "FORMAT", "packstore 2\nsomething new\n");
  expect_open_fails(ErrorCode::kUnsupported, "version 2");
  EXPECT_THAT(create(), FailsWith(ErrorCode::kUnsupported));
}

TEST_F(LayoutTest, IsCorruptWithADamagedFormat) {
  ASSERT_THAT(create(), Succeeds());
  for (const std::string& damaged :
       {std::string(), std::string("packstore 1\n"), std::string("packstore one\n"),
        std::string(5'000, 'x'), std::string("git 1\n")}) {
    testing::write_file(path() / "FORMAT", damaged);
    expect_open_fails(ErrorCode::kCorrupt, "FORMAT");
  }
}

TEST_F(LayoutTest, NamesTheWayBackWhenTheIndexIsGoneOrForeign) {
  const ObjectId id = put_packed("text");
  close();
  std::filesystem::remove(path() / "index.sqlite");
  expect_open_fails(ErrorCode::kCorrupt, "recover()");
  ASSERT_THAT(Store::create(scratch_ / "other"), Succeeds());
  std::filesystem::copy_file(scratch_ / "other" / "index.sqlite", path() / "index.sqlite");
  for (const char* log : {"index.sqlite-wal", "index.sqlite-shm"}) {
    std::filesystem::remove(path() / log);
  }
  expect_open_fails(ErrorCode::kCorrupt, "another store");
  ASSERT_THAT(Store::recover(path()), Succeeds());
  EXPECT_EQ(text_of(id), "text");
}

TEST_F(LayoutTest, OpensBesideAPackOfAnotherStore) {
  const ObjectId id = put_packed("text");
  const format::Uuid other = format::make_uuid().value();
  testing::write_file(pack_path(9), as_text(encode(format::PackHeader{other, 9, 0})));
  append(pack_path(9), "whatever");
  reopen();
  EXPECT_EQ(text_of(id), "text");
}

TEST_F(LayoutTest, NeedsEachOfItsDirectories) {
  for (const char* name : {"loose", "packs", "sandbox", "locks"}) {
    const auto place = scratch_ / name;
    ASSERT_THAT(Store::create(place), Succeeds());
    std::filesystem::rename(place / name, place / "moved");
    EXPECT_THAT(Store::open(place), FailsWith(ErrorCode::kNotFound)) << name;
    std::filesystem::create_symlink(place / "moved", place / name);
    EXPECT_THAT(Store::open(place), FailsWith(ErrorCode::kCorrupt)) << name;
  }
}

}  // namespace
}  // namespace packstore::store
