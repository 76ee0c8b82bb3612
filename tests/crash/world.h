// A store, and a book outside of it of everything that was promised.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "packstore/block_store.h"
#include "packstore/store.h"

namespace packstore::store {
struct StoreCore;
}

namespace packstore::crash {

// The content of each file of a directory, by its name.
using Files = std::map<std::string, std::string>;

// What must hold whenever the power goes.
struct Claims {
  bool created = false;
  std::map<ObjectId, std::string> offered;  // All that anybody ever wanted to put.
  std::set<ObjectId> present;               // Acknowledged.
  std::set<ObjectId> absent;                // Removal acknowledged, and not put again.
  // Objects that came in one batch and in no other way: all are visible, or none.
  std::vector<std::set<ObjectId>> together;
  // Where a ref may be: one place, and while it moves another.
  std::map<std::string, std::set<std::optional<ObjectId>>> refs;
  std::set<std::uint64_t> gone_packs;  // Repacked; their numbers never come back.
  std::set<ObjectId> backed_up;        // Acknowledged by a backup.
  std::map<ObjectId, Files> trees;     // Directories by their roots, acknowledged with all below.

  // Equal for equal promises; what was only offered does not count.
  std::uint64_t digest() const;
};

// Every operation notes what it is about to do, does it, and notes what was acknowledged.
class World {
 public:
  // The store and its backup lie below `directory`.
  explicit World(io::FileSystem& files, Claims claims = {}, std::string directory = {})
      : files_(files), directory_(std::move(directory)), claims_(std::move(claims)) {}

  io::FileSystem& files() { return files_; }
  std::string store_path() const { return directory_ + "/store"; }
  std::string backup_path() const { return directory_ + "/backup"; }
  const Claims& claims() const { return claims_; }
  Store& store() { return *store_; }
  bool is_open() const { return store_.has_value(); }
  // What another process was promised, and asked for, meanwhile.
  void learn(const Claims& claims) { claims_ = claims; }
  // Handles that broke their word: said yes after they had failed.
  const std::vector<std::string>& broken() const { return broken_; }

  Status create(ReferenceCounts counts = ReferenceCounts::kNone);
  Status open();
  void close() { store_.reset(); }

  Status put(std::string_view text, const PutOptions& options = {});
  Status put_stream(std::string_view text);
  Status put_buffered(std::string_view text);  // Promised by the next sync().
  Status sync();
  Status commit_batch(const std::vector<std::string>& texts, const BatchOptions& options = {},
                      std::optional<std::string> ref = {});
  // Points the ref at the object of this text, wherever it is now; nullopt removes it.
  Status move_ref(const std::string& name, std::optional<std::string_view> text,
                  NodeKind kind = NodeKind::kRaw);
  // The same in a store that counts references: the objects of `released` lose their last one. What
  // is not gone when the call returns is not promised to be.
  Status release(const std::string& name, std::optional<std::string_view> text,
                 const std::vector<std::string>& released);
  // Puts nothing: pins the objects, and takes contains() at its word.
  Status rely_on(const std::vector<std::string>& texts);
  Status remove(const std::vector<std::string>& texts);
  Status pack_loose(const PackOptions& options = {});
  Status repack(const RepackOptions& options = {});
  Status clean();
  // Writes a directory of files as DAGs, in one batch that points the ref at its root.
  Status add_tree(const std::string& ref, const Files& files);
  // The same, whose blocks come out of a CAR file.
  Status import_tree(const std::string& ref, const Files& files);
  // Takes everything that no ref reaches.
  Status collect();
  Status checkpoint();
  Status backup();
  Status recover();
  // The files of the index are gone, and with them what only they knew.
  Status lose_index();
  // What a writer leaves that dies: a sandbox file, half a record at the end of a pack.
  Status leave_garbage();

  // Notes contents that somebody else puts.
  ObjectId offer(std::string_view text);
  void acknowledge(const std::vector<ObjectId>& ids);

 private:
  using PutTree = std::function<Result<Cid>(StoreBlocks& blocks)>;
  Status put_tree(const std::string& ref, const Files& files, const PutTree& put);
  // No longer promised to be there.
  void withdraw(const ObjectId& id);
  void note_batch(const std::vector<std::string>& texts);
  void allow_ref(const std::string& name, const std::set<std::optional<ObjectId>>& places);

  io::FileSystem& files_;
  std::string directory_;
  Claims claims_;
  std::optional<Store> store_;
  store::StoreCore* core_ = nullptr;  // Of store_: some things an application cannot ask for.
  std::vector<ObjectId> buffered_;
  std::vector<std::string> broken_;
};

}  // namespace packstore::crash
