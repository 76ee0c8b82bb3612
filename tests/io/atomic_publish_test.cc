#include "io/atomic_publish.h"

#include <atomic>
#include <thread>
#include <vector>

#include "io_test_support.h"
#include "mock_file_system.h"

namespace packstore::io {
namespace {

using testing::ElementsAre;
using testing::InSequence;
using testing::Ref;
using testing::Return;
using testing::StrictMock;

const Error kDiskBroke{ErrorCode::kIo, "disk broke"};

// A failed step ends the sequence: the mocks refuse every call that is not expected.
class PublishOrder : public testing::Test {
 protected:
  Status run() { return publish(file_, from_, "a", to_, "b"); }

  StrictMock<MockFile> file_;
  StrictMock<MockDirectory> from_;
  StrictMock<MockDirectory> to_;
  InSequence in_sequence_;
};

TEST_F(PublishOrder, IsBytesThenNameThenDirectory) {
  EXPECT_CALL(file_, do_sync).WillOnce(Return(Status()));
  EXPECT_CALL(from_, rename("a", Ref(to_), "b")).WillOnce(Return(Status()));
  EXPECT_CALL(to_, sync).WillOnce(Return(Status()));
  EXPECT_THAT(run(), Succeeds());
}

TEST_F(PublishOrder, GivesNoNameToBytesThatAreNotDurable) {
  EXPECT_CALL(file_, do_sync).WillOnce(Return(kDiskBroke));
  EXPECT_THAT(run(), FailsWith(ErrorCode::kIo));
}

TEST_F(PublishOrder, ReportsARenameThatFailed) {
  EXPECT_CALL(file_, do_sync).WillOnce(Return(Status()));
  EXPECT_CALL(from_, rename).WillOnce(Return(kDiskBroke));
  EXPECT_THAT(run(), FailsWith(ErrorCode::kIo));
}

TEST_F(PublishOrder, ReportsANameThatIsNotDurable) {
  EXPECT_CALL(file_, do_sync).WillOnce(Return(Status()));
  EXPECT_CALL(from_, rename).WillOnce(Return(Status()));
  EXPECT_CALL(to_, sync).WillOnce(Return(kDiskBroke));
  EXPECT_THAT(run(), FailsWith(ErrorCode::kIo));
}

TEST(Publish, ReplacesWhatHadTheName) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  write_text(scratch.path() / "name", "old and longer");
  const auto file = directory->create_file("work").value();
  ASSERT_THAT(file->write_at(0, as_bytes("new")), Succeeds());
  EXPECT_THAT(publish(*file, *directory, "work", *directory, "name"), Succeeds());
  EXPECT_EQ(read_text(scratch.path() / "name"), "new");
  EXPECT_THAT(list_names(*directory, EntryKind::kFile).value(), ElementsAre("name"));
}

TEST(PublishBytes, LeavesTheWholeContentAndNothingElse) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  for (const char* content : {"first", "", "second"}) {
    EXPECT_THAT(publish_bytes(*directory, "name", as_bytes(content)), Succeeds());
    EXPECT_EQ(read_text(scratch.path() / "name"), content);
    EXPECT_THAT(list_names(*directory, EntryKind::kFile).value(), ElementsAre("name"));
  }
}

TEST(PublishBytes, LeavesNothingWhenItFails) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  ASSERT_THAT(directory->create_directory("name"), Succeeds());
  EXPECT_THAT(publish_bytes(*directory, "name", as_bytes("text")), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(list_names(*directory, EntryKind::kFile).value(), ElementsAre());
}

TEST(PublishBytes, ReplacesWhatACrashedOneLeft) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  write_text(scratch.path() / "name.new", "half a");
  EXPECT_THAT(publish_bytes(*directory, "name", as_bytes("text")), Succeeds());
  EXPECT_EQ(read_text(scratch.path() / "name"), "text");
  EXPECT_THAT(list_names(*directory, EntryKind::kFile).value(), ElementsAre("name"));
}

TEST(PublishBytes, IsNeverSeenHalfWritten) {
  const ScratchDirectory scratch;
  const auto directory = scratch.open();
  const std::string contents[] = {std::string(5000, 'a'), std::string(9000, 'b')};
  ASSERT_THAT(publish_bytes(*directory, "name", as_bytes(contents[0])), Succeeds());
  std::atomic<int> failures = 0;
  std::atomic<bool> writing = true;
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) {
      for (const std::string& content : contents) {
        if (!publish_bytes(*directory, "name", as_bytes(content))) ++failures;
      }
    }
    writing = false;
  });
  while (writing) {
    const auto file = directory->open_file("name", OpenMode::kRead).value();
    const std::string seen = content_of(*file);
    EXPECT_TRUE(seen == contents[0] || seen == contents[1]) << seen.size() << " bytes";
  }
  writer.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace packstore::io
