#include "large_object.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "packstore/store.h"
#include "support/child_process.h"
#include "support/store_scratch.h"

namespace packstore::store {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCountsMemory = false;
#elif defined(__has_feature)
constexpr bool kCountsMemory =
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kCountsMemory = true;
#endif

// On a disk: memory that only looks like a file would be no test of memory.
class DiskDirectory {
 public:
  DiskDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "packstore-large-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~DiskDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  DiskDirectory(const DiskDirectory&) = delete;
  DiskDirectory& operator=(const DiskDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Zeros with a counter here and there, so that no two stretches are alike and hashing is all that
// costs time.
class CountingSource final : public ByteSource {
 public:
  CountingSource(std::uint64_t size, std::uint64_t salt) : left_(size), counter_(salt) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    std::memset(into.data(), 0, count);
    if (count >= sizeof counter_) std::memcpy(into.data(), &++counter_, sizeof counter_);
    left_ -= count;
    return count;
  }

 private:
  std::uint64_t left_;
  std::uint64_t counter_;
};

// Streams the object through; a wrong byte would be kCorrupt.
Status read_through(const Store& store, const ObjectId& id) {
  Result<ObjectReader> reader = store.open_object(id);
  if (!reader) return reader.error();
  Bytes buffer(1 << 20);
  while (true) {
    const Result<std::size_t> count = reader->read(buffer);
    if (!count) return count.error();
    if (*count == 0) return {};
  }
}

Status run(const std::filesystem::path& path, std::uint64_t size) {
  Store store = Store::create(path).value();
  CountingSource loose(size, 0);
  const ObjectId first = store.put(loose).value();
  CountingSource packed(size, 1'000'000'000);
  Batch batch = store.begin_batch({.compression = Compression::zlib()}).value();
  const ObjectId second = batch.put(packed).value();
  batch.commit().value();
  for (const ObjectId& id : {first, second}) {
    if (Status read = read_through(store, id); !read) return read;
  }
  MaintenanceLock lock = store.lock_maintenance().value();
  if (lock.pack_loose({.compression = Compression::zstd(1)}).value().objects != 1) {
    return Error{ErrorCode::kIo, "the object was not packed"};
  }
  if (lock.repack({.compression = Compression::zlib(1)}).value().objects != 2) {
    return Error{ErrorCode::kIo, "the objects were not repacked"};
  }
  return read_through(store, first);
}

}  // namespace

void expect_bounded_memory(std::uint64_t size) {
  if (!kCountsMemory) GTEST_SKIP() << "sanitizers take memory of their own";
  const DiskDirectory disk;
  if (std::filesystem::space(disk.path()).available < 3 * size) {
    GTEST_SKIP() << disk.path() << ": less than " << 3 * size << " bytes free";
  }
  testing::Pipe answer;
  testing::ChildProcess child([&] {
    const Status done = run(disk.path() / "store", size);
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const bool told = answer.tell(static_cast<std::uint64_t>(usage.ru_maxrss) << 10);
    return done && told ? 0 : 1;
  });
  // Waits first: the work takes longer than hear() would.
  ASSERT_EQ(child.wait(), 0);
  const auto resident = answer.hear<std::uint64_t>();
  ASSERT_TRUE(resident.has_value());
  std::printf("%llu bytes with %llu resident\n", static_cast<unsigned long long>(size),
              static_cast<unsigned long long>(*resident));
  EXPECT_LT(*resident, kResidentBytesMax);
}

}  // namespace packstore::store
