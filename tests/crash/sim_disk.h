// A disk in memory that forgets what was not synced: per file and per directory it keeps what a
// program sees and what would survive a power cut. SQLite reaches the same disk through
// sqlite_vfs(), and one counter numbers every step that changes anything.
//
// How hard it is: a file's sync keeps its content, not its name; a directory's sync keeps its
// entries; of a rename without the sync of the directory that lost the name, both names may stay.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/file.h"

namespace packstore::crash {

// What a power cut leaves of changes that were not synced.
enum class Kept : std::uint8_t {
  kNothing,
  kEverything,
  kLengths,   // Of content: files have their last length, and zeros where nothing was synced.
  kByChance,  // Each entry by a coin; each sector of 512 bytes of each write by a coin.
};

struct PowerCut {
  Kept names = Kept::kNothing;
  Kept content = Kept::kNothing;
  std::uint64_t seed = 0;
};

// What goes wrong at a step.
struct Fault {
  enum class Effect : std::uint8_t {
    kNothingDone,
    kHalfDone,    // Of a write: its first half.
    kDoneAnyway,  // The error is no proof.
  };
  std::uint64_t step = 0;
  ErrorCode code = ErrorCode::kIo;
  Effect effect = Effect::kNothingDone;
  bool for_good = false;  // Every step from `step` on.
};

using NodeId = std::uint64_t;

// A change of a file that is not synced: bytes at an offset, or a new length.
struct Change {
  std::uint64_t offset = 0;
  Bytes bytes = {};
  std::optional<std::uint64_t> length = {};
};

struct FileNode {
  Bytes visible = {};
  Bytes durable = {};
  std::vector<Change> pending = {};
  std::uint64_t links = 0;  // Names that a program sees.
};

struct Entry {
  NodeId node = 0;
  bool is_directory = false;
};
using Entries = std::map<std::string, Entry, std::less<>>;

struct DirectoryNode {
  Entries visible = {};
  Entries durable = {};
};

// One name set or cleared; two of them make a rename, the new name first.
struct EntryChange {
  NodeId directory = 0;
  std::string name = {};
  std::optional<Entry> entry = {};
};
using EntryOperation = std::vector<EntryChange>;

// Everything that is on a disk. Copies share nodes until one of them changes a node.
class DiskState {
 public:
  DiskState();

  const FileNode& file(NodeId id) const { return *files_.at(id); }
  const DirectoryNode& directory(NodeId id) const { return *directories_.at(id); }
  static constexpr NodeId kRoot = 1;

  void write(NodeId file, std::uint64_t offset, ByteView bytes);
  void truncate(NodeId file, std::uint64_t length);
  void sync_file(NodeId file);
  // A sync that failed: the system takes the pages for clean, and the disk does not have them.
  void forget_unsynced(NodeId file);

  NodeId make_file();
  NodeId make_directory();
  void change_entries(const EntryOperation& operation);
  void sync_directory(NodeId directory);

  DiskState after(const PowerCut& cut) const;

 private:
  FileNode& edit_file(NodeId id);
  DirectoryNode& edit_directory(NodeId id);

  std::map<NodeId, std::shared_ptr<FileNode>> files_;
  std::map<NodeId, std::shared_ptr<DirectoryNode>> directories_;
  std::vector<EntryOperation> pending_;  // In their order; what a sync has kept is taken out.
  NodeId next_ = kRoot + 1;
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
  void fail(std::optional<Fault> fault);
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
  Verdict begin_step(std::string_view verb, std::string_view path);

  using Locks = std::map<std::uint64_t, io::LockKind>;  // By handle.

  mutable std::recursive_mutex mutex_;
  DiskState state_;
  Observer observer_;
  std::optional<Fault> fault_;
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
};

}  // namespace packstore::crash
