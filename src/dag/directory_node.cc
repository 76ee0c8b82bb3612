// The link of a shard has a name of two parts: the bucket as hexadecimal digits, as many as the
// last bucket has, and the name of the entry, or nothing where there is a shard below. Which
// buckets are in use stands in the data as well, a bit each, as one number of which the highest
// byte comes first and zeros in front are left away.
#include "dag/directory_node.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "dag/dag_pb.h"
#include "dag/unixfs.h"
#include "hash/murmur3.h"

namespace packstore::dag {
namespace {

// murmur3-x64-64 in the multicodec table.
constexpr std::uint64_t kHashType = 0x22;

std::size_t digits_of(std::uint32_t fanout) {
  return (static_cast<std::size_t>(std::bit_width(fanout - 1)) + 3) / 4;
}

std::string prefix_of(std::uint32_t fanout, std::uint32_t bucket) {
  return fmt::format("{:0{}X}", bucket, digits_of(fanout));
}

Bytes bit_field(std::span<const DirectoryLink> links) {
  if (links.empty()) return {};
  Bytes bytes(links.back().bucket / 8 + 1);
  for (const DirectoryLink& link : links) {
    bytes[bytes.size() - 1 - link.bucket / 8] |= std::byte{1} << (link.bucket % 8);
  }
  return bytes;
}

ByteView without_leading_zeros(ByteView bytes) {
  while (!bytes.empty() && bytes.front() == std::byte{0}) bytes = bytes.subspan(1);
  return bytes;
}

// The bucket that a link's name begins with.
std::optional<std::uint32_t> bucket_of(std::string_view digits) {
  std::uint32_t bucket = 0;
  for (const char digit : digits) {
    const bool is_decimal = digit >= '0' && digit <= '9';
    if (!is_decimal && (digit < 'A' || digit > 'F')) return std::nullopt;
    bucket = bucket << 4 | static_cast<std::uint32_t>(is_decimal ? digit - '0' : digit - 'A' + 10);
  }
  return bucket;
}

Error broken(std::size_t link, std::string_view claim) {
  return fail(ErrorCode::kCorrupt, "link {}: {}", link, claim);
}

Status check_name_in_node(std::size_t link, std::string_view name) {
  const Status checked = check_entry_name(name);
  return checked ? checked : broken(link, checked.error().message);
}

Status check_unique(std::span<const DirectoryLink> links) {
  std::vector<std::string_view> names;
  names.reserve(links.size());
  for (const DirectoryLink& link : links) names.push_back(link.name);
  if (!std::ranges::is_sorted(names)) std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return {};
  return fail(ErrorCode::kCorrupt, "two entries are called {}", *twice);
}

Result<DirectoryNode> decode_plain(PbNode node) {
  DirectoryNode directory;
  directory.links.reserve(node.links.size());
  for (std::size_t i = 0; i < node.links.size(); ++i) {
    PbLink& link = node.links[i];
    const std::string_view name = link.name.value_or("");
    RETURN_IF_ERROR(check_name_in_node(i, name));
    directory.links.push_back(
        {.name = name, .cid = std::move(link.cid), .encoded_size = link.encoded_size.value_or(0)});
  }
  RETURN_IF_ERROR(check_unique(directory.links));
  return directory;
}

Result<DirectoryNode> decode_shard(PbNode node, const UnixFsData& data) {
  if (data.hash_type != kHashType) {
    return fail(ErrorCode::kUnsupported, "a shard by the hash {:#x}, known is {:#x}",
                data.hash_type.value_or(0), kHashType);
  }
  DirectoryNode shard{.fanout = static_cast<std::uint32_t>(*data.fanout)};
  const std::size_t digits = digits_of(shard.fanout);
  shard.links.reserve(node.links.size());
  for (std::size_t i = 0; i < node.links.size(); ++i) {
    PbLink& link = node.links[i];
    const std::string_view name = link.name.value_or("");
    const auto bucket = bucket_of(name.substr(0, digits));
    if (name.size() < digits || !bucket || *bucket >= shard.fanout) {
      return broken(i, "its name begins with no bucket");
    }
    if (i > 0 && *bucket <= shard.links.back().bucket) {
      return broken(i, "a bucket again, or out of order");
    }
    const std::string_view entry = name.substr(digits);
    if (!entry.empty()) RETURN_IF_ERROR(check_name_in_node(i, entry));
    shard.links.push_back({.bucket = *bucket,
                           .name = entry,
                           .cid = std::move(link.cid),
                           .encoded_size = link.encoded_size.value_or(0)});
  }
  const ByteView field = without_leading_zeros(data.data.value_or(ByteView()));
  if (!std::ranges::equal(field, bit_field(shard.links))) {
    return fail(ErrorCode::kCorrupt, "the bits of a shard are not those of its {} links",
                shard.links.size());
  }
  return shard;
}

Result<DirectoryNode> decode(const Cid& cid, ByteView block) {
  if (cid.kind() != NodeKind::kDagPb) {
    return fail(ErrorCode::kUnsupported, "a block of codec {:#x}, which is no directory",
                cid.codec());
  }
  ASSIGN_OR_RETURN(PbNode node, decode_pb(block));
  if (!node.data) return fail(ErrorCode::kUnsupported, "a DAG-PB node that is not of UnixFS");
  ASSIGN_OR_RETURN(const UnixFsData data, decode_unixfs(*node.data));
  switch (data.type) {
    case UnixFsType::kDirectory:
      return decode_plain(std::move(node));
    case UnixFsType::kHamtShard:
      return decode_shard(std::move(node), data);
    default:
      return fail(ErrorCode::kUnsupported, "a UnixFS node of type {}, which is no directory",
                  static_cast<unsigned>(data.type));
  }
}

}  // namespace

ShardPath::ShardPath(std::uint32_t fanout)
    : bits_(static_cast<unsigned>(std::bit_width(fanout)) - 1) {
  PACKSTORE_CHECK(fanout >= 2 && std::has_single_bit(fanout));
}

std::uint32_t ShardPath::bucket(std::uint64_t hash, unsigned level) const {
  PACKSTORE_CHECK((level + 1) * bits_ <= 64);
  return static_cast<std::uint32_t>(hash << (level * bits_) >> (64 - bits_));
}

std::uint64_t hash_of_name(std::string_view name) { return hash::murmur3(as_bytes(name)); }

Status check_entry_name(std::string_view name) {
  if (name.empty()) return fail(ErrorCode::kInvalidArgument, "an entry without a name");
  if (name == "." || name == "..") {
    return fail(ErrorCode::kInvalidArgument, "an entry called {}", name);
  }
  if (name.size() > DirectoryEntry::kNameSizeMax) {
    return fail(ErrorCode::kInvalidArgument, "an entry with a name of {} bytes, limit {}",
                name.size(), DirectoryEntry::kNameSizeMax);
  }
  if (name.find('/') != std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "an entry called {}, with a slash", name);
  }
  if (name.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "an entry with a NUL in its name");
  }
  return {};
}

Result<DirectoryNode> decode_directory_node(const Cid& cid, ByteView block) {
  Result<DirectoryNode> node = decode(cid, block);
  if (node) return node;
  return fail(node.error().code, "directory node {}: {}", cid.to_text(), node.error().message);
}

Bytes encode_directory(std::span<const DirectoryLink> links) {
  const Bytes data = encode_unixfs({.type = UnixFsType::kDirectory});
  PbNode node{.data = data};
  node.links.reserve(links.size());
  for (const DirectoryLink& link : links) {
    node.links.push_back({.cid = link.cid, .name = link.name, .encoded_size = link.encoded_size});
  }
  return encode_pb(node);
}

Bytes encode_shard(std::uint32_t fanout, std::span<const DirectoryLink> links) {
  const Bytes field = bit_field(links);
  const Bytes data = encode_unixfs(
      {.type = UnixFsType::kHamtShard, .data = field, .hash_type = kHashType, .fanout = fanout});
  std::vector<std::string> names;
  names.reserve(links.size());
  PbNode node{.data = data};
  node.links.reserve(links.size());
  for (const DirectoryLink& link : links) {
    names.push_back(prefix_of(fanout, link.bucket) + std::string(link.name));
    node.links.push_back(
        {.cid = link.cid, .name = names.back(), .encoded_size = link.encoded_size});
  }
  return encode_pb(node);
}

}  // namespace packstore::dag
