// A small store of its own for each test, and ways to damage it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/index.h"
#include "io/file.h"
#include "packstore/store.h"
#include "store/pack_files.h"
#include "store/store_core.h"

namespace packstore::store {

// Prints a finding where an expectation fails.
inline std::string describe(const Finding& finding) {
  return fmt::format("{}: {}", to_string(finding.kind), finding.message);
}

MATCHER_P(HasKind, kind, fmt::format("is of kind {}", to_string(kind))) {
  *result_listener << describe(arg);
  return arg.kind == kind;
}

MATCHER_P2(IsAbout, kind, id, fmt::format("is a {} of {}", to_string(kind), id.to_hex())) {
  *result_listener << describe(arg);
  return arg.kind == kind && arg.object == id;
}

inline std::vector<std::string> describe(const std::vector<Finding>& findings) {
  std::vector<std::string> lines;
  for (const Finding& finding : findings) lines.push_back(describe(finding));
  return lines;
}

inline Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
  return bytes;
}

// A directory that goes with the object; in memory where the system has room there, because these
// tests make hundreds of stores and are not about what a disk keeps.
class ScratchPath {
 public:
  ScratchPath() {
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path parent =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / ("packstore-" + std::string(6, 'X'))).string();
    path_ = ::mkdtemp(name.data());
  }
  ~ScratchPath() { std::filesystem::remove_all(path_); }
  ScratchPath(const ScratchPath&) = delete;
  ScratchPath& operator=(const ScratchPath&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Edits the files and the index of a store behind its back.
class Saboteur {
 public:
  explicit Saboteur(std::filesystem::path store) : path_(std::move(store)) {}

  std::filesystem::path pack(std::uint64_t number) const {
    return path_ / "packs" / pack_file_name(number);
  }
  std::filesystem::path loose(const ObjectId& id) const {
    return path_ / "loose" / id.to_hex().substr(0, 2) / id.to_hex().substr(2);
  }
  const std::filesystem::path& path() const { return path_; }

  static void flip(const std::filesystem::path& file, std::uint64_t offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const int byte = stream.get();
    ASSERT_NE(byte, EOF) << file << " ends before " << offset;
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(static_cast<char>(byte ^ 0x10));
  }
  static void append(const std::filesystem::path& file, std::string_view bytes) {
    std::ofstream(file, std::ios::app | std::ios::binary) << bytes;
  }
  static void write(const std::filesystem::path& file, std::string_view bytes) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }

  // The rest goes through an index of its own.
  std::unique_ptr<StoreCore> open() const {
    return open_core(io::posix_file_system(), path_, {}).value();
  }
  index::Location find(const ObjectId& id) const { return open()->index->find(id).value().value(); }
  index::PackRow find_pack(std::uint64_t pack) const {
    return open()->index->find_pack(pack).value().value();
  }
  template <typename Change>
  void edit_index(const Change& change) const {
    const auto core = open();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    change(*transaction);
    ASSERT_TRUE(transaction->commit());
  }

 private:
  std::filesystem::path path_;
};

// Three packed objects (verbatim, compressed, verbatim), one removed between them, two loose ones,
// and a ref.
class DamagedStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { fill(store()); }

  Store& store() {
    if (!store_) store_ = Store::create(scratch_ / "store").value();
    return *store_;
  }
  void close() { store_.reset(); }
  Store& reopen() {
    store_.reset();
    store_ = Store::open(scratch_ / "store").value();
    return *store_;
  }

  void fill(Store& into) {
    Batch batch = into.begin_batch().value();
    first_ = batch.put(as_bytes(first_content_)).value();
    removed_ = batch.put(as_bytes("an object that will be removed")).value();
    squeezed_ = batch.put(as_bytes(squeezed_content_), Compression::zlib()).value();
    last_ = batch.put(as_bytes(last_content_)).value();
    ASSERT_TRUE(batch.commit());
    loose_ = into.put(as_bytes(loose_content_)).value();
    other_loose_ = into.put(as_bytes(other_loose_content_)).value();
    ASSERT_TRUE(into.refs().move("main", {.from = {}, .to = first_}));
    MaintenanceLock lock = into.lock_maintenance().value();
    ASSERT_TRUE(lock.remove({{removed_}}));
  }

  std::vector<Finding> validate(const ValidateOptions& options = {}) {
    Result<ValidationReport> report = store().validate(options);
    EXPECT_TRUE(report) << report.error().message;
    return report ? std::move(report->findings) : std::vector<Finding>();
  }

  RepairReport repair() {
    const ValidationReport found = store().validate().value();
    MaintenanceLock lock = store().lock_maintenance().value();
    Result<RepairReport> report = lock.repair(found);
    EXPECT_TRUE(report) << report.error().message;
    return report ? std::move(*report) : RepairReport();
  }

  // Every object of fill(), with its content.
  std::vector<std::pair<ObjectId, std::string_view>> objects() const {
    return {{first_, first_content_},
            {squeezed_, squeezed_content_},
            {last_, last_content_},
            {loose_, loose_content_},
            {other_loose_, other_loose_content_}};
  }

  // No read returns anything else than the object or an error.
  void expect_no_wrong_read() {
    for (const auto& [id, content] : objects()) {
      const Result<Bytes> read = store().get(id);
      if (read) {
        EXPECT_EQ(as_text(*read), content);
      }
    }
  }
  void expect_readable(const ObjectId& id) {
    const Result<Bytes> read = store().get(id);
    EXPECT_TRUE(read) << read.error().message;
  }

  ScratchPath scratch_;
  Saboteur saboteur_{scratch_ / "store"};
  std::optional<Store> store_;

  const std::string first_content_ = "the first object of the pack";
  const std::string squeezed_content_ = std::string(200, 's') + std::string(100, 't');
  const std::string last_content_ = "the last object of the pack, a little longer";
  const std::string loose_content_ = "a loose object";
  const std::string other_loose_content_ = "another loose object";
  ObjectId first_, removed_, squeezed_, last_, loose_, other_loose_;
};

}  // namespace packstore::store
