// CAR files: the blocks of a DAG in one file, as IPFS programs exchange them.
//
// Format: https://ipld.io/specs/transport/car/. A CAR has no checksum of its own: every block has
// its name in front of it, and is checked against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "packstore/block_store.h"
#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/chunker.h"
#include "packstore/cid.h"
#include "packstore/dag.h"
#include "packstore/export.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

namespace packstore {

// The longest chunk that there is, and what stands around it where leaves are nodes. Other readers
// end before: go-car at 8 MiB (MaxAllowedSectionSize), IPFS programs at blocks of 2 MiB. Chunks for
// them should be shorter.
inline constexpr std::uint64_t kCarBlockBytesMax = ChunkerSpec::kBytesMaxLimit + 1024;

// Takes the next bytes of a file, in order. An error ends the call that writes to it with it.
using CarSink = std::function<Status(ByteView bytes)>;

struct ExportCarOptions {
  // Progress counts bytes of blocks; their sum is not known before the end.
  RunControl control = {};
};

struct CarExport {
  std::uint64_t blocks = 0;  // In the file: one for each CID.
  std::uint64_t block_bytes = 0;
  std::uint64_t file_bytes = 0;
};

// Writes the DAG below `root` as a CAR of version 1 with that one root: depth first, in the order
// of the links, every CID once: a node that is linked as version 0 and as version 1 is written
// under both, because readers look for what the link says. So equal DAGs give equal files. Blocks
// that their CID carries are not written. Memory: 60 bytes a block, the links of the nodes on the
// way down, and 8 MiB of leaves, or one leaf that is longer.
//
// kNotFound, kCorrupt: a block is missing or damaged. kUnsupported: a block larger than
// kCarBlockBytesMax, or one whose codec or hash is not read. kCancelled: a stop was requested.
// After an error the sink has part of a file, which is of no use.
PACKSTORE_EXPORT Result<CarExport> export_car(const BlockStore& blocks, const Cid& root,
                                              const CarSink& sink,
                                              const ExportCarOptions& options = {});

struct ImportCarOptions {
  // How long the file is, for whoever watches the progress; 0: nobody knows.
  std::uint64_t bytes_expected = 0;
  // Progress counts bytes of the file, and then those of blocks that the block store has of the
  // DAGs, which are looked at in the end.
  RunControl control = {};
};

struct CarImport {
  // As many faults are listed; the others are counted.
  static constexpr std::size_t kFaultsListedMax = 1000;

  std::uint64_t version = 1;
  std::vector<Cid> roots = {};
  std::uint64_t blocks = 0;  // In the file, known and repeated ones too.
  std::uint64_t block_bytes = 0;
  // Where the file broke off: behind the last whole block. A file that was cut between two blocks
  // looks whole; blocks are missing then.
  std::optional<std::uint64_t> cut_off_at = {};
  // What keeps the DAGs below the roots from being whole. kNotFound: a block that neither the file
  // nor the block store has, under any codec. kCorrupt: one that is no node of the codec that a
  // link says. kUnsupported: a block whose hash is not kept, or whose codec is not read.
  std::uint64_t faults = 0;
  std::vector<BlockFault> listed = {};

  bool is_whole() const { return !cut_off_at && faults == 0; }
};

// Puts the blocks of a CAR of version 1 or 2 into `blocks`, each one verified; the index of version
// 2 is ignored. The blocks are as durable as those of BlockStore::put(): StoreBlocks::commit() has
// to follow, and whoever wants whole DAGs only leaves it away when is_whole() is false. Takes about
// 200 bytes of memory a block.
//
// kCorrupt names the offset: no CAR, a block that is not what its CID says, a length beyond its
// limit, zeros behind the last block. kUnsupported: a later version. kCancelled: a stop was
// requested. Blocks that were put before an error stay in the batch.
PACKSTORE_EXPORT Result<CarImport> import_car(BlockStore& blocks, ByteSource& source,
                                              const ImportCarOptions& options = {});

}  // namespace packstore
