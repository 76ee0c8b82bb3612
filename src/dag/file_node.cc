// Three forms of one thing:
// 1. Raw: the block is the content.
// 2. UnixFS: DAG-PB links without names, as many block sizes beside them; content in the node comes
//    in front of what is linked.
// 3. Native: a DAG-CBOR map {type: "file", bytes: size, links: [[link, size], ...]}.
#include "dag/file_node.h"

#include <optional>
#include <string_view>

#include "base/checked_math.h"
#include "base/error.h"
#include "dag/dag_cbor.h"
#include "dag/dag_pb.h"
#include "dag/unixfs.h"

namespace packstore::dag {
namespace {

// Keys of a native node, in their order, and the type that makes it a file.
constexpr std::string_view kTypeKey = "type";
constexpr std::string_view kBytesKey = "bytes";
constexpr std::string_view kLinksKey = "links";
constexpr std::string_view kFileType = "file";

// nullopt where the sum does not fit.
std::optional<std::uint64_t> size_of_children(std::span<const FileNodeChild> children) {
  std::optional<std::uint64_t> sum = 0;
  for (const FileNodeChild& child : children) {
    sum = checked_add(*sum, child.size);
    if (!sum) return std::nullopt;
  }
  return sum;
}

Result<std::uint64_t> sum_to_encode(std::span<const FileNodeChild> children) {
  const std::optional<std::uint64_t> sum = size_of_children(children);
  if (sum) return *sum;
  return fail(ErrorCode::kInvalidArgument, "file node: the sizes of {} children exceed 64 bits",
              children.size());
}

Result<FileNode> with_checked_size(FileNode node) {
  std::optional<std::uint64_t> sum = size_of_children(node.children);
  if (sum) sum = checked_add<std::uint64_t>(*sum, node.content.size());
  if (sum == node.size) return node;
  return fail(ErrorCode::kCorrupt, "claims {} bytes, its parts have {}", node.size,
              sum ? *sum : ~std::uint64_t{0});
}

Result<FileNode> decode_unixfs_file(ByteView block) {
  ASSIGN_OR_RETURN(PbNode node, decode_pb(block));
  if (!node.data) return fail(ErrorCode::kUnsupported, "a DAG-PB node that is not of UnixFS");
  ASSIGN_OR_RETURN(const UnixFsData data, decode_unixfs(*node.data));
  if (data.type != UnixFsType::kFile && data.type != UnixFsType::kRaw) {
    return fail(ErrorCode::kUnsupported, "a UnixFS node of type {}, which is no file",
                static_cast<unsigned>(data.type));
  }
  if (data.block_sizes.size() != node.links.size()) {
    return fail(ErrorCode::kCorrupt, "{} links, but {} block sizes", node.links.size(),
                data.block_sizes.size());
  }
  FileNode file{.content = data.data.value_or(ByteView())};
  file.children.reserve(node.links.size());
  for (std::size_t i = 0; i < node.links.size(); ++i) {
    PbLink& link = node.links[i];
    if (!link.name.value_or("").empty()) return fail(ErrorCode::kCorrupt, "link {} has a name", i);
    file.children.push_back({.cid = std::move(link.cid),
                             .size = data.block_sizes[i],
                             .encoded_size = link.encoded_size.value_or(0)});
  }
  // Old leaves do not say it; whoever has children does, since readers need it.
  if (!data.file_size && !file.children.empty()) {
    return fail(ErrorCode::kCorrupt, "links, but no file size");
  }
  file.size = data.file_size.value_or(file.content.size());
  return with_checked_size(std::move(file));
}

Result<FileNode> decode_native_file(ByteView block) {
  CborReader reader(block);
  ASSIGN_OR_RETURN(const CborItem head, reader.next());
  const auto* map = std::get_if<CborMapHead>(&head);
  if (map == nullptr || map->count != 3) {
    return fail(ErrorCode::kUnsupported, "a DAG-CBOR node that is no map of 3 keys, so no file");
  }
  ASSIGN_OR_RETURN(const std::string_view first, reader.next_text("the first key"));
  if (first != kTypeKey) return fail(ErrorCode::kUnsupported, "a DAG-CBOR node without a type");
  ASSIGN_OR_RETURN(const std::string_view type, reader.next_text("the type"));
  if (type != kFileType) return fail(ErrorCode::kUnsupported, "a DAG-CBOR node that is no file");

  FileNode file;
  RETURN_IF_ERROR(reader.expect_key(kBytesKey));
  ASSIGN_OR_RETURN(file.size, reader.next_unsigned(kBytesKey));
  RETURN_IF_ERROR(reader.expect_key(kLinksKey));
  ASSIGN_OR_RETURN(const std::uint64_t count, reader.next_list(kLinksKey));
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::uint64_t parts, reader.next_list("a link and its size"));
    if (parts != 2) return fail(ErrorCode::kCorrupt, "link {} has {} parts, not 2", i, parts);
    ASSIGN_OR_RETURN(Cid cid, reader.next_link("a link"));
    ASSIGN_OR_RETURN(const std::uint64_t size, reader.next_unsigned("the size of a link"));
    file.children.push_back({.cid = std::move(cid), .size = size});
  }
  RETURN_IF_ERROR(reader.finish());
  return with_checked_size(std::move(file));
}

Result<FileNode> decode_as(NodeKind kind, ByteView block) {
  switch (kind) {
    case NodeKind::kDagPb:
      return decode_unixfs_file(block);
    case NodeKind::kDagCbor:
      return decode_native_file(block);
    case NodeKind::kRaw:
      break;
  }
  return FileNode{.size = block.size(), .content = block};
}

}  // namespace

Result<FileNode> decode_file_node(const Cid& cid, ByteView block) {
  const std::optional<NodeKind> kind = cid.kind();
  if (!kind) {
    return fail(ErrorCode::kUnsupported, "file node {}: codec {:#x} is not read", cid.to_text(),
                cid.codec());
  }
  Result<FileNode> node = decode_as(*kind, block);
  if (node) return node;
  return fail(node.error().code, "file node {}: {}", cid.to_text(), node.error().message);
}

Result<Bytes> encode_native_file(std::span<const FileNodeChild> children) {
  ASSIGN_OR_RETURN(const std::uint64_t size, sum_to_encode(children));
  Bytes bytes;
  bytes.reserve(32 + 56 * children.size());
  CborWriter writer(bytes);
  writer.map(3);
  writer.text(kTypeKey);
  writer.text(kFileType);
  writer.text(kBytesKey);
  writer.number(size);
  writer.text(kLinksKey);
  writer.list(children.size());
  for (const FileNodeChild& child : children) {
    writer.list(2);
    writer.link(child.cid);
    writer.number(child.size);
  }
  return bytes;
}

Result<Bytes> encode_unixfs_file(std::span<const FileNodeChild> children) {
  ASSIGN_OR_RETURN(const std::uint64_t size, sum_to_encode(children));
  UnixFsData data{.type = UnixFsType::kFile, .file_size = size};
  PbNode node;
  data.block_sizes.reserve(children.size());
  node.links.reserve(children.size());
  for (const FileNodeChild& child : children) {
    data.block_sizes.push_back(child.size);
    // The specification leaves the name away; every published CID has an empty one.
    node.links.push_back({.cid = child.cid, .name = "", .encoded_size = child.encoded_size});
  }
  const Bytes encoded = encode_unixfs(data);
  node.data = encoded;
  return encode_pb(node);
}

Bytes encode_unixfs_leaf(ByteView content) {
  UnixFsData data{.type = UnixFsType::kFile, .file_size = content.size()};
  if (!content.empty()) data.data = content;
  const Bytes encoded = encode_unixfs(data);
  return encode_pb({.data = encoded});
}

}  // namespace packstore::dag
