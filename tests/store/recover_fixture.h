// A store to damage and to recover, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/copy_test_support.h"

namespace packstore::store {

inline std::vector<FindingKind> kinds_of(const RecoveryReport& report) {
  std::vector<FindingKind> kinds;
  for (const Finding& finding : report.findings) kinds.push_back(finding.kind);
  return kinds;
}

class RecoverTest : public ::testing::Test {
 protected:
  // A store with loose, packed and compressed objects, two packs, and a ref to each kind.
  void fill() {
    Store store = Store::create(path_).value();
    loose_ = put_loose(store, 0, 10);
    Batch held = store.begin_batch().value();
    held.put(make_content(50)).value();
    packed_ = put_batch(store, 100, 30);
    held.commit().value();
    put_batch(store, 200, 30, Compression::zlib());
    store.put(as_bytes(std::string(5000, 'a')), {}).value();
    store.refs().move("loose", {.from = {}, .to = loose_[0]}).value();
    store.refs().move("packed", {.from = {}, .to = packed_[0]}).value();
    contents_ = contents_of(store);
    refs_ = refs_of(store);
  }

  RecoveryReport recover() { return Store::recover(path_).value(); }

  ErrorCode failure(const RecoverOptions& options = {}) {
    const auto report = Store::recover(path_, options);
    return report ? ErrorCode{} : report.error().code;
  }

  void remove_index() {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      fs::remove(path_ / (std::string("index.sqlite") + suffix));
    }
  }

  void expect_all_there() {
    Store store = Store::open(path_).value();
    EXPECT_EQ(contents_of(store), contents_);
    expect_valid(store);
    // It goes on as any store does, without touching a number or a name twice.
    const std::vector<ObjectId> more = put_batch(store, 900, 3);
    store.lock_maintenance().value().pack_loose().value();
    store.lock_maintenance().value().clean().value();
    store.lock_maintenance().value().repack().value();
    expect_holds(store, more);
    expect_valid(store);
  }

  testing::ScratchDirectory directory_;
  const fs::path path_ = directory_ / "store";
  std::vector<ObjectId> loose_;
  std::vector<ObjectId> packed_;
  Contents contents_;
  RefMap refs_;
};

}  // namespace packstore::store
