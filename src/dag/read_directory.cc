// Down to one entry: the hash of its name says the bucket at each level of shards.
//
// All entries:
// 1. The shards below a shard are read some at a time, many in one call, and then entered one after
//    the other.
// 2. An entry must be where its hash leads. So no name is found twice, and a shard that stands in
//    more than one place betrays itself with its second entry: shards that were made to explode
//    cost no more than the entries they really have. An empty shard below another would be the one
//    that has nothing to betray, and is refused.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "dag/dag_pb.h"
#include "dag/directory_node.h"
#include "dag/file_node.h"
#include "dag/unixfs.h"
#include "packstore/directory.h"

namespace packstore {
namespace {

using dag::DirectoryLink;
using dag::DirectoryNode;
using dag::ShardPath;

// Shards that are read in one call: enough for a store to sort them, and a few megabytes at most.
constexpr std::size_t kAheadShards = 32;

DirectoryEntry entry_of(const DirectoryLink& link) {
  return {.name = std::string(link.name), .cid = link.cid, .encoded_size = link.encoded_size};
}

Error broken(const Cid& shard, std::string_view claim) {
  return fail(ErrorCode::kCorrupt, "directory node {}: {}", shard.to_text(), claim);
}

// What a node below the root of shards must be, beside a directory node.
Status check_below(const Cid& cid, const DirectoryNode& node, std::uint32_t fanout) {
  if (!node.is_shard()) return broken(cid, "below a shard, but none itself");
  if (node.fanout != fanout) return broken(cid, "another fan-out than that of the shard above");
  if (node.links.empty()) return broken(cid, "below a shard, but without entries");
  return {};
}

class ShardLister {
 public:
  ShardLister(const BlockStore& blocks, std::uint32_t fanout, const DirectoryVisitor& visit)
      : blocks_(blocks), fanout_(fanout), path_(fanout), visit_(visit) {}

  // `node` is that of `cid`. Calls itself once a level, of which a hash has 21 at most.
  Status list(const Cid& cid, const DirectoryNode& node) {
    const auto level = static_cast<unsigned>(way_.size());
    for (std::size_t first = 0; first < node.links.size(); first += kAheadShards) {
      const std::size_t count = std::min(kAheadShards, node.links.size() - first);
      const auto links = std::span(node.links).subspan(first, count);
      ASSIGN_OR_RETURN(const std::vector<Bytes> blocks, read_shards(cid, links, level));
      auto block = blocks.begin();
      for (const DirectoryLink& link : links) {
        way_.push_back(link.bucket);
        RETURN_IF_ERROR(link.is_shard() ? enter(link.cid, *block++) : visit(cid, link));
        way_.pop_back();
      }
    }
    return {};
  }

 private:
  Result<std::vector<Bytes>> read_shards(const Cid& cid, std::span<const DirectoryLink> links,
                                         unsigned level) const {
    std::vector<Cid> cids;
    for (const DirectoryLink& link : links) {
      if (link.is_shard()) cids.push_back(link.cid);
    }
    if (!cids.empty() && path_.is_last(level)) return broken(cid, "deeper than hashes reach");
    std::vector<Bytes> blocks(cids.size());
    RETURN_IF_ERROR(
        blocks_.get_many(cids, [&](std::size_t i, const Result<ByteView>& block) -> Status {
          if (!block) return block.error();
          blocks[i].assign(block->begin(), block->end());
          return {};
        }));
    return blocks;
  }

  Status enter(const Cid& cid, ByteView block) {
    ASSIGN_OR_RETURN(const DirectoryNode node, dag::decode_directory_node(cid, block));
    RETURN_IF_ERROR(check_below(cid, node, fanout_));
    return list(cid, node);
  }

  Status visit(const Cid& cid, const DirectoryLink& link) const {
    const std::uint64_t hash = dag::hash_of_name(link.name);
    for (unsigned level = 0; level < way_.size(); ++level) {
      if (path_.bucket(hash, level) == way_[level]) continue;
      return broken(cid, fmt::format("the entry {} is not where its hash leads", link.name));
    }
    return visit_(entry_of(link));
  }

  const BlockStore& blocks_;
  std::uint32_t fanout_;
  ShardPath path_;
  const DirectoryVisitor& visit_;
  std::vector<std::uint32_t> way_;  // The buckets on the way down.
};

std::vector<DirectoryLink>::const_iterator find_link(const DirectoryNode& node,
                                                     std::string_view name, unsigned level) {
  if (!node.is_shard()) return std::ranges::find(node.links, name, &DirectoryLink::name);
  const std::uint32_t bucket = ShardPath(node.fanout).bucket(dag::hash_of_name(name), level);
  const auto link = std::ranges::lower_bound(node.links, bucket, {}, &DirectoryLink::bucket);
  const bool is_there = link != node.links.end() && link->bucket == bucket &&
                        (link->is_shard() || link->name == name);
  return is_there ? link : node.links.end();
}

// A file may be of any size: it is not read to find that it is no directory.
Result<Bytes> read_node(const BlockStore& blocks, const Cid& cid) {
  if (cid.kind() == NodeKind::kDagPb) return blocks.get(cid);
  return fail(ErrorCode::kUnsupported, "block {}: codec {:#x}, only DAG-PB has directories",
              cid.to_text(), cid.codec());
}

Result<dag::UnixFsData> decode_data(const Cid& cid, ByteView block) {
  ASSIGN_OR_RETURN(const dag::PbNode node, dag::decode_pb(block));
  if (!node.data) {
    return fail(ErrorCode::kUnsupported, "block {}: a DAG-PB node that is not of UnixFS",
                cid.to_text());
  }
  Result<dag::UnixFsData> data = dag::decode_unixfs(*node.data);
  if (data) return data;
  return fail(data.error().code, "block {}: {}", cid.to_text(), data.error().message);
}

Result<EntryType> type_of_unixfs(const Cid& cid, const dag::UnixFsData& data) {
  switch (data.type) {
    case dag::UnixFsType::kRaw:
    case dag::UnixFsType::kFile:
      return EntryType::kFile;
    case dag::UnixFsType::kDirectory:
    case dag::UnixFsType::kHamtShard:
      return EntryType::kDirectory;
    case dag::UnixFsType::kSymlink:
      return EntryType::kSymlink;
    case dag::UnixFsType::kMetadata:
      break;
  }
  return fail(ErrorCode::kUnsupported, "block {}: a UnixFS node of type {}", cid.to_text(),
              static_cast<unsigned>(data.type));
}

// Cuts the first name off `path`; empty where there is none left.
std::string_view take_name(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

}  // namespace

Result<std::optional<DirectoryEntry>> find_entry(const BlockStore& blocks, const Cid& directory,
                                                 std::string_view name) {
  Cid cid = directory;
  std::uint32_t fanout = 0;
  for (unsigned level = 0;; ++level) {
    ASSIGN_OR_RETURN(const Bytes block, read_node(blocks, cid));
    ASSIGN_OR_RETURN(const DirectoryNode node, dag::decode_directory_node(cid, block));
    if (level > 0) RETURN_IF_ERROR(check_below(cid, node, fanout));
    const auto link = find_link(node, name, level);
    if (link == node.links.end()) return std::optional<DirectoryEntry>();
    if (!link->is_shard()) return std::optional(entry_of(*link));
    fanout = node.fanout;
    if (ShardPath(fanout).is_last(level)) return broken(cid, "deeper than hashes reach");
    cid = link->cid;
  }
}

Status for_each_entry(const BlockStore& blocks, const Cid& directory,
                      const DirectoryVisitor& visit) {
  ASSIGN_OR_RETURN(const Bytes block, read_node(blocks, directory));
  ASSIGN_OR_RETURN(const DirectoryNode node, dag::decode_directory_node(directory, block));
  if (node.is_shard()) return ShardLister(blocks, node.fanout, visit).list(directory, node);
  for (const DirectoryLink& link : node.links) RETURN_IF_ERROR(visit(entry_of(link)));
  return {};
}

Result<std::vector<DirectoryEntry>> list_directory(const BlockStore& blocks, const Cid& directory) {
  std::vector<DirectoryEntry> entries;
  RETURN_IF_ERROR(for_each_entry(blocks, directory, [&](const DirectoryEntry& entry) -> Status {
    entries.push_back(entry);
    return {};
  }));
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Result<Cid> resolve_path(const BlockStore& blocks, const Cid& root, std::string_view path) {
  Cid cid = root;
  for (std::string_view rest = path;;) {
    const std::string_view name = take_name(rest);
    if (name.empty()) return cid;
    const auto failed = [&](const Error& error) {
      return fail(error.code, "path {}, at {}: {}", path, name, error.message);
    };
    if (const Status checked = dag::check_entry_name(name); !checked) {
      return failed(checked.error());
    }
    const Result<std::optional<DirectoryEntry>> entry = find_entry(blocks, cid, name);
    if (!entry) return failed(entry.error());
    if (!*entry) return failed({ErrorCode::kNotFound, "no such entry"});
    cid = (*entry)->cid;
  }
}

Result<EntryType> type_of(const BlockStore& blocks, const Cid& cid) {
  if (cid.kind() == NodeKind::kRaw) return EntryType::kFile;
  ASSIGN_OR_RETURN(const Bytes block, blocks.get(cid));
  if (cid.kind() != NodeKind::kDagPb) {
    RETURN_IF_ERROR(dag::decode_file_node(cid, block));
    return EntryType::kFile;
  }
  ASSIGN_OR_RETURN(const dag::UnixFsData data, decode_data(cid, block));
  return type_of_unixfs(cid, data);
}

Result<std::string> read_symlink(const BlockStore& blocks, const Cid& cid) {
  ASSIGN_OR_RETURN(const Bytes block, read_node(blocks, cid));
  ASSIGN_OR_RETURN(const dag::UnixFsData data, decode_data(cid, block));
  if (data.type == dag::UnixFsType::kSymlink) {
    return std::string(as_text(data.data.value_or(ByteView())));
  }
  return fail(ErrorCode::kUnsupported, "block {}: no symbolic link", cid.to_text());
}

}  // namespace packstore
