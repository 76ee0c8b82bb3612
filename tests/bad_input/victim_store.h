// A small store to be mistreated, and what must hold whatever was done to it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "index/index.h"
#include "io/file.h"
#include "packstore/store.h"
#include "store/pack_files.h"
#include "store/store_core.h"
#include "support/store_scratch.h"

namespace packstore::testing {

// Objects in pack 1 (verbatim and compressed), loose objects, a ref; closed.
class VictimStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    packed_.clear();
    loose_.clear();
    Store store = Store::create(path_).value();
    Batch batch = store.begin_batch().value();
    for (std::uint64_t number = 0; number < 4; ++number) {
      Bytes content = content_of(number, 60 + number);
      const Compression wish = number == 2 ? Compression::zlib() : Compression::none();
      const ObjectId id = batch.put(content, wish).value();
      packed_.emplace(id, std::move(content));
    }
    ASSERT_TRUE(batch.commit());
    for (std::uint64_t number = 10; number < 13; ++number) {
      Bytes content = content_of(number, 40);
      const ObjectId id = store.put(content).value();
      loose_.emplace(id, std::move(content));
    }
    ASSERT_TRUE(store.refs().move("main", {.from = {}, .to = packed_.begin()->first}));
  }

  std::filesystem::path pack_path() const {
    return path_ / "packs" / packstore::store::pack_file_name(1);
  }

  // A read gives the object or an error that says what is wrong.
  static void expect_no_wrong_read(const Store& store, const std::map<ObjectId, Bytes>& objects) {
    for (const auto& [id, content] : objects) {
      const Result<Bytes> read = store.get(id);
      if (read) {
        EXPECT_TRUE(*read == content) << id.to_hex();
      } else {
        EXPECT_FALSE(read.error().message.empty());
      }
    }
  }
  static void expect_readable(const Store& store, const std::map<ObjectId, Bytes>& objects) {
    for (const auto& [id, content] : objects) {
      const Result<Bytes> read = store.get(id);
      ASSERT_THAT(read, Succeeds()) << id.to_hex();
      EXPECT_TRUE(*read == content) << id.to_hex();
    }
  }
  void expect_all_readable(const Store& store) const {
    expect_readable(store, packed_);
    expect_readable(store, loose_);
  }

  std::unique_ptr<packstore::store::StoreCore> open_core() const {
    return packstore::store::open_core(io::posix_file_system(), path_, {}).value();
  }
  // Edits the index behind the store's back.
  template <typename Change>
  void edit_index(const Change& change) const {
    const auto core = open_core();
    auto transaction = core->index->begin_write(index::CommitSync::kLazy).value();
    change(*transaction);
    ASSERT_TRUE(transaction->commit());
  }

  ScratchDirectory scratch_;
  const std::filesystem::path path_ = scratch_ / "store";
  std::map<ObjectId, Bytes> packed_;
  std::map<ObjectId, Bytes> loose_;
};

}  // namespace packstore::testing
