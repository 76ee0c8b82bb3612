#include "io/posix_call.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace packstore::io {
namespace {

TEST(RetryInterrupted, RepeatsUntilTheCallWasNotInterrupted) {
  int calls = 0;
  const int answer = retry_interrupted([&] {
    if (++calls == 3) return 7;
    errno = EINTR;
    return -1;
  });
  EXPECT_EQ(answer, 7);
  EXPECT_EQ(calls, 3);
}

TEST(RetryInterrupted, LeavesEveryOtherFailureToTheCaller) {
  int calls = 0;
  const int answer = retry_interrupted([&] {
    ++calls;
    errno = EIO;
    return -1;
  });
  EXPECT_EQ(answer, -1);
  EXPECT_EQ(calls, 1);
}

TEST(OwnedFd, ClosesOnceWhoeverOwnsItLast) {
  OwnedFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = first.get();
  {
    const OwnedFd second(std::move(first));
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(SystemError, NamesPathOperationAndReason) {
  EXPECT_EQ(system_error(ENOSPC, "write", "/a/b").message,
            "/a/b: cannot write: No space left on device");
}

TEST(SystemError, HasTheCodeThatACallerCanActOn) {
  const auto code = [](int number) { return system_error(number, "open", "/a").code; };
  for (const int number : {ENOSPC, EDQUOT, EMFILE, ENFILE}) {
    EXPECT_EQ(code(number), ErrorCode::kNoSpace) << number;
  }
  for (const int number : {ELOOP, ENOTDIR, EISDIR, ENXIO}) {
    EXPECT_EQ(code(number), ErrorCode::kCorrupt) << number;
  }
  for (const int number : {EEXIST, ENOTEMPTY}) {
    EXPECT_EQ(code(number), ErrorCode::kConflict) << number;
  }
  EXPECT_EQ(code(ENOENT), ErrorCode::kNotFound);
  for (const int number : {EIO, EACCES, EROFS, EFBIG}) {
    EXPECT_EQ(code(number), ErrorCode::kIo) << number;
  }
}

}  // namespace
}  // namespace packstore::io
