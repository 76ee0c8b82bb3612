// An index in a directory of its own, and a way round it: the database as SQLite itself sees it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/index.h"
#include "io/file.h"

namespace packstore::index::testing {

inline constexpr std::string_view kUuid = "11111111-2222-4333-8444-555555555555";

// An id that is spread like a hash and follows from `number`.
inline ObjectId id_of(std::uint64_t number) {
  // The finalizer of splitmix64: neighbours end up far apart.
  ObjectId id;
  std::uint64_t state = number;
  for (std::size_t i = 0; i < ObjectId::kSize; ++i) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    id.bytes[i] = static_cast<std::byte>((mixed ^ (mixed >> 31)) & 0xff);
  }
  return id;
}

// A sound row: pack 1, an offset of its own, 100 bytes verbatim.
inline ObjectRow row_of(std::uint64_t number) {
  return {.id = id_of(number),
          .at = {.pack = 1, .offset = 64 + 164 * number, .stored_size = 100, .size = 100}};
}

inline std::vector<ObjectRow> sorted_rows(std::uint64_t count) {
  std::vector<ObjectRow> rows;
  for (std::uint64_t i = 0; i < count; ++i) rows.push_back(row_of(i));
  std::ranges::sort(rows, {}, &ObjectRow::id);
  return rows;
}

MATCHER_P(FailsWith, code, "") {
  if (arg.has_value()) {
    *result_listener << "succeeded";
    return false;
  }
  *result_listener << arg.error().message;
  return arg.error().code == code;
}

MATCHER(Succeeds, "") {
  if (!arg.has_value()) *result_listener << arg.error().message;
  return arg.has_value();
}

// A store directory with nothing in it but the place for an index; removed at the end.
class StoreDirectory {
 public:
  StoreDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "packstore-index-").string();
    path.append(6, 'X');  // mkdtemp() puts something unique in their place.
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
    root_ = io::posix_file_system().open_directory(path).value();
    root_->create_directory("locks").value();
    locks_ = root_->open_directory("locks").value();
  }

  ~StoreDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  StoreDirectory(const StoreDirectory&) = delete;
  StoreDirectory& operator=(const StoreDirectory&) = delete;

  io::Directory& root() const { return *root_; }
  io::Directory& locks() const { return *locks_; }
  std::filesystem::path database() const { return path_ / kIndexFile; }
  std::uint64_t wal_bytes() const {
    std::error_code absent;
    const auto bytes = std::filesystem::file_size(database().string() + "-wal", absent);
    return absent ? 0 : bytes;
  }

  void create(io::FileSystem& files = io::posix_file_system(),
              ReferenceCounts counts = ReferenceCounts::kNone) const {
    ASSERT_THAT(Index::create(files, *root_, kUuid, counts), Succeeds());
  }

  std::unique_ptr<Index> open(io::FileSystem& files = io::posix_file_system()) const {
    return Index::open(files, *root_, *locks_, kUuid).value();
  }

  Result<std::unique_ptr<Index>> try_open() const {
    return Index::open(io::posix_file_system(), *root_, *locks_, kUuid);
  }

  // Runs SQL behind the back of the library, with nothing but SQLite's defaults.
  void tamper(const std::string& sql) const {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &raw), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message != nullptr ? message : "");
    sqlite3_free(message);
    sqlite3_close(raw);
  }

 private:
  std::filesystem::path path_;
  std::unique_ptr<io::Directory> root_;
  std::unique_ptr<io::Directory> locks_;
};

// Commits the rows in one transaction.
inline void insert(Index& index, std::span<const ObjectRow> rows,
                   CommitSync sync = CommitSync::kLazy) {
  const std::unique_ptr<WriteTransaction> transaction = index.begin_write(sync).value();
  for (const ObjectRow& row : rows) ASSERT_THAT(transaction->insert(row), Succeeds());
  ASSERT_THAT(transaction->commit(), Succeeds());
}

}  // namespace packstore::index::testing
