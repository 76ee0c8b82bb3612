#include "io/posix_directory.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "base/error.h"
#include "io_test_support.h"

namespace packstore::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr uid_t kNobody = 65534;

// The result of a call without its value, so that calls of all kinds stand in one table.
template <typename T>
Status drop_value(Result<T> result) {
  if (!result) return std::move(result).error();
  return {};
}

struct Call {
  const char* name;
  std::function<Status(const Directory&, std::string_view)> make;
};

// Every call of Directory that takes the name of an entry that is to be opened.
const std::vector<Call> kOpeningCalls = {
    {"open_directory", [](auto& in, auto name) { return drop_value(in.open_directory(name)); }},
    {"find_directory", [](auto& in, auto name) { return drop_value(in.find_directory(name)); }},
    {"open_file to read",
     [](auto& in, auto name) { return drop_value(in.open_file(name, OpenMode::kRead)); }},
    {"open_file to write",
     [](auto& in, auto name) { return drop_value(in.open_file(name, OpenMode::kReadWrite)); }},
    {"find_file to read",
     [](auto& in, auto name) { return drop_value(in.find_file(name, OpenMode::kRead)); }},
    {"find_file to write",
     [](auto& in, auto name) { return drop_value(in.find_file(name, OpenMode::kReadWrite)); }},
    {"stat_file", [](auto& in, auto name) { return drop_value(in.stat_file(name)); }},
    {"open_counter", [](auto& in, auto name) { return drop_value(in.open_counter(name)); }},
};

const std::vector<Call> kOtherCalls = {
    {"create_directory", [](auto& in, auto name) { return in.create_directory(name); }},
    {"create_file", [](auto& in, auto name) { return drop_value(in.create_file(name)); }},
    {"rename from", [](auto& in, auto name) { return in.rename(name, in, "new"); }},
    {"rename to", [](auto& in, auto name) { return in.rename("file", in, name); }},
    {"link from", [](auto& in, auto name) { return in.link(name, in, "new"); }},
    {"link to", [](auto& in, auto name) { return in.link("file", in, name); }},
    {"remove_file", [](auto& in, auto name) { return in.remove_file(name); }},
    {"remove_directory", [](auto& in, auto name) { return in.remove_directory(name); }},
};

class PosixDirectoryTest : public testing::Test {
 protected:
  std::filesystem::path path_of(std::string_view name) const { return scratch_.path() / name; }

  ScratchDirectory scratch_;
  std::unique_ptr<Directory> directory_ = scratch_.open();
};

TEST_F(PosixDirectoryTest, RefusesEveryNameThatIsNotOneComponent) {
  write_text(path_of("file"), "content");
  const std::string_view zero_inside("fi\0le", 5);
  const std::string too_long(256, 'x');
  for (const auto* calls : {&kOpeningCalls, &kOtherCalls}) {
    for (const Call& call : *calls) {
      for (const std::string_view name :
           {std::string_view(""), std::string_view("."), std::string_view(".."),
            std::string_view("/"), std::string_view("/etc"), std::string_view("a/b"),
            std::string_view("../file"), std::string_view("file/"), zero_inside,
            std::string_view(too_long)}) {
        EXPECT_THAT(call.make(*directory_, name), FailsWith(ErrorCode::kInvalidArgument))
            << call.name << " of \"" << name << '"';
      }
    }
  }
  EXPECT_THAT(list_names(*directory_, EntryKind::kFile).value(), ElementsAre("file"));
}

TEST_F(PosixDirectoryTest, TakesTheLongestNameThereIs) {
  const std::string name(255, 'x');
  EXPECT_THAT(directory_->create_file(name), Succeeds());
  EXPECT_THAT(list_names(*directory_, EntryKind::kFile).value(), ElementsAre(name));
}

// What somebody may have planted under a name that we open: links that lead out of the directory,
// to a file, a directory or nothing, and things whose opening would block.
TEST_F(PosixDirectoryTest, OpensNothingButFilesAndDirectories) {
  const ScratchDirectory outside;
  write_text(outside.path() / "file", "outside");
  std::filesystem::create_symlink(outside.path() / "file", path_of("to file"));
  std::filesystem::create_symlink(outside.path(), path_of("to directory"));
  std::filesystem::create_symlink(outside.path() / "nothing", path_of("to nothing"));
  ASSERT_EQ(::mkfifo(path_of("fifo").c_str(), 0666), 0);
  const OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_LT(path_of("socket").string().size(), sizeof address.sun_path);
  std::strcpy(address.sun_path, path_of("socket").c_str());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  for (const char* name : {"to file", "to directory", "to nothing", "fifo", "socket"}) {
    for (const Call& call : kOpeningCalls) {
      const Status status = call.make(*directory_, name);
      ASSERT_THAT(status, FailsWith(ErrorCode::kCorrupt)) << call.name << " of " << name;
      EXPECT_THAT(status.error().message, HasSubstr(path_of(name).string()));
    }
    EXPECT_THAT(directory_->create_file(name), FailsWith(ErrorCode::kConflict));
    EXPECT_THAT(directory_->create_directory(name), FailsWith(ErrorCode::kConflict));
  }
  EXPECT_FALSE(std::filesystem::exists(outside.path() / "nothing"));
  EXPECT_EQ(read_text(outside.path() / "file"), "outside");
}

TEST_F(PosixDirectoryTest, RefusesADirectoryForAFileAndTheOtherWayRound) {
  write_text(path_of("file"), "content");
  ASSERT_THAT(directory_->create_directory("directory"), Succeeds());
  EXPECT_THAT(directory_->open_directory("file"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(directory_->find_directory("file"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(directory_->remove_directory("file"), FailsWith(ErrorCode::kCorrupt));
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    EXPECT_THAT(directory_->open_file("directory", mode), FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(directory_->find_file("directory", mode), FailsWith(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(directory_->remove_file("directory"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(directory_->stat_file("directory"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(directory_->open_counter("directory"), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(PosixDirectoryTest, ChangesALinkItselfAndNeverWhatItPointsAt) {
  const ScratchDirectory outside;
  write_text(outside.path() / "file", "outside");
  write_text(path_of("file"), "inside");
  std::filesystem::create_symlink(outside.path() / "file", path_of("planted"));
  ASSERT_THAT(directory_->rename("file", *directory_, "planted"), Succeeds());
  EXPECT_EQ(read_text(path_of("planted")), "inside");
  EXPECT_FALSE(std::filesystem::is_symlink(path_of("planted")));

  std::filesystem::create_symlink(outside.path() / "file", path_of("again"));
  ASSERT_THAT(directory_->remove_file("again"), Succeeds());
  EXPECT_EQ(read_text(outside.path() / "file"), "outside");
}

TEST_F(PosixDirectoryTest, AbsenceIsAnAnswerForWhoAsksWhether) {
  EXPECT_FALSE(directory_->find_file("absent", OpenMode::kRead).value().has_value());
  EXPECT_FALSE(directory_->find_directory("absent").value().has_value());
  EXPECT_FALSE(directory_->stat_file("absent").value().has_value());
}

TEST_F(PosixDirectoryTest, AbsenceIsAnErrorForWhoCountsOnIt) {
  EXPECT_THAT(directory_->open_directory("absent"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(directory_->remove_file("absent"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(directory_->remove_directory("absent"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(directory_->rename("absent", *directory_, "b"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(directory_->link("absent", *directory_, "b"), FailsWith(ErrorCode::kNotFound));
  const auto file = directory_->open_file("absent", OpenMode::kRead);
  ASSERT_THAT(file, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(file.error().message, HasSubstr(path_of("absent").string()));
}

TEST_F(PosixDirectoryTest, CreationNeverTakesOverWhatIsThere) {
  write_text(path_of("file"), "content");
  EXPECT_THAT(directory_->create_file("file"), FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(directory_->create_directory("file"), FailsWith(ErrorCode::kConflict));
  EXPECT_EQ(read_text(path_of("file")), "content");
}

TEST_F(PosixDirectoryTest, RenameMovesBetweenDirectoriesAndReplaces) {
  ASSERT_THAT(directory_->create_directory("a"), Succeeds());
  ASSERT_THAT(directory_->create_directory("b"), Succeeds());
  const auto a = directory_->open_directory("a").value();
  const auto b = directory_->open_directory("b").value();
  write_text(path_of("a/file"), "new");
  write_text(path_of("b/target"), "old");
  ASSERT_THAT(a->rename("file", *b, "target"), Succeeds());
  EXPECT_EQ(read_text(path_of("b/target")), "new");
  EXPECT_FALSE(std::filesystem::exists(path_of("a/file")));
}

TEST_F(PosixDirectoryTest, LinkGivesASecondNameAndReplacesNothing) {
  write_text(path_of("file"), "content");
  write_text(path_of("taken"), "other");
  ASSERT_THAT(directory_->link("file", *directory_, "second"), Succeeds());
  EXPECT_EQ(directory_->stat_file("second").value()->links, 2U);
  EXPECT_EQ(directory_->stat_file("second").value()->size, 7U);
  EXPECT_THAT(directory_->link("file", *directory_, "taken"), FailsWith(ErrorCode::kConflict));
  EXPECT_EQ(read_text(path_of("taken")), "other");
}

// Linux refuses a second name for a directory with the error of file systems that have no links.
TEST_F(PosixDirectoryTest, LinkThatTheFileSystemDoesNotHaveIsUnsupported) {
  ASSERT_THAT(directory_->create_directory("directory"), Succeeds());
  EXPECT_THAT(directory_->link("directory", *directory_, "second"),
              FailsWith(ErrorCode::kUnsupported));
}

TEST_F(PosixDirectoryTest, RemovesOnlyAnEmptyDirectory) {
  ASSERT_THAT(directory_->create_directory("directory"), Succeeds());
  write_text(path_of("directory/file"), "content");
  EXPECT_THAT(directory_->remove_directory("directory"), FailsWith(ErrorCode::kConflict));
  ASSERT_THAT(directory_->open_directory("directory").value()->remove_file("file"), Succeeds());
  EXPECT_THAT(directory_->remove_directory("directory"), Succeeds());
  EXPECT_FALSE(directory_->find_directory("directory").value().has_value());
}

TEST_F(PosixDirectoryTest, ListsEveryEntryWithItsKind) {
  write_text(path_of("file"), "content");
  ASSERT_THAT(directory_->create_directory("directory"), Succeeds());
  std::filesystem::create_symlink("file", path_of("link"));
  ASSERT_EQ(::mkfifo(path_of("fifo").c_str(), 0666), 0);
  std::vector<std::pair<std::string, EntryKind>> seen;
  ASSERT_THAT(directory_->list([&](const Entry& entry) -> Status {
    seen.emplace_back(entry.name, entry.kind);
    return {};
  }),
              Succeeds());
  using Seen = std::pair<std::string, EntryKind>;
  EXPECT_THAT(seen, UnorderedElementsAre(
                        Seen("file", EntryKind::kFile), Seen("directory", EntryKind::kDirectory),
                        Seen("link", EntryKind::kOther), Seen("fifo", EntryKind::kOther)));
}

TEST_F(PosixDirectoryTest, ListingEndsWithTheVisitorsError) {
  for (const char* name : {"a", "b", "c"}) write_text(path_of(name), "");
  int visits = 0;
  const Status status = directory_->list([&](const Entry&) -> Status {
    ++visits;
    return fail(ErrorCode::kCancelled, "enough");
  });
  EXPECT_THAT(status, FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(visits, 1);
}

TEST_F(PosixDirectoryTest, ListsCompletelyInEachOfSeveralThreads) {
  constexpr int kThreads = 4;
  constexpr int kEntries = 2000;  // More than one system call returns.
  for (int i = 0; i < kEntries; ++i) write_text(path_of(std::to_string(i)), "");
  std::atomic<int> complete = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const auto names = list_names(*directory_, EntryKind::kFile).value();
      if (std::set<std::string>(names.begin(), names.end()).size() == kEntries) ++complete;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(complete, kThreads);
}

TEST_F(PosixDirectoryTest, StaysOnTheDirectoryThatWasOpened) {
  ASSERT_THAT(directory_->create_directory("before"), Succeeds());
  const auto held = directory_->open_directory("before").value();
  ASSERT_THAT(directory_->rename("before", *directory_, "after"), Succeeds());
  std::filesystem::create_directory(path_of("before"));
  EXPECT_THAT(held->create_file("file"), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(path_of("after/file")));
}

TEST_F(PosixDirectoryTest, LockExcludesEveryOtherHolderAndFallsWithTheDirectory) {
  ASSERT_THAT(directory_->create_directory("directory"), Succeeds());
  auto first = directory_->open_directory("directory").value();
  const auto second = directory_->open_directory("directory").value();
  EXPECT_TRUE(first->try_lock().value());
  EXPECT_FALSE(second->try_lock().value());
  first.reset();
  EXPECT_TRUE(second->try_lock().value());
}

TEST_F(PosixDirectoryTest, SyncSucceeds) { EXPECT_THAT(directory_->sync(), Succeeds()); }

// The child gives up its privileges, because no mode keeps root from writing.
TEST_F(PosixDirectoryTest, SaysWhyNothingCanBeCreated) {
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms(0555));
  const int status = run_in_child([&] {
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 100;
    const Status created = drop_value(directory_->create_file("file"));
    if (created.has_value()) return 101;
    if (created.error().message.find("Permission denied") == std::string::npos) return 102;
    if (directory_->create_directory("directory").has_value()) return 103;
    return exit_status_of(created);
  });
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms(0755));
  EXPECT_EQ(status, exit_status_of(ErrorCode::kIo));
}

TEST_F(PosixDirectoryTest, ReportsThatDescriptorsAreUsedUp) {
  write_text(path_of("file"), "content");
  const int status = run_in_child([&] {
    // The lowest free descriptor becomes the limit.
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const auto limit_value = static_cast<rlim_t>(lowest_free);
    const rlimit limit{.rlim_cur = limit_value, .rlim_max = limit_value};
    if (lowest_free < 0 || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 100;
    const Status listed = directory_->list([](const Entry&) { return Status(); });
    if (exit_status_of(listed) != exit_status_of(ErrorCode::kNoSpace)) return 101;
    return exit_status_of(directory_->find_file("file", OpenMode::kRead));
  });
  EXPECT_EQ(status, exit_status_of(ErrorCode::kNoSpace));
}

}  // namespace
}  // namespace packstore::io
