// What the tests of backups and recovery share: filling stores, looking at whole stores.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "packstore/store.h"
#include "store/watched_file_system.h"
#include "support/store_scratch.h"

namespace packstore::store {

namespace fs = std::filesystem;

using testing::loose_path;
using testing::read_file;
using testing::write_file;

// `size` bytes that are different for each `number`, and do not compress.
inline Bytes make_content(std::uint64_t number, std::size_t size = 600) {
  std::mt19937_64 random(number);
  Bytes content(size);
  for (std::byte& byte : content) byte = static_cast<std::byte>(random());
  return content;
}

inline std::vector<ObjectId> put_loose(Store& store, std::uint64_t first, std::uint64_t count,
                                       std::size_t size = 600) {
  std::vector<ObjectId> ids;
  for (std::uint64_t i = 0; i < count; ++i) {
    ids.push_back(store.put(make_content(first + i, size)).value());
  }
  return ids;
}

inline ObjectId put_packed(Store& store, std::uint64_t number,
                           Durability durability = Durability::kSynced) {
  PutOptions options;
  options.placement = Placement::kPacked;
  options.durability = durability;
  return store.put(make_content(number), options).value();
}

inline std::vector<ObjectId> put_batch(Store& store, std::uint64_t first, std::uint64_t count,
                                       const Compression& compression = {}) {
  std::vector<ObjectId> ids;
  Batch batch = store.begin_batch({.compression = compression}).value();
  for (std::uint64_t i = 0; i < count; ++i) {
    ids.push_back(batch.put(make_content(first + i)).value());
  }
  batch.commit().value();
  return ids;
}

// Everything in a store; each content has been read and hashed.
using Contents = std::set<ObjectId>;
inline Contents contents_of(const Store& store) {
  Contents contents;
  const auto take = [&](const ObjectInfo& info) -> Status {
    const Result<Bytes> content = store.get(info.id);
    EXPECT_TRUE(content.has_value()) << info.id.to_hex() << ": " << content.error().message;
    if (content) contents.insert(info.id);
    return {};
  };
  store.for_each_object(take).value();
  return contents;
}

using RefMap = std::map<std::string, ObjectId>;
inline RefMap refs_of(const Store& store) {
  RefMap refs;
  const std::vector<Ref> listed = store.refs().list().value();
  for (const Ref& ref : listed) refs.emplace(ref.name, ref.id);
  return refs;
}

inline void expect_holds(const Store& store, const std::vector<ObjectId>& ids) {
  for (const ObjectId& id : ids) {
    const Result<Bytes> content = store.get(id);
    EXPECT_TRUE(content.has_value()) << id.to_hex() << ": " << content.error().message;
  }
}

// Valid, and but for `garbage` nothing found at all.
inline void expect_valid(const Store& store, bool (*garbage)(FindingKind) = nullptr) {
  const ValidationReport report = store.validate().value();
  for (const Finding& finding : report.findings) {
    const bool is_allowed = garbage != nullptr && garbage(finding.kind);
    EXPECT_TRUE(is_allowed) << to_string(finding.kind) << ": " << finding.message;
  }
}

inline std::vector<fs::path> packs_in(const fs::path& store) {
  std::vector<fs::path> packs;
  for (const auto& entry : fs::directory_iterator(store / "packs")) packs.push_back(entry.path());
  std::sort(packs.begin(), packs.end());
  return packs;
}

// Removes the directories in loose/ that hold nothing: copying a store is faster then.
inline void remove_empty_shards(const fs::path& store) {
  for (int shard = 0; shard < 256; ++shard) {
    const auto byte = static_cast<std::byte>(shard);
    const std::string name = ObjectId{{byte}}.to_hex().substr(0, 2);
    std::error_code not_empty;
    fs::remove(store / "loose" / name, not_empty);
  }
}

// Inverts one byte of a file.
inline void flip_byte(const fs::path& path, std::size_t offset) {
  std::string text = read_file(path);
  text.at(offset) = static_cast<char>(~text.at(offset));
  write_file(path, text);
}

// Cuts the power, as far as files are concerned, right before one of the steps that write, rename,
// remove or sync: neither that step nor any later one happens. Cutting before each of the many
// directories that are asked for would show nothing new.
class PowerCut {
 public:
  PowerCut(Watch& watch, int step) : watch_(watch) {
    watch_.before = [this, step](const std::string& text) -> Status {
      const bool is_look = text.starts_with("open ") || text.starts_with("mkdir ");
      if (!is_look && taken_ == step) at_ = text;
      const bool is_on = taken_ < step || (is_look && at_.empty());
      if (!is_look) ++taken_;
      if (is_on) return {};
      return Error{ErrorCode::kIo, "the power is off"};
    };
  }
  PowerCut(const PowerCut&) = delete;
  PowerCut& operator=(const PowerCut&) = delete;
  ~PowerCut() { watch_.before = nullptr; }

  // The step that did not happen; empty when all did.
  const std::string& at() const { return at_; }

 private:
  Watch& watch_;
  int taken_ = 0;
  std::string at_;
};

}  // namespace packstore::store
