// A store and its backups, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "store/copy_test_support.h"

namespace packstore::store {

// What an interrupted backup leaves in the sandbox of its destination.
inline bool is_leftover(FindingKind kind) { return kind == FindingKind::kSandboxLeftover; }

class BackupTest : public ::testing::Test {
 protected:
  void expect_backup_equals_source(const std::string& name = "backup") {
    Store copy = Store::open(directory_ / name).value();
    EXPECT_EQ(copy.uuid(), store_.uuid());
    EXPECT_EQ(contents_of(copy), contents_of(store_));
    EXPECT_EQ(refs_of(copy), refs_of(store_));
    expect_valid(copy);
  }

  BackupReport backup(const std::string& name = "backup") {
    return store_.backup(directory_ / name).value();
  }

  ErrorCode failure_of(const std::string& name, const BackupOptions& options = {}) {
    const auto report = store_.backup(directory_ / name, options);
    return report ? ErrorCode{} : report.error().code;
  }

  testing::ScratchDirectory directory_;
  Store store_ = Store::create(directory_ / "source").value();
};

}  // namespace packstore::store
