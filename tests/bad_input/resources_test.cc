// A system that gives no more: no room, no descriptors, no permission. Each is told by its name,
// nothing acknowledged is lost, and the store works again once there is room. Limits are set in
// forked processes, which leave the others alone.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <set>

#include "bad_input/victim_store.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

constexpr int kWell = 0;
constexpr int kFailed = 1;
constexpr int kNotPermitted = 77;

class ScarceResources : public VictimStoreTest {
 protected:
  // Runs `work` in a process of its own, with expectations.
  template <typename Work>
  static void expect_in_process(Work work) {
    ChildProcess child([&] {
      const int status = work();
      return HasFailure() ? kFailed : status;
    });
    const std::optional<int> status = child.wait();
    if (status == kNotPermitted) GTEST_SKIP() << "this system does not permit to set the limit";
    EXPECT_EQ(status, kWell);
  }

  static void expect_scarcity(const Error& error) {
    EXPECT_TRUE(error.code == ErrorCode::kNoSpace || error.code == ErrorCode::kIo)
        << to_string(error.code) << ": " << error.message;
    EXPECT_FALSE(error.message.empty());
  }

  // Puts in every way until every way has failed; gives back what was acknowledged.
  static std::map<ObjectId, Bytes> put_until_full(Store& store) {
    std::map<ObjectId, Bytes> acknowledged;
    std::set<std::uint64_t> failed_ways;
    for (std::uint64_t number = 1; number < 20'000 && failed_ways.size() < 3; number += 2) {
      Bytes content = content_of(number, 100 + number * 7 % 20'000);
      const std::uint64_t way = number % 3;
      const Result<ObjectId> id = put(store, content, way);
      if (id) {
        acknowledged.emplace(*id, std::move(content));
      } else {
        expect_scarcity(id.error());
        failed_ways.insert(way);
      }
    }
    EXPECT_EQ(failed_ways.size(), 3U) << "the limit was never reached";
    return acknowledged;
  }

  static Result<ObjectId> put(Store& store, ByteView content, std::uint64_t way) {
    if (way == 0) return store.put(content);
    if (way == 1) return store.put(content, {.placement = Placement::kPacked});
    Result<Batch> batch = store.begin_batch();
    if (!batch) return batch.error();
    const Result<ObjectId> id = batch->put(content);
    if (!id) return id;
    const Result<BatchReport> report = batch->commit();
    return report ? id : Result<ObjectId>(report.error());
  }
};

// Files may not grow beyond a limit: as on a full disk, writes fail, and some in the middle.
TEST_F(ScarceResources, FilesThatMayNotGrowLoseNothing) {
  expect_in_process([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    Store store = Store::open(path_).value();
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t unlimited = limit.rlim_cur;
    limit.rlim_cur = 300'000;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return kNotPermitted;
    // Large loose objects fail first, and leave nothing.
    const Result<ObjectId> large = store.put(content_of(1, 400'000));
    EXPECT_FALSE(large);
    if (!large) expect_scarcity(large.error());
    EXPECT_EQ(store.stats().value().sandbox_files, 0U);
    std::map<ObjectId, Bytes> acknowledged;
    for (std::uint64_t number = 1; number < 400; number += 2) {
      Bytes content = content_of(number, 10'000);
      const Result<ObjectId> id = put(store, content, 1 + number % 4 / 2);
      if (id) acknowledged.emplace(*id, std::move(content));
      if (!id) expect_scarcity(id.error());
    }
    expect_readable(store, acknowledged);
    limit.rlim_cur = unlimited;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Store again = Store::open(path_).value();
    expect_readable(again, acknowledged);
    expect_all_readable(again);
    EXPECT_THAT(put(again, as_bytes("one more"), 1), Succeeds());
    EXPECT_THAT(put(again, as_bytes("and another"), 2), Succeeds());
    EXPECT_THAT(again, IsUndamaged());
    return kWell;
  });
  Store store = Store::open(path_).value();
  EXPECT_THAT(store.lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(store, IsSpotless());
}

// A file system of two megabytes, seen by the forked process only.
TEST_F(ScarceResources, AFullDiskLosesNothing) {
  const std::filesystem::path small = scratch_ / "small";
  std::filesystem::create_directory(small);
  expect_in_process([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", small.c_str(), "tmpfs", 0, "size=2m") != 0) {
      return kNotPermitted;
    }
    std::optional<Store> store = Store::create(small / "store").value();
    write_file(small / "filler", std::string(500'000, 'f'));
    const auto acknowledged = put_until_full(*store);
    expect_readable(*store, acknowledged);
    const Status backed_up = [&]() -> Status {
      const auto report = store->backup(small / "backup");
      return report ? Status() : Status(report.error());
    }();
    EXPECT_FALSE(backed_up);
    if (!backed_up) expect_scarcity(backed_up.error());
    std::filesystem::remove_all(small / "backup");
    std::filesystem::remove(small / "filler");
    store.reset();
    store = Store::open(small / "store").value();
    expect_readable(*store, acknowledged);
    for (std::uint64_t way = 0; way < 3; ++way) {
      EXPECT_THAT(put(*store, content_of(90'000 + way, 30), way), Succeeds());
    }
    EXPECT_THAT(store->lock_maintenance().value().clean(), Succeeds());
    EXPECT_THAT(*store, IsSpotless());
    return kWell;
  });
}

// However few descriptors there are: not to be able to look is neither absence nor damage.
TEST_F(ScarceResources, TooFewDescriptorsAreNeitherAbsenceNorDamage) {
  expect_in_process([&] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t enough = limit.rlim_cur;
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    for (rlim_t spare = 0; spare < 24; ++spare) {
      SCOPED_TRACE(spare);
      limit.rlim_cur = static_cast<rlim_t>(next) + spare;
      if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return kNotPermitted;
      Result<Store> store = Store::open(path_);
      if (!store) {
        expect_scarcity(store.error());
        continue;
      }
      for (const auto& objects : {packed_, loose_}) {
        for (const auto& [id, content] : objects) {
          const Result<Bytes> read = store->get(id);
          if (!read) expect_scarcity(read.error());
          EXPECT_TRUE(!read || *read == content);
        }
      }
      for (std::uint64_t way = 0; way < 3; ++way) {
        const Result<ObjectId> id = put(*store, content_of(500 + spare * 3 + way, 50), way);
        if (!id) expect_scarcity(id.error());
      }
    }
    limit.rlim_cur = enough;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return kWell;
  });
  Store store = Store::open(path_).value();
  expect_all_readable(store);
  EXPECT_THAT(store.lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(store, IsSpotless());
}

// A store that may be looked at only: what can be read is read, the rest is a named refusal.
TEST_F(ScarceResources, AReadOnlyDirectoryIsNotWrittenTo) {
  constexpr uid_t kNobody = 65534;
  namespace fs = std::filesystem;
  fs::permissions(scratch_.path(), fs::perms(0755));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path_)) {
    fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0555 : 0444));
  }
  fs::permissions(path_, fs::perms(0555));
  expect_in_process([&] {
    if (::getuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) {
      return kNotPermitted;
    }
    Result<Store> store = Store::open(path_);
    if (!store) {
      EXPECT_THAT(store, FailsWith(ErrorCode::kIo));
      return kWell;
    }
    expect_no_wrong_read(*store, packed_);
    expect_readable(*store, loose_);
    for (std::uint64_t way = 0; way < 3; ++way) {
      EXPECT_THAT(put(*store, as_bytes("new"), way), FailsWith(ErrorCode::kIo));
    }
    EXPECT_THAT(store->lock_maintenance(), FailsWith(ErrorCode::kIo));
    return kWell;
  });
  fs::permissions(path_, fs::perms(0755));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path_)) {
    fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0755 : 0644));
  }
  const Store store = Store::open(path_).value();
  expect_all_readable(store);
  EXPECT_THAT(store, IsSpotless());
}

}  // namespace
}  // namespace packstore::testing
