// Case 17 of docs/testing.md: a disk on which not one byte is free. Whoever wants room must be able
// to make it. Method: a file system of a few megabytes, seen by a forked process only, with a file
// that takes all that is left.
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "support/child_process.h"
#include "support/store_scratch.h"

namespace packstore::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kWell = 0;
constexpr int kFailed = 1;
constexpr int kNotPermitted = 77;

class FullDisk : public ::testing::Test {
 protected:
  template <typename Work>
  void on_small_disk(Work work) {
    const fs::path disk = scratch_ / "disk";
    fs::create_directory(disk);
    ChildProcess child([&] {
      if (::unshare(CLONE_NEWNS) != 0 ||
          ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("none", disk.c_str(), "tmpfs", 0, "size=8m") != 0) {
        return kNotPermitted;
      }
      work(disk);
      return HasFailure() ? kFailed : kWell;
    });
    const std::optional<int> status = child.wait();
    if (status == kNotPermitted) GTEST_SKIP() << "this system does not permit to mount";
    EXPECT_EQ(status, kWell);
  }

  // Takes every byte there is.
  static void fill(const fs::path& disk) {
    std::ofstream filler(disk / "filler", std::ios::binary);
    const std::string block(4096, 'f');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
    ASSERT_EQ(fs::space(disk).free, 0U);
  }

  ScratchDirectory scratch_;
};

TEST_F(FullDisk, RemovingAndRepackingMakeRoomWithNotOneByteFree) {
  on_small_disk([](const fs::path& disk) {
    std::vector<ObjectId> unwanted;
    std::map<ObjectId, Bytes> wanted;
    {
      Store store =
          Store::create(disk / "store", {.open = {.packs = {.bytes_target = 200'000}}}).value();
      for (std::uint64_t number = 1; number < 400; number += 2) {
        const Placement placement = number % 4 == 1 ? Placement::kPacked : Placement::kLoose;
        Bytes content = content_of(number, 8'000);
        const ObjectId id = store.put(content, {.placement = placement}).value();
        if (number < 250) {
          unwanted.push_back(id);
        } else {
          wanted.emplace(id, std::move(content));
        }
      }
    }
    fill(disk);
    Store store = Store::open(disk / "store").value();
    MaintenanceLock lock = store.lock_maintenance().value();
    const auto removed = lock.remove(unwanted);
    ASSERT_THAT(removed, Succeeds());
    EXPECT_EQ(removed->removed, unwanted.size());
    EXPECT_THAT(lock.repack({.dead_ratio_min = 0.3}), Succeeds());
    EXPECT_GT(fs::space(disk).free, 500'000U);
    EXPECT_THAT(store.put(content_of(1000, 100'000)), Succeeds());
    for (const auto& [id, content] : wanted) {
      const Result<Bytes> read = store.get(id);
      EXPECT_TRUE(read && *read == content) << id.to_hex();
    }
    EXPECT_THAT(store, IsUndamaged());
  });
}

// A pack grows by room for later puts only where there is plenty.
TEST_F(FullDisk, APutThatFitsIsTaken) {
  on_small_disk([](const fs::path& disk) {
    {
      Store store = Store::create(disk / "store").value();
      for (std::uint64_t number = 0; number < 50; ++number) {
        ASSERT_THAT(store.put(content_of(number, 8'000), {.placement = Placement::kPacked}),
                    Succeeds());
      }
    }
    fill(disk);
    fs::resize_file(disk / "filler", fs::file_size(disk / "filler") - 128 * 1024);
    Store store = Store::open(disk / "store").value();
    const Bytes content = content_of(1000, 8'000);
    const auto id = store.put(content, {.placement = Placement::kPacked});
    ASSERT_THAT(id, Succeeds());
    EXPECT_EQ(store.get(*id).value(), content);
  });
}

}  // namespace
}  // namespace packstore::testing
