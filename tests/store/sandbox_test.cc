#include "store/sandbox.h"

#include <gmock/gmock.h>

#include "io/file.h"
#include "store_fixture.h"
#include "support/child_process.h"

namespace packstore::store {
namespace {

using testing::ChildProcess;
using ::testing::IsEmpty;
using testing::Pipe;
using ::testing::SizeIs;

class SandboxTest : public StoreFixture {
 protected:
  SandboxTest() { std::filesystem::create_directory(scratch_ / "box"); }

  std::unique_ptr<Sandbox> open() {
    return std::make_unique<Sandbox>(open_directory(scratch_ / "box"));
  }
  static std::unique_ptr<io::Directory> open_directory(const std::filesystem::path& path) {
    return io::posix_file_system().open_directory(path.string()).value();
  }
  std::vector<std::string> names() const {
    return io::list_names(*open_directory(scratch_ / "box"), io::EntryKind::kFile).value();
  }
};

TEST_F(SandboxTest, RemovesAFileThatIsDropped) {
  const auto sandbox = open();
  {
    SandboxFile file = sandbox->create().value();
    ASSERT_THAT(file.file().write_at(0, as_bytes("half")), Succeeds());
    EXPECT_THAT(names(), SizeIs(1));
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SandboxTest, RemovesTheFileThatAnotherReplaces) {
  const auto sandbox = open();
  SandboxFile file = sandbox->create().value();
  file = sandbox->create().value();
  EXPECT_THAT(names(), ::testing::ElementsAre(file.name()));
}

TEST_F(SandboxTest, PublishesAFileUnderItsNameAndForgetsIt) {
  std::filesystem::create_directory(scratch_ / "shelf");
  const auto shelf = open_directory(scratch_ / "shelf");
  const auto sandbox = open();
  {
    SandboxFile file = sandbox->create().value();
    ASSERT_THAT(file.file().write_at(0, as_bytes("whole")), Succeeds());
    ASSERT_THAT(file.publish(*shelf, "name"), Succeeds());
  }
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(testing::read_file(scratch_ / "shelf" / "name"), "whole");
}

// The age of a file says nothing: its lock does.
TEST_F(SandboxTest, TellsLeftoversFromWorkInProgress) {
  const auto sandbox = open();
  SandboxFile live = sandbox->create().value();
  testing::write_file(scratch_ / "box" / "dead", "1234567");
  std::filesystem::last_write_time(scratch_ / "box" / live.name(), {});
  EXPECT_THAT(open()->find_leftovers().value(), ::testing::ElementsAre("dead"));
  EXPECT_THAT(names(), SizeIs(2));

  const Sandbox::Leftovers removed = open()->remove_leftovers().value();
  EXPECT_EQ(removed.files, 1);
  EXPECT_EQ(removed.bytes, 7);
  EXPECT_THAT(names(), ::testing::ElementsAre(live.name()));
}

TEST_F(SandboxTest, RemovesWhatADeadProcessLeftAndKeepsWhatALiveOneWrites) {
  Pipe ready;
  Pipe never;
  const auto write = [&](bool lives) {
    const auto sandbox = open();
    SandboxFile file = sandbox->create().value();
    if (!file.file().write_at(0, as_bytes("unfinished"))) return 1;
    if (!ready.tell(lives)) return 2;
    if (lives) static_cast<void>(never.hear<char>());
    ::_exit(0);  // Without the destructors: as if killed.
  };
  ChildProcess dead([&] { return write(false); });
  EXPECT_EQ(dead.wait(), 0);
  ChildProcess live([&] { return write(true); });
  ASSERT_TRUE(ready.hear<bool>() && ready.hear<bool>());

  EXPECT_THAT(names(), SizeIs(2));
  EXPECT_EQ(open()->remove_leftovers().value().files, 1);
  EXPECT_THAT(names(), SizeIs(1));
  ASSERT_TRUE(live.kill());
  EXPECT_EQ(open()->remove_leftovers().value().files, 1);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SandboxTest, RemovesTheDirectoriesOfDeadProcessesWithAllThatIsInThem) {
  const auto box = scratch_ / "box";
  std::filesystem::create_directories(box / "dead" / "inner");
  std::filesystem::create_directories(box / "live" / "inner");
  testing::write_file(box / "dead" / "file", "12345");
  testing::write_file(box / "dead" / "inner" / "file", "123");
  const auto live = open_directory(box / "live");
  ASSERT_TRUE(live->try_lock().value());

  EXPECT_THAT(open()->find_leftovers().value(), ::testing::ElementsAre("dead"));
  const Sandbox::Leftovers removed = open()->remove_leftovers().value();
  EXPECT_EQ(removed.files, 1);
  EXPECT_EQ(removed.bytes, 8);
  EXPECT_FALSE(std::filesystem::exists(box / "dead"));
  EXPECT_TRUE(std::filesystem::exists(box / "live" / "inner"));
}

// A forked process counts on from the same seed.
TEST_F(SandboxTest, GivesForkedProcessesDifferentFiles) {
  const auto sandbox = open();
  Pipe ready;
  Pipe go;
  const auto create = [&] {
    const Result<SandboxFile> file = sandbox->create();
    if (!ready.tell(file.has_value())) return 1;
    static_cast<void>(go.hear<char>());
    return file ? 0 : 2;
  };
  ChildProcess one(create);
  ChildProcess other(create);
  EXPECT_EQ(ready.hear<bool>(), true);
  EXPECT_EQ(ready.hear<bool>(), true);
  EXPECT_THAT(names(), SizeIs(2));
  EXPECT_TRUE(go.tell('g') && go.tell('o'));
  EXPECT_EQ(one.wait(), 0);
  EXPECT_EQ(other.wait(), 0);
  EXPECT_THAT(names(), IsEmpty());
}

}  // namespace
}  // namespace packstore::store
