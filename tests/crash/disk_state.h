// Everything that is on a disk: per file and per directory what a program sees, and what would
// survive a power cut.
//
// How hard the disk is: a file's sync keeps its content, not its name; a directory's sync keeps its
// entries; of a rename without the sync of the directory that lost the name, both names may stay.
//
// Copies of a DiskState are cheap: they share nodes and contents until one of them changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "packstore/bytes.h"

namespace packstore::crash {

// What a power cut leaves of changes that were not synced.
enum class Kept : std::uint8_t {
  kNothing,
  kEverything,
  kLengths,   // Of content: files have their last length, and zeros where nothing was synced.
  kByChance,  // Each entry by a coin; each sector of 512 bytes of each write by a coin.
  kByFile,    // Of content: a coin for each file, as if the system had written back some of them.
};

// The seed tosses the coin of each change by itself: of two cuts with one seed, the later one finds
// the same fate for what the earlier one has met.
struct PowerCut {
  Kept names = Kept::kNothing;
  Kept content = Kept::kNothing;
  std::uint64_t seed = 0;
};

using NodeId = std::size_t;

struct Entry {
  NodeId node = 0;
  bool is_directory = false;
};
using Entries = std::map<std::string, Entry, std::less<>>;

std::uint64_t digest_of(const Bytes& content);
std::uint64_t digest_of(const Entries& entries);

// A value that copies share until one of them changes it, and that knows its digest.
template <typename T>
class Shared {
 public:
  Shared() : body_(std::make_shared<Body>()) {}
  explicit Shared(T value) : body_(std::make_shared<Body>(std::move(value))) {}

  const T& operator*() const { return body_->value; }
  const T* operator->() const { return &body_->value; }
  bool is_same(const Shared& other) const { return body_ == other.body_; }

  T& edit() {
    if (body_.use_count() > 1) body_ = std::make_shared<Body>(body_->value);
    body_->digest = 0;
    return body_->value;
  }
  std::uint64_t digest() const {
    std::uint64_t known = body_->digest.load(std::memory_order_relaxed);
    if (known == 0) body_->digest.store(known = digest_of(body_->value), std::memory_order_relaxed);
    return known;
  }

 private:
  struct Body {
    Body() = default;
    explicit Body(T initial) : value(std::move(initial)) {}
    T value = {};
    std::atomic<std::uint64_t> digest = 0;  // 0: not computed.
  };
  std::shared_ptr<Body> body_;
};

// A change of a file that is not synced: bytes at an offset, or a new length.
struct Change {
  std::uint64_t number = 0;  // Of all changes of the disk.
  std::uint64_t offset = 0;
  Bytes bytes = {};
  std::optional<std::uint64_t> length = {};
};

struct FileNode {
  Shared<Bytes> visible = {};
  Shared<Bytes> durable = {};
  std::vector<Change> pending = {};
  bool lost_changes = false;  // A sync has failed: `pending` is not all that is missing.
  // What a lock file says is for people: no image differs by it, and no coin is tossed for it.
  bool is_lock = false;
  std::uint64_t links = 0;  // Names that a program sees.
  std::uint64_t durable_links = 0;
};

struct DirectoryNode {
  Shared<Entries> visible = {};
  Shared<Entries> durable = {};
};

// One name set or cleared; two of them make a rename, the new name first.
struct EntryChange {
  NodeId directory = 0;
  std::string name = {};
  std::optional<Entry> entry = {};
};

struct EntryOperation {
  std::uint64_t number = 0;  // Of all changes of the disk.
  std::vector<EntryChange> changes = {};
};

class DiskState {
 public:
  DiskState();

  const FileNode& file(NodeId id) const { return *files_[id]; }
  const DirectoryNode& directory(NodeId id) const { return *directories_[id]; }
  static constexpr NodeId kRoot = 0;
  // How many changes there were, on this disk and those that it came from.
  std::uint64_t changes() const { return changes_; }

  void write(NodeId file, std::uint64_t offset, ByteView bytes);
  void truncate(NodeId file, std::uint64_t length);
  void sync_file(NodeId file);
  // A sync that failed: the system takes the pages for clean, and the disk does not have them.
  void forget_unsynced(NodeId file);

  NodeId make_file(const FileNode& initial);
  NodeId make_directory();
  void change_entries(std::vector<EntryChange> changes);
  void sync_directory(NodeId directory);

  DiskState after(const PowerCut& cut) const;

  // Shared counters, which live in files that nobody syncs: they outlive programs, no power cut,
  // and tell no two disks apart.
  using Counters = std::map<NodeId, std::uint64_t>;
  const Counters& counters() const { return counters_; }
  void set_counters(Counters counters) { counters_ = std::move(counters); }

  // Equal for disks on which a program sees the same.
  std::uint64_t digest() const;

 private:
  enum class Side : std::uint8_t { kVisible, kDurable };

  FileNode& edit_file(NodeId id);
  DirectoryNode& edit_directory(NodeId id);
  void add_change(NodeId file, Change change);
  void set_entry(const EntryChange& change, Side side);
  void count_link(const Entry& entry, Side side, int difference);
  void fall_back(const PowerCut& cut);

  // By id; null where the id is of the other kind.
  std::vector<std::shared_ptr<FileNode>> files_;
  std::vector<std::shared_ptr<DirectoryNode>> directories_;
  std::vector<EntryOperation> pending_;  // In their order; what a sync has kept is taken out.
  std::uint64_t changes_ = 0;
  Counters counters_;
};

}  // namespace packstore::crash
