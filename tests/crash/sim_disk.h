// A disk in memory that forgets what was not synced, as a file system under the library. SQLite
// reaches the same disk through sqlite_vfs(), and one counter numbers every step that changes
// anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crash/disk_state.h"
#include "io/file.h"

namespace packstore::crash {

// What goes wrong at a step.
struct Fault {
  enum class Effect : std::uint8_t {
    kNothingDone,  // Of a sync: what it should have kept is lost, and the next one succeeds.
    kHalfDone,     // Of a write: its first half.
    kDoneAnyway,   // The error is no proof.
  };
  std::uint64_t step = 0;
  ErrorCode code = ErrorCode::kIo;
  Effect effect = Effect::kNothingDone;
  bool for_good = false;  // Every step from `step` on.
};

class SimVfs;

// Thread safety: any thread.
class SimDisk final : public io::FileSystem {
 public:
  explicit SimDisk(DiskState state = {});
  ~SimDisk() override;
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  Result<std::unique_ptr<io::Directory>> open_directory(const std::string& path) override;
  Result<std::unique_ptr<io::Directory>> create_directory(const std::string& path,
                                                          bool owner_only) override;
  const char* sqlite_vfs() const override;

  // Called right before each step, with its number (from 1) and what it does.
  using Observer = std::function<void(std::uint64_t number, const std::string& step)>;
  void observe(Observer observer);
  // Called before a file is looked for, with its name: whoever wants to be in between is.
  using Watcher = std::function<void(std::string_view name)>;
  void watch(Watcher watcher);
  void fail(std::vector<Fault> faults);
  std::uint64_t steps() const;
  DiskState state() const;

 private:
  friend class SimDirectory;
  friend class SimFile;

  // How a step goes on: whether its effect happens, how much of it, and what it answers.
  struct Verdict {
    Status answer;
    bool happens = true;
    bool half = false;
  };
  Verdict begin_step(std::string_view verb, std::string_view path, std::string_view name = {});

  using Locks = std::map<std::uint64_t, io::LockKind>;  // By handle.

  mutable std::recursive_mutex mutex_;
  DiskState state_;
  Observer observer_;
  Watcher watcher_;
  std::vector<Fault> faults_;
  std::uint64_t steps_ = 0;
  std::uint64_t next_handle_ = 1;
  std::map<NodeId, Locks> locks_;
  std::map<NodeId, std::unique_ptr<std::atomic<std::uint64_t>>> counters_;
  std::unique_ptr<SimVfs> vfs_;
};

// An open file. Its raw calls do not remember failures: SQLite has rules of its own.
class SimFile final : public io::File {
 public:
  SimFile(SimDisk& disk, NodeId node, std::string path);
  ~SimFile() override;

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override;
  Result<std::size_t> read_at(std::uint64_t offset,
                              std::span<const std::span<std::byte>> into) const override;
  void start_writeback(std::uint64_t, std::uint64_t) override {}
  Result<io::FileInfo> info() const override;
  Result<bool> try_lock(io::LockKind kind) override;
  void unlock() override;
  const std::string& path() const override { return path_; }

  Status raw_write(std::uint64_t offset, std::span<const ByteView> pieces);
  Status raw_sync();
  Status raw_truncate(std::uint64_t size);
  NodeId node() const { return node_; }

 private:
  Status do_write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    return raw_write(offset, pieces);
  }
  Status do_sync() override { return raw_sync(); }
  Status do_truncate(std::uint64_t size) override { return raw_truncate(size); }

  SimDisk& disk_;
  const NodeId node_;
  const std::uint64_t handle_;
  const std::string path_;
  bool locked_ = false;
};

}  // namespace packstore::crash
