// A store of its own for each test of the store floor: through the front door, through the inner
// parts, and behind its back.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/pack_record.h"
#include "packstore/store.h"
#include "store/pack_files.h"
#include "store/store_core.h"
#include "support/store_scratch.h"
#include "watched_file_system.h"

namespace packstore::store {

using testing::FailsWith;
using testing::IsSpotless;
using testing::IsUndamaged;
using testing::Succeeds;

inline constexpr std::uint64_t kRecordHeader = format::PackRecord::kHeaderSize;
inline constexpr std::uint64_t kPackHeader = format::PackHeader::kSize;

// What a test has put, and must find again.
using Objects = std::map<ObjectId, Bytes>;

class StoreFixture : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return scratch_ / "store"; }
  std::filesystem::path pack_path(std::uint64_t pack) const {
    return path() / "packs" / pack_file_name(pack);
  }
  std::filesystem::path loose_path(const ObjectId& id) const {
    return testing::loose_path(path(), id);
  }

  // Created, or opened, with these options by the first call of store().
  OpenOptions options_;

  Store& store() {
    if (!store_) {
      store_ = exists() ? Store::open(path(), options_).value()
                        : Store::create(path(), {.open = options_}).value();
    }
    return *store_;
  }
  void close() { store_.reset(); }
  Store& reopen() {
    close();
    return store();
  }
  Store open_other() { return Store::open(path()).value(); }
  MaintenanceLock lock() { return store().lock_maintenance().value(); }

  // The same store once more, by its parts.
  std::unique_ptr<StoreCore> open_core() { return open_core(io::posix_file_system()); }
  // The same, with an ear at every step.
  std::unique_ptr<StoreCore> open_watched() { return open_core(watched_); }
  Watch& watch() { return watched_.watch(); }

  ObjectId put(std::string_view text, const PutOptions& how = {}) {
    return store().put(as_bytes(text), how).value();
  }
  ObjectId put_packed(std::string_view text, const Compression& compression = {}) {
    return put(text, {.placement = Placement::kPacked, .compression = compression});
  }
  // Objects of the numbers [first, first + count), in one batch.
  Objects put_batch(std::uint64_t first, std::uint64_t count, std::size_t size = 500,
                    const Compression& compression = {}) {
    Objects objects;
    Batch batch = store().begin_batch({.compression = compression}).value();
    for (std::uint64_t i = first; i < first + count; ++i) {
      Bytes content = testing::content_of(i, size);
      const ObjectId id = batch.put(content).value();
      objects.emplace(id, std::move(content));
    }
    EXPECT_THAT(batch.commit(), Succeeds());
    return objects;
  }
  Objects put_loose(std::uint64_t first, std::uint64_t count, std::size_t size = 500) {
    Objects objects;
    for (std::uint64_t i = first; i < first + count; ++i) {
      Bytes content = testing::content_of(i, size);
      const ObjectId id = store().put(content).value();
      objects.emplace(id, std::move(content));
    }
    return objects;
  }

  bool has(const ObjectId& id) { return store().contains(id).value(); }
  bool is_packed(const ObjectId& id) { return store().info(id).value().pack.has_value(); }
  bool is_loose(const ObjectId& id) { return std::filesystem::exists(loose_path(id)); }
  std::string text_of(const ObjectId& id) { return std::string(as_text(store().get(id).value())); }
  void expect_holds(const Objects& objects) {
    for (const auto& [id, content] : objects) {
      const Result<Bytes> read = store().get(id);
      ASSERT_THAT(read, Succeeds());
      ASSERT_EQ(*read, content) << id.to_hex();
    }
  }
  std::size_t count_files(std::string_view directory) const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path() / directory)) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  // As a crash between the commit of its row and the unlink leaves it.
  void make_loose(const ObjectId& id, std::string_view content) {
    std::filesystem::create_directories(loose_path(id).parent_path());
    testing::write_file(loose_path(id), content);
  }

  static void flip(const std::filesystem::path& file, std::uint64_t offset) {
    std::string bytes = testing::read_file(file);
    ASSERT_LT(offset, bytes.size()) << file;
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x10);
    // In place: whoever has the file open sees it.
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << bytes;
  }
  static void append(const std::filesystem::path& file, std::string_view bytes) {
    std::ofstream(file, std::ios::app | std::ios::binary) << bytes;
  }
  index::Location location(const ObjectId& id) {
    return open_core()->index->find(id).value().value();
  }
  // Damages the last stored byte of a packed object.
  void damage_packed(const ObjectId& id) {
    const index::Location at = location(id);
    flip(pack_path(at.pack), at.offset + kRecordHeader + at.stored_size - 1);
  }

  // The index as it is now, for restore_index(): what a power cut may leave of lazy commits.
  void save_index() {
    std::filesystem::create_directory(scratch_ / "saved");
    for (const char* name : kIndexFiles) {
      std::error_code absent;
      std::filesystem::copy_file(path() / name, scratch_ / "saved" / name,
                                 std::filesystem::copy_options::overwrite_existing, absent);
    }
  }
  void restore_index() {
    close();
    std::filesystem::remove(path() / "index.sqlite-shm");
    for (const char* name : kIndexFiles) {
      std::filesystem::remove(path() / name);
      if (!std::filesystem::exists(scratch_ / "saved" / name)) continue;
      std::filesystem::copy_file(scratch_ / "saved" / name, path() / name);
    }
  }

  testing::ScratchDirectory scratch_;

 private:
  bool exists() const { return std::filesystem::exists(path() / "FORMAT"); }
  std::unique_ptr<StoreCore> open_core(io::FileSystem& files) {
    if (!exists()) static_cast<void>(store());
    return store::open_core(files, path(), options_).value();
  }

  static constexpr const char* kIndexFiles[] = {"index.sqlite", "index.sqlite-wal"};
  std::optional<Store> store_;
  WatchedFileSystem watched_{(scratch_ / "store").string()};
};

}  // namespace packstore::store
