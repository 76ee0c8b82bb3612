// Files of any size as Merkle DAGs: chunks are the leaves, nodes above them say where each is.
//
//   StoreBlocks blocks(store);
//   FileRoot root = write_file(blocks, source, {.threads = 2}).value();
//   blocks.commit().value();                      // Durable and visible from here on.
//   FileReader file = FileReader::open(blocks, root.cid).value();
//
// Equal content under one profile has one CID, whatever the number of threads. Contents that share
// stretches share chunks, and a store keeps each once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/block_store.h"
#include "packstore/byte_source.h"
#include "packstore/chunker.h"
#include "packstore/cid.h"
#include "packstore/export.h"
#include "packstore/result.h"
#include "packstore/run_control.h"

namespace packstore {

// What nodes are made of.
enum class FileNodes : std::uint8_t {
  kNative,   // DAG-CBOR (docs/format.md, "File node").
  kUnixFs,   // DAG-PB with UnixFS v1, as IPFS programs read it. Leaves are raw blocks.
  kUnixFs0,  // The same as it was in 2015: leaves are nodes as well, and CIDs have version 0.
};

enum class FileLayout : std::uint8_t {
  kBalanced,  // All leaves at one depth, `width` links a node.
  kFlat,      // One node over all leaves, for files of at most kFlatLeavesMax chunks.
};

// What decides about the CID of a content, under one name.
struct PACKSTORE_EXPORT FileProfile {
  // A node over so many leaves stays below 2 MiB, the largest block that IPFS programs take.
  static constexpr std::uint32_t kFlatLeavesMax = 32768;
  static constexpr std::uint32_t kWidthMax = 8192;

  std::string name = "native";
  FileNodes nodes = FileNodes::kNative;
  FileLayout layout = FileLayout::kBalanced;
  // 256: a node of 12 KiB over 4 MiB of file; a cold read at a random place fetches little, and the
  // nodes of a file are 0.3 % of it.
  std::uint32_t width = 256;
  ChunkerSpec chunker = {};

  // "native", or a profile of IPIP-499 (https://specs.ipfs.tech/ipips/ipip-0499/):
  // "unixfs-v1-2025", "unixfs-v0-2015". kInvalidArgument: none of them; the message lists them.
  static Result<FileProfile> named(std::string_view name);

  // kInvalidArgument: a width outside its limits, or a chunker that ChunkerSpec::check() refuses.
  Status check() const;
};

struct WriteFileOptions {
  FileProfile profile = {};
  // Cuts instead of `profile.chunker` where it is given; must outlive the call.
  const Chunker* chunker = nullptr;
  // Reading, chunking, hashing, compressing and storing share so many threads, the calling one
  // among them; 0 counts as 1. Each holds a segment of the file, 4 MiB or 16 chunks.
  unsigned threads = 1;
  // How long the source will be, for whoever watches the progress; 0: nobody knows.
  std::uint64_t bytes_expected = 0;
  RunControl control = {};
};

struct FileRoot {
  Cid cid;
  std::uint64_t size = 0;
  std::uint64_t chunks = 0;  // Leaves, also those that are the same block.
  std::uint64_t nodes = 0;
  std::uint64_t encoded_size = 0;  // Of all blocks, repeated ones counted again: for directories.
};

// Stores the content of `source` and returns its root; memory is bounded for any size. Leaves are
// stored before the nodes that name them, and the blocks are as durable as those of
// BlockStore::put(): StoreBlocks::commit() has to follow.
//
// An error of the source is the error of the call: no root stands for a file that broke off.
// kCancelled: a stop was requested. Blocks that were stored before an error stay in the batch.
PACKSTORE_EXPORT Result<FileRoot> write_file(BlockStore& blocks, ByteSource& source,
                                             const WriteFileOptions& options = {});

struct FileReaderOptions {
  // Reads of much at once, and reads ahead of a sequential reader, share so many threads. They end
  // with the call that started them.
  unsigned threads = 1;
};

struct FileStretch {
  std::uint64_t offset = 0;
  std::uint64_t length = UINT64_MAX;  // As far as the file goes.
};

enum class SeekFrom : std::uint8_t { kStart, kPosition, kEnd };

// Reads a file anywhere. Opening reads the root alone; a read fetches the nodes on its way,
// O(depth) of them and kept for the next read, and only the leaves that it needs. Of leaves above
// 256 KiB the last one is kept, so that reads that follow each other fetch it once. A raw block
// longer than any chunk, ChunkerSpec::kBytesMaxLimit, is fetched whole for every part of it that a
// call wants, unless the store has cheap parts: Store::open_object() streams it.
//
// kNotFound names the block that is missing; what does not need it can still be read. kCorrupt: a
// block is not what its CID or the node above it says. kUnsupported: the CID is no file's.
//
// Thread safety: one thread at a time; several readers may share a BlockStore.
class PACKSTORE_EXPORT FileReader {
 public:
  // `blocks` must outlive the reader.
  static Result<FileReader> open(const BlockStore& blocks, const Cid& root,
                                 const FileReaderOptions& options = {});

  FileReader(FileReader&&) noexcept;
  FileReader& operator=(FileReader&&) noexcept;
  ~FileReader();

  std::uint64_t size() const;
  std::uint64_t position() const;

  // Fills the front of `into` from the position and moves it; less than asked for only at the end,
  // 0 at or behind it. Reads ahead while reads follow each other.
  Result<std::size_t> read(std::span<std::byte> into);

  // The same at `offset`; does not move the position.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into);

  // Gives a stretch of the file to `visit`, front to back, in pieces of 1 MiB; a view is valid
  // during its call. With several threads the others read ahead, one piece each, while one visits:
  // `visit` is called by any of them, in the order of the pieces and never by two at a time. What
  // it returns as an error ends the call, and so does a piece that cannot be read, when its turn
  // has come. What `visit` throws ends the call, which throws it when its threads have ended. Does
  // not move the position.
  using PieceVisitor = std::function<Status(ByteView piece)>;
  Status for_each_piece(const FileStretch& stretch, const PieceVisitor& visit);

  // Moves the position and returns it; behind the end is allowed. Reads nothing.
  // kInvalidArgument, and nothing moved: before the start, or not representable.
  Result<std::uint64_t> seek(std::int64_t offset, SeekFrom from = SeekFrom::kStart);

 private:
  class Impl;
  explicit FileReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A leaf and its place in the file.
struct FileChunk {
  Cid cid;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// A stretch in which two files differ, as the chunks that make it up on either side: none on one
// side where bytes were only added. The chunks in front of it and behind it are the same in both.
struct FileDifference {
  std::span<const FileChunk> a = {};
  std::span<const FileChunk> b = {};
  std::uint64_t a_offset = 0;  // Where the stretch begins, also where it has no chunks.
  std::uint64_t b_offset = 0;
};

struct DiffFilesOptions {
  // Progress counts the bytes of nodes that are read; their sum is not known before the end.
  RunControl control = {};
};

// Gives every difference of files `a` and `b` to `visit`, front to back; the spans are valid during
// the call. Compares names, not bytes: files of different chunks differ everywhere. Subtrees that
// both have at the places compared are not read, nor again two that were found equal, and raw
// leaves never are. Chunks that moved are found again up to 4,096 chunks away; memory is bounded by
// that. kCancelled: a stop was requested.
using FileDifferenceVisitor = std::function<Status(const FileDifference& difference)>;
PACKSTORE_EXPORT Status diff_files(const BlockStore& blocks, const Cid& a, const Cid& b,
                                   const FileDifferenceVisitor& visit,
                                   const DiffFilesOptions& options = {});

}  // namespace packstore
