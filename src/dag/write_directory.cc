// 1. The entries are put in the order of their names, which shows what is there twice.
// 2. Where all of them fit into one node, it is that.
// 3. Else they are put in the order of the hashes of their names. A shard is a stretch of that
//    order, and so is each of its buckets: one entry becomes a link, several become a shard of
//    their own.
// 4. The shards below a shard are stored together, before the node that links to them is made.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/utf8.h"
#include "dag/dag_pb.h"
#include "dag/directory_node.h"
#include "dag/unixfs.h"
#include "packstore/directory.h"

namespace packstore {
namespace {

using dag::DirectoryLink;

// PATH_MAX of Linux: no system call takes a longer one.
constexpr std::size_t kTargetSizeMax = 4096;

DirectoryLink link_to(const DirectoryEntry& entry) {
  return {.name = entry.name, .cid = entry.cid, .encoded_size = entry.encoded_size};
}

Status check_name_to_write(std::string_view name) {
  RETURN_IF_ERROR(dag::check_entry_name(name));
  if (is_utf8(name)) return {};
  return fail(ErrorCode::kInvalidArgument, "an entry whose name is no UTF-8");
}

class DirectoryWriter {
 public:
  DirectoryWriter(BlockStore& blocks, std::span<const DirectoryEntry> entries,
                  const DirectoryProfile& profile)
      : blocks_(blocks), entries_(entries), profile_(profile), path_(profile.fanout) {}

  Result<DirectoryRoot> write() {
    RETURN_IF_ERROR(sort_by_name());
    ASSIGN_OR_RETURN(const Node node, make_root());
    ASSIGN_OR_RETURN(const std::vector<Cid> cids, put({&node.block, 1}));
    return DirectoryRoot{cids.front(), node.encoded_size, nodes_};
  }

 private:
  // A node that is not stored yet.
  struct Node {
    Bytes block;
    std::uint64_t encoded_size = 0;  // Its own, and that of all below it.
  };
  struct Place {
    std::uint64_t hash;
    const DirectoryEntry* entry;
  };

  Status sort_by_name() {
    order_.reserve(entries_.size());
    for (const DirectoryEntry& entry : entries_) {
      RETURN_IF_ERROR(check_name_to_write(entry.name));
      order_.push_back({0, &entry});
    }
    const auto name = [](const Place& place) -> const std::string& { return place.entry->name; };
    std::ranges::sort(order_, {}, name);
    const auto twice = std::ranges::adjacent_find(order_, {}, name);
    if (twice == order_.end()) return {};
    return fail(ErrorCode::kInvalidArgument, "two entries are called {}", twice->entry->name);
  }

  Result<Node> make_root() {
    // No node is smaller than its links, so what is too large for one is not made.
    if (link_bytes() <= profile_.shard_above) {
      ASSIGN_OR_RETURN(Node plain, make_plain());
      const bool is_measured = profile_.measure == DirectoryMeasure::kBlock;
      if (!is_measured || plain.block.size() <= profile_.shard_above) return plain;
    }
    for (Place& place : order_) place.hash = dag::hash_of_name(place.entry->name);
    std::ranges::sort(order_, {}, &Place::hash);
    return make_shard(order_, 0);
  }

  std::uint64_t link_bytes() const {
    return std::transform_reduce(
        entries_.begin(), entries_.end(), std::uint64_t{0}, std::plus<>(),
        [](const DirectoryEntry& each) { return each.name.size() + each.cid.encoded_size(); });
  }

  Result<Node> make_plain() {
    std::vector<DirectoryLink> links;
    links.reserve(order_.size());
    for (const Place& place : order_) links.push_back(link_to(*place.entry));
    return with_size(dag::encode_directory(links), links);
  }

  // Over `places`, which lead to one bucket down to `level`. Calls itself once a level, of which a
  // hash has 21 at most.
  Result<Node> make_shard(std::span<const Place> places, unsigned level) {
    std::vector<DirectoryLink> links;
    std::vector<Bytes> below;        // The shards among them, which have no name yet.
    std::vector<std::size_t> where;  // Their links.
    while (!places.empty()) {
      const std::uint32_t bucket = path_.bucket(places.front().hash, level);
      const auto next = std::ranges::find_if(
          places, [&](const Place& place) { return path_.bucket(place.hash, level) != bucket; });
      const auto inside = places.first(static_cast<std::size_t>(next - places.begin()));
      places = places.subspan(inside.size());
      DirectoryLink link = link_to(*inside.front().entry);
      if (inside.size() > 1) {
        if (path_.is_last(level)) return cannot_tell_apart(inside);
        ASSIGN_OR_RETURN(Node node, make_shard(inside, level + 1));
        link.name = {};
        link.encoded_size = node.encoded_size;
        where.push_back(links.size());
        below.push_back(std::move(node.block));
      }
      link.bucket = bucket;
      links.push_back(std::move(link));
    }
    ASSIGN_OR_RETURN(std::vector<Cid> cids, put(below));
    for (std::size_t i = 0; i < where.size(); ++i) links[where[i]].cid = std::move(cids[i]);
    return with_size(dag::encode_shard(profile_.fanout, links), links);
  }

  static Error cannot_tell_apart(std::span<const Place> places) {
    return fail(ErrorCode::kUnsupported, "the names {} and {} have one hash: no shard has both",
                places[0].entry->name, places[1].entry->name);
  }

  static Result<Node> with_size(Bytes block, std::span<const DirectoryLink> links) {
    std::optional<std::uint64_t> sum = block.size();
    for (const DirectoryLink& link : links) {
      if (sum) sum = checked_add(*sum, link.encoded_size);
    }
    if (sum) return Node{std::move(block), *sum};
    return fail(ErrorCode::kInvalidArgument, "a directory: the sizes of {} links exceed 64 bits",
                links.size());
  }

  Result<std::vector<Cid>> put(std::span<const Bytes> nodes) {
    nodes_ += nodes.size();
    const std::vector<ByteView> contents(nodes.begin(), nodes.end());
    ASSIGN_OR_RETURN(std::vector<Cid> cids, blocks_.put_many(NodeKind::kDagPb, contents));
    if (profile_.cid_version == 1) return cids;
    for (Cid& cid : cids) cid = Cid::version_0_of(*cid.object_id());
    return cids;
  }

  BlockStore& blocks_;
  std::span<const DirectoryEntry> entries_;
  const DirectoryProfile& profile_;
  dag::ShardPath path_;
  std::vector<Place> order_;
  std::uint64_t nodes_ = 0;
};

}  // namespace

Result<DirectoryRoot> write_directory(BlockStore& blocks, std::span<const DirectoryEntry> entries,
                                      const DirectoryProfile& profile) {
  RETURN_IF_ERROR(profile.check());
  return DirectoryWriter(blocks, entries, profile).write();
}

Result<DirectoryRoot> write_symlink(BlockStore& blocks, std::string_view target,
                                    const DirectoryProfile& profile) {
  RETURN_IF_ERROR(profile.check());
  if (target.empty() || target.size() > kTargetSizeMax) {
    return fail(ErrorCode::kInvalidArgument, "a symbolic link to {} bytes, limits 1 and {}",
                target.size(), kTargetSizeMax);
  }
  if (target.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "a symbolic link with a NUL in its target");
  }
  const Bytes data =
      dag::encode_unixfs({.type = dag::UnixFsType::kSymlink, .data = as_bytes(target)});
  const Bytes block = dag::encode_pb({.data = data});
  ASSIGN_OR_RETURN(const Cid cid, blocks.put(NodeKind::kDagPb, block));
  const Cid root = profile.cid_version == 1 ? cid : Cid::version_0_of(*cid.object_id());
  return DirectoryRoot{root, block.size()};
}

}  // namespace packstore
