// UnixFS version 1: what stands in the data of DAG-PB nodes to make them files and directories.
//
// Format: https://specs.ipfs.tech/unixfs/.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::dag {

enum class UnixFsType : std::uint8_t {
  kRaw = 0,  // A leaf of a file, as it was once written.
  kDirectory = 1,
  kFile = 2,
  kMetadata = 3,
  kSymlink = 4,    // The data is where it points.
  kHamtShard = 5,  // One node of a directory too large for one.
};

struct UnixFsTime {
  std::int64_t seconds = 0;       // Since 1970-01-01T00:00:00Z.
  std::uint32_t nanoseconds = 0;  // Below 10^9.

  friend bool operator==(const UnixFsTime&, const UnixFsTime&) = default;
};

struct UnixFsData {
  // The widest fan-out of a shard, as boxo limits it (CVE-2023-23625).
  static constexpr std::uint64_t kFanoutMax = 1024;

  UnixFsType type = UnixFsType::kFile;
  std::optional<ByteView> data = {};            // A loan.
  std::optional<std::uint64_t> file_size = {};  // Bytes of the file below and in this node.
  std::vector<std::uint64_t> block_sizes = {};  // Bytes of the file below each link.
  std::optional<std::uint64_t> hash_type = {};  // Of a shard: multicodec number.
  std::optional<std::uint64_t> fanout = {};     // Of a shard: a power of two.
  std::optional<std::uint32_t> mode = {};       // POSIX permissions in the low 12 bits.
  std::optional<UnixFsTime> modified_at = {};
};

// Views are loans from `bytes`. Fields may come in any order, and block sizes packed, as Protocol
// Buffers allow.
//
// kCorrupt: not such data: no type, a repeated field, nanoseconds or a fan-out beyond its limit, a
// field that does not belong to the type. kUnsupported: a type or field that is not known.
Result<UnixFsData> decode_unixfs(ByteView bytes);

// Fields in the order of their numbers, block sizes not packed: what kubo and js-ipfs write.
Bytes encode_unixfs(const UnixFsData& data);

}  // namespace packstore::dag
