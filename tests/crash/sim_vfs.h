// SQLite's view of a SimDisk: database, write-ahead log and journals are files of the disk, the
// shared memory is memory, and all locks end with the disk, as with a machine.
//
// Written to SQLite's interface for file systems, https://www.sqlite.org/c3ref/io_methods.html;
// behaves as its own "unix" one where a power cut would tell: a log or journal that was created is
// synced together with its directory, once.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crash/sim_disk.h"

namespace packstore::crash {

class SimVfs {
 public:
  explicit SimVfs(SimDisk& disk);
  ~SimVfs();
  SimVfs(const SimVfs&) = delete;
  SimVfs& operator=(const SimVfs&) = delete;

  const char* name() const { return name_.c_str(); }
  SimDisk& disk() { return disk_; }

  static constexpr int kSlots = SQLITE_SHM_NLOCK;
  using Holder = const void*;

  // What all connections to one file share. The mutex of the vfs guards it.
  struct Shared {
    std::map<Holder, int> file_locks;
    std::vector<std::unique_ptr<char[]>> regions;
    std::set<Holder> mapped;
    std::map<Holder, unsigned> shared_slots;     // A bit a slot.
    std::map<Holder, unsigned> exclusive_slots;  // The same.
  };
  Shared& shared(NodeId node) { return shared_[node]; }
  std::recursive_mutex& mutex() { return mutex_; }

 private:
  SimDisk& disk_;
  const std::string name_;
  sqlite3_vfs vfs_ = {};
  std::recursive_mutex mutex_;
  std::map<NodeId, Shared> shared_;
};

}  // namespace packstore::crash
