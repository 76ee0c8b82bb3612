// Files that were cut off, or of which bits have turned: never a wrong read, never a crash, never
// an obstacle for what is whole.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "bad_input/victim_store.h"

namespace packstore::testing {
namespace {

class DamagedFiles : public VictimStoreTest {
 protected:
  // Opens the store and does with it what must not make things worse.
  void expect_harmless() {
    Result<Store> store = Store::open(path_);
    ASSERT_THAT(store, Succeeds());
    expect_no_wrong_read(*store, packed_);
    expect_readable(*store, loose_);
    const Result<ValidationReport> report = store->validate();
    ASSERT_THAT(report, Succeeds());
    EXPECT_FALSE(report->is_valid());
    MaintenanceLock lock = store->lock_maintenance().value();
    EXPECT_THAT(lock.clean(), Succeeds());
    EXPECT_THAT(store->put(as_bytes("still writable")), Succeeds());
  }
};

TEST_F(DamagedFiles, AnyBitOfAPackMayTurn) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const std::string whole = read_file(pack_path());
  for (std::size_t at = random() % 3; at < whole.size(); at += 3) {
    SCOPED_TRACE(at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    write_file(pack_path(), damaged);
    expect_harmless();
    if (HasFailure()) return;
  }
  write_file(pack_path(), whole);
  expect_all_readable(Store::open(path_).value());
}

TEST_F(DamagedFiles, APackMayEndAnywhere) {
  const std::string whole = read_file(pack_path());
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    SCOPED_TRACE(size);
    write_file(pack_path(), std::string_view(whole).substr(0, size));
    expect_harmless();
    if (HasFailure()) return;
  }
  // clean() may not have taken a stump for garbage: the rest may come back.
  write_file(pack_path(), whole);
  expect_all_readable(Store::open(path_).value());
}

TEST_F(DamagedFiles, ALooseObjectMayBeAnything) {
  const auto& [id, content] = *loose_.begin();
  const std::filesystem::path file = loose_path(path_, id);
  std::string turned(as_text(content));
  turned[7] = static_cast<char>(turned[7] ^ 4);
  for (const std::string& bytes :
       {std::string(), std::string(as_text(content).substr(1)), turned,
        std::string(as_text(content)) + "more", std::string(100'000, 'x')}) {
    write_file(file, bytes);
    Store store = Store::open(path_).value();
    EXPECT_THAT(store.get(id), FailsWith(ErrorCode::kCorrupt));
    MaintenanceLock lock = store.lock_maintenance().value();
    const Result<PackReport> packed = lock.pack_loose({.ids = {{id}}});
    ASSERT_THAT(packed, Succeeds());
    EXPECT_EQ(packed->objects, 0U);
    EXPECT_EQ(packed->damaged.size(), 1U);
    EXPECT_THAT(lock.clean(), Succeeds());
    EXPECT_FALSE(store.validate().value().is_valid());
    EXPECT_EQ(read_file(file), bytes) << "the evidence is gone";
    expect_readable(store, packed_);
  }
}

// A damaged index may be refused, or read as far as it is sound; recover() rebuilds it either way.
TEST_F(DamagedFiles, AnyBitOfTheIndexMayTurn) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  ASSERT_THAT(open_core()->index->checkpoint(), Succeeds());
  const std::filesystem::path file = path_ / index::kIndexFile;
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const std::string whole = read_file(file);
    std::string damaged = whole;
    // The first page of the database holds its schema: half of the damage goes there.
    const std::size_t range = round % 2 == 0 ? 4096 : damaged.size();
    for (int bits = 0; bits < 3; ++bits) {
      char& byte = damaged[random() % range];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
    }
    write_file(file, damaged);
    std::filesystem::remove(path_ / "index.sqlite-wal");
    std::filesystem::remove(path_ / "index.sqlite-shm");
    if (const Result<Store> store = Store::open(path_)) {
      expect_no_wrong_read(*store, packed_);
      expect_no_wrong_read(*store, loose_);
      const Result<ValidationReport> report = store->validate();
      EXPECT_TRUE(report || !report.error().message.empty());
    } else {
      EXPECT_FALSE(store.error().message.empty());
    }
    ASSERT_THAT(Store::recover(path_), Succeeds());
    const Result<Store> store = Store::open(path_);
    ASSERT_THAT(store, Succeeds());
    expect_all_readable(*store);
    ASSERT_THAT(open_core()->index->checkpoint(), Succeeds());
    if (HasFailure()) return;
  }
}

TEST_F(DamagedFiles, FormatMayBeAnything) {
  const std::string good = read_file(path_ / "FORMAT");
  const std::array<std::string, 5> bad = {"", "\n", good.substr(0, good.size() / 2),
                                          "something else\n", std::string(5000, 'p')};
  for (const std::string& text : bad) {
    write_file(path_ / "FORMAT", text);
    EXPECT_THAT(Store::open(path_), FailsWith(ErrorCode::kCorrupt)) << text.substr(0, 40);
  }
  std::filesystem::resize_file(path_ / "FORMAT", 0);
  std::filesystem::resize_file(path_ / "FORMAT", std::uintmax_t{1} << 30);
  EXPECT_THAT(Store::open(path_), FailsWith(ErrorCode::kCorrupt));
  write_file(path_ / "FORMAT", good);
  expect_all_readable(Store::open(path_).value());
}

TEST_F(DamagedFiles, FormatOfANewerVersionIsUnsupported) {
  const std::string good = read_file(path_ / "FORMAT");
  const std::size_t version = good.find('1');
  ASSERT_NE(version, std::string::npos);
  std::string newer = good;
  newer.replace(version, 1, "2");
  write_file(path_ / "FORMAT", newer);
  EXPECT_THAT(Store::open(path_), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(Store::create(path_), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(Store::recover(path_), FailsWith(ErrorCode::kUnsupported));
  EXPECT_EQ(read_file(path_ / "FORMAT"), newer);
}

// The version of the schema is the big-endian number at byte 60 of an SQLite database.
TEST_F(DamagedFiles, IndexOfANewerVersionIsUnsupported) {
  ASSERT_THAT(open_core()->index->checkpoint(), Succeeds());
  std::filesystem::remove(path_ / "index.sqlite-wal");
  std::filesystem::remove(path_ / "index.sqlite-shm");
  std::string database = read_file(path_ / index::kIndexFile);
  constexpr char kNewest = 2;
  ASSERT_LE(database.at(63), kNewest);
  database[63] = kNewest + 1;
  write_file(path_ / index::kIndexFile, database);
  EXPECT_THAT(Store::open(path_), FailsWith(ErrorCode::kUnsupported));
  EXPECT_EQ(read_file(path_ / index::kIndexFile), database);
}

}  // namespace
}  // namespace packstore::testing
