// The nodes of files: what a block says about the stretch of a file that it stands for. One view
// of raw leaves, UnixFS nodes and the nodes of this library, so that readers need not tell them
// apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

struct FileNodeChild {
  Cid cid;
  // Bytes of the file.
  std::uint64_t size = 0;
  // Bytes of the block and of all below it, repeated ones counted again. DAG-PB links carry it as a
  // hint (Tsize), which nothing here believes; 0 when a native node was read.
  std::uint64_t encoded_size = 0;
};

struct FileNode {
  std::uint64_t size = 0;
  // What the node itself has of the file, in front of its children: a loan from the block.
  ByteView content = {};
  std::vector<FileNodeChild> children = {};
};

// The file node in `block`, whose CID only says how to read it: the block is not hashed. Sizes add
// up: size == content + children, as the node says.
//
// kUnsupported: a codec that is not read, or a node of something else, a directory for example.
// kCorrupt: not such a node.
Result<FileNode> decode_file_node(const Cid& cid, ByteView block);

// A node of this library (docs/format.md, "File node"), DAG-CBOR.
//
// kInvalidArgument: the sizes do not fit 64 bits.
Result<Bytes> encode_native_file(std::span<const FileNodeChild> children);

// A UnixFS file over `children`, DAG-PB, byte for byte what kubo and js-ipfs write. Errors as
// above.
Result<Bytes> encode_unixfs_file(std::span<const FileNodeChild> children);

// A UnixFS file without children, DAG-PB: a leaf of old profiles, or a small file.
Bytes encode_unixfs_leaf(ByteView content);

}  // namespace packstore::dag
