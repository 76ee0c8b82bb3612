// A power cut, step by step:
// 1. Every directory falls back to its durable entries, every file to its durable content.
// 2. Of each change of a file that was not synced, what the cut keeps is applied again, in order:
//    whole, or sector by sector.
// 3. The same for entries: of a rename perhaps the new name only, never the loss of the old one
//    alone.
// A digest walks the tree that a program sees; each node keeps its own, so that only what has
// changed is hashed again.
#include "crash/disk_state.h"

#include <algorithm>

#include "hash/xxh3.h"

namespace packstore::crash {
namespace {

constexpr std::size_t kSectorBytes = 512;

// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

class Coins {
 public:
  Coins(std::uint64_t seed, std::uint64_t change) : seed_(mix(mix(seed) + change)) {}
  bool toss(std::uint64_t part) const { return mix(seed_ + part) % 2 == 0; }

 private:
  std::uint64_t seed_;
};

void put_bytes(Bytes& into, std::uint64_t offset, ByteView bytes) {
  if (into.size() < offset + bytes.size()) into.resize(offset + bytes.size());
  std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(offset));
}

void apply_change(Bytes& content, const Change& change) {
  if (change.length) {
    content.resize(*change.length);
  } else {
    put_bytes(content, change.offset, change.bytes);
  }
}

void apply_by_chance(Shared<Bytes>& content, const Change& change, std::uint64_t seed) {
  const Coins coins(seed, change.number);
  if (change.length) {
    if (coins.toss(0)) content.edit().resize(*change.length);
    return;
  }
  std::uint64_t offset = change.offset;
  ByteView rest = change.bytes;
  while (!rest.empty()) {
    const std::size_t count =
        std::min<std::size_t>(rest.size(), kSectorBytes - offset % kSectorBytes);
    if (coins.toss(offset / kSectorBytes)) put_bytes(content.edit(), offset, rest.first(count));
    offset += count;
    rest = rest.subspan(count);
  }
}

Shared<Bytes> content_after(NodeId id, const FileNode& file, const PowerCut& cut) {
  if (file.is_lock || cut.content == Kept::kNothing) return file.durable;
  if (cut.content == Kept::kEverything) return file.visible;
  if (cut.content == Kept::kByFile) {
    return Coins(cut.seed, 0).toss(id) ? file.visible : file.durable;
  }
  Shared<Bytes> content = file.durable;
  if (cut.content == Kept::kLengths) {
    if (content->size() != file.visible->size()) content.edit().resize(file.visible->size());
    return content;
  }
  for (const Change& change : file.pending) apply_by_chance(content, change, cut.seed);
  return content;
}

}  // namespace

std::uint64_t digest_of(const Bytes& content) { return hash::xxh3(content) | 1; }

std::uint64_t digest_of(const Entries& entries) {
  std::uint64_t digest = entries.size();
  for (const auto& [name, entry] : entries) {
    digest = mix(digest ^ hash::xxh3(as_bytes(name)));
    digest = mix(digest + 2 * entry.node + (entry.is_directory ? 1 : 0));
  }
  return digest | 1;
}

DiskState::DiskState() { make_directory(); }

FileNode& DiskState::edit_file(NodeId id) {
  std::shared_ptr<FileNode>& node = files_[id];
  if (node.use_count() > 1) node = std::make_shared<FileNode>(*node);
  return *node;
}

DirectoryNode& DiskState::edit_directory(NodeId id) {
  std::shared_ptr<DirectoryNode>& node = directories_[id];
  if (node.use_count() > 1) node = std::make_shared<DirectoryNode>(*node);
  return *node;
}

void DiskState::add_change(NodeId file, Change change) {
  FileNode& node = edit_file(file);
  change.number = ++changes_;
  apply_change(node.visible.edit(), change);
  if (!node.is_lock) node.pending.push_back(std::move(change));
}

void DiskState::write(NodeId file, std::uint64_t offset, ByteView bytes) {
  add_change(file, {.offset = offset, .bytes = Bytes(bytes.begin(), bytes.end())});
}

void DiskState::truncate(NodeId file, std::uint64_t length) {
  add_change(file, {.length = length});
}

void DiskState::sync_file(NodeId file) {
  FileNode& node = edit_file(file);
  if (node.lost_changes) {
    for (const Change& change : node.pending) apply_change(node.durable.edit(), change);
  } else {
    node.durable = node.visible;
  }
  node.pending.clear();
}

void DiskState::forget_unsynced(NodeId file) {
  FileNode& node = edit_file(file);
  node.pending.clear();
  node.lost_changes = true;
}

NodeId DiskState::make_file(const FileNode& initial) {
  files_.push_back(std::make_shared<FileNode>(initial));
  directories_.emplace_back();
  return files_.size() - 1;
}

NodeId DiskState::make_directory() {
  files_.emplace_back();
  directories_.push_back(std::make_shared<DirectoryNode>());
  return directories_.size() - 1;
}

void DiskState::count_link(const Entry& entry, Side side, int difference) {
  if (entry.is_directory) return;
  FileNode& file = edit_file(entry.node);
  std::uint64_t& links = side == Side::kVisible ? file.links : file.durable_links;
  links += static_cast<std::uint64_t>(difference);
}

void DiskState::set_entry(const EntryChange& change, Side side) {
  DirectoryNode& node = edit_directory(change.directory);
  Entries& entries = (side == Side::kVisible ? node.visible : node.durable).edit();
  const auto old = entries.find(change.name);
  if (old != entries.end()) {
    count_link(old->second, side, -1);
    entries.erase(old);
  }
  if (!change.entry) return;
  count_link(*change.entry, side, 1);
  entries.emplace(change.name, *change.entry);
}

void DiskState::change_entries(std::vector<EntryChange> changes) {
  for (const EntryChange& change : changes) set_entry(change, Side::kVisible);
  pending_.push_back({.number = ++changes_, .changes = std::move(changes)});
}

void DiskState::sync_directory(NodeId directory) {
  for (EntryOperation& operation : pending_) {
    // A rename never loses the file: with the old name gone the new one is there.
    std::vector<EntryChange>& changes = operation.changes;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (changes[i].directory == directory) kept = i + 1;
    }
    for (std::size_t i = 0; i < kept; ++i) set_entry(changes[i], Side::kDurable);
    changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(kept));
  }
  std::erase_if(pending_, [](const EntryOperation& it) { return it.changes.empty(); });
}

void DiskState::fall_back(const PowerCut& cut) {
  for (std::shared_ptr<DirectoryNode>& node : directories_) {
    if (!node || node->visible.is_same(node->durable)) continue;
    if (node->visible.digest() == node->durable.digest()) continue;
    node = std::make_shared<DirectoryNode>(DirectoryNode{node->durable, node->durable});
  }
  for (NodeId id = 0; id < files_.size(); ++id) {
    std::shared_ptr<FileNode>& node = files_[id];
    if (!node) continue;
    const bool is_synced = node->visible.is_same(node->durable) && node->pending.empty();
    if (is_synced && node->links == node->durable_links) continue;
    const Shared<Bytes> content = content_after(id, *node, cut);
    node = std::make_shared<FileNode>(FileNode{.visible = content,
                                               .durable = content,
                                               .is_lock = node->is_lock,
                                               .links = node->durable_links,
                                               .durable_links = node->durable_links});
  }
}

DiskState DiskState::after(const PowerCut& cut) const {
  DiskState left = *this;
  left.pending_.clear();
  left.counters_.clear();
  left.fall_back(cut);
  for (const EntryOperation& operation : pending_) {
    const Coins coins(cut.seed, operation.number);
    for (std::size_t i = 0; i < operation.changes.size(); ++i) {
      const bool kept =
          cut.names == Kept::kEverything || (cut.names == Kept::kByChance && coins.toss(i));
      if (!kept) break;  // Of a rename perhaps the new name only.
      left.set_entry(operation.changes[i], Side::kVisible);
      left.set_entry(operation.changes[i], Side::kDurable);
    }
  }
  return left;
}

std::uint64_t DiskState::digest() const {
  std::uint64_t digest = 0;
  std::vector<NodeId> reached{kRoot};
  while (!reached.empty()) {
    const NodeId id = reached.back();
    reached.pop_back();
    const Shared<Entries>& entries = directory(id).visible;
    digest = mix(digest ^ entries.digest());
    for (const auto& [name, entry] : *entries) {
      if (entry.is_directory) {
        reached.push_back(entry.node);
      } else if (const FileNode& node = file(entry.node); !node.is_lock) {
        digest = mix(digest ^ node.visible.digest());
      }
    }
  }
  return digest;
}

}  // namespace packstore::crash
