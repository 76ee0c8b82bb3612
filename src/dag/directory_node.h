// The nodes of directories in UnixFS: a plain one has all entries, a shard those whose names hash
// to one place, and the shards below it.
//
// Format: https://specs.ipfs.tech/unixfs/, docs/format.md, "DAG-PB and UnixFS".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/directory.h"
#include "packstore/result.h"

namespace packstore::dag {

struct DirectoryLink {
  std::uint32_t bucket = 0;    // Of a shard: which part of it.
  std::string_view name = {};  // A loan. Of a shard below: empty.
  Cid cid;
  std::uint64_t encoded_size = 0;

  bool is_shard() const { return name.empty(); }
};

struct DirectoryNode {
  std::uint32_t fanout = 0;  // Of a shard: how many buckets it has.
  // Of a shard: one a bucket at most, ascending.
  std::vector<DirectoryLink> links = {};

  bool is_shard() const { return fanout != 0; }
};

// Where the hash of a name leads, from the root of shards down: to the bucket that its next bits
// say, those of high value first.
class ShardPath {
 public:
  // `fanout` is a power of two, and at least 2.
  explicit ShardPath(std::uint32_t fanout);

  // A shard at level `level`, the root's is 0, has no shards below it: the bits are used up.
  bool is_last(unsigned level) const { return (level + 2) * bits_ > 64; }
  // `level` is that of a shard that can be.
  std::uint32_t bucket(std::uint64_t hash, unsigned level) const;

 private:
  unsigned bits_;  // Each level uses up so many.
};

std::uint64_t hash_of_name(std::string_view name);

// What a name may be, unless UTF-8 is asked for as well. kInvalidArgument says why not.
Status check_entry_name(std::string_view name);

// The directory node in `block`, whose CID only says how to read it: the block is not hashed. Names
// pass check_entry_name(), none is there twice.
//
// kUnsupported: a codec that is not read, a node of something else, a shard by another hash.
// kCorrupt: not such a node.
Result<DirectoryNode> decode_directory_node(const Cid& cid, ByteView block);

// Links ascend by name. Byte for byte what kubo and js-ipfs write, as the next.
Bytes encode_directory(std::span<const DirectoryLink> links);
// Links ascend by bucket.
Bytes encode_shard(std::uint32_t fanout, std::span<const DirectoryLink> links);

}  // namespace packstore::dag
