// A store on a SimDisk, and a book outside of it of everything that was promised.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "crash/sim_disk.h"
#include "packstore/store.h"

namespace packstore::crash {

inline constexpr const char* kStorePath = "/store";
inline constexpr const char* kBackupPath = "/backup";

// What must hold whenever the power goes.
struct Claims {
  bool created = false;
  std::map<ObjectId, std::string> offered;  // All that anybody ever wanted to put.
  std::set<ObjectId> present;               // Acknowledged.
  std::set<ObjectId> absent;                // Removal acknowledged, and not put again.
  // Where a ref may be: one place, and while it moves another.
  std::map<std::string, std::set<std::optional<ObjectId>>> refs;
  std::set<ObjectId> backed_up;  // Acknowledged by a backup.
};

// Every operation notes what it is about to do, does it, and notes what was acknowledged.
class World {
 public:
  explicit World(SimDisk& disk, Claims claims = {}) : disk_(disk), claims_(std::move(claims)) {}

  SimDisk& disk() { return disk_; }
  const Claims& claims() const { return claims_; }
  Store& store() { return *store_; }
  bool is_open() const { return store_.has_value(); }

  Status create();
  Status open();
  void close() { store_.reset(); }

  Status put(std::string_view text, const PutOptions& options = {});
  Status put_stream(std::string_view text);
  Status put_buffered(std::string_view text);  // Promised by the next sync().
  Status sync();
  Status commit_batch(const std::vector<std::string>& texts, const BatchOptions& options = {},
                      std::optional<std::string> ref = {});
  // Points the ref at the object of this text, wherever it is now; nullopt removes it.
  Status move_ref(const std::string& name, std::optional<std::string_view> text);
  Status remove(const std::vector<std::string>& texts);
  Status pack_loose(const PackOptions& options = {});
  Status repack(const RepackOptions& options = {});
  Status clean();
  Status backup();
  Status recover();
  // The files of the index are gone, and with them what only they knew.
  Status lose_index();

  // Notes contents that somebody else puts.
  ObjectId offer(std::string_view text);
  void acknowledge(const std::vector<ObjectId>& ids);

 private:
  SimDisk& disk_;
  Claims claims_;
  std::optional<Store> store_;
  std::vector<ObjectId> buffered_;
};

// What is wrong with the store of `world`, which is open: nothing, or one line for each finding.
std::vector<std::string> complaints(World& world);

// The same of the backup: it opens, is valid and holds what was promised.
std::vector<std::string> backup_complaints(World& world);

}  // namespace packstore::crash
