// Directories as nodes of UnixFS: names, and the CID behind each.
//
//   StoreBlocks blocks(store);
//   FileRoot file = write_file(blocks, source, {.profile = profile}).value();
//   DirectoryEntry entry{.name = "a", .cid = file.cid, .encoded_size = file.encoded_size};
//   DirectoryRoot root = write_directory(blocks, {&entry, 1}).value();
//   blocks.commit().value();                      // Durable and visible from here on.
//   Cid found = resolve_path(blocks, root.cid, "a").value();
//
// A directory that would be too large for one node becomes shards: a tree in which the hash of a
// name says where its entry is (a HAMT). Whoever reads need not tell the two apart.
//
// Equal entries under one profile have one CID, in whatever order they are given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/block_store.h"
#include "packstore/cid.h"
#include "packstore/export.h"
#include "packstore/result.h"

namespace packstore {

// What counts as the size of a directory where it is decided whether it becomes shards.
enum class DirectoryMeasure : std::uint8_t {
  kBlock,  // The bytes of the node that would hold all of it.
  kLinks,  // The bytes of all names and CIDs.
};

// What decides about the CID of a directory, beside its entries, under one name.
struct PACKSTORE_EXPORT DirectoryProfile {
  // A node that is as large still fits into what other programs take, 2 MiB.
  static constexpr std::uint64_t kShardAboveMax = std::uint64_t{1} << 20;
  static constexpr std::uint32_t kFanoutMin = 8;
  static constexpr std::uint32_t kFanoutMax = 1024;

  std::string name = "native";
  unsigned cid_version = 1;
  DirectoryMeasure measure = DirectoryMeasure::kBlock;
  // A directory that is larger becomes shards.
  std::uint64_t shard_above = std::uint64_t{256} << 10;
  // Buckets of a shard: a power of two.
  std::uint32_t fanout = 256;

  // By the names of file profiles: "native", or one of IPIP-499, "unixfs-v1-2025" (native
  // directories are the same), "unixfs-v0-2015". kInvalidArgument: none of them; the message lists
  // them.
  static Result<DirectoryProfile> named(std::string_view name);

  // kInvalidArgument: a member outside its limits.
  Status check() const;
};

struct DirectoryEntry {
  // More than any file system takes.
  static constexpr std::size_t kNameSizeMax = 1024;

  std::string name;
  Cid cid;
  // Bytes of the blocks behind it, repeated ones counted again, as the roots of files and
  // directories tell it: a hint for whoever lists directories, which nothing here believes.
  std::uint64_t encoded_size = 0;

  friend bool operator==(const DirectoryEntry&, const DirectoryEntry&) = default;
};

struct DirectoryRoot {
  Cid cid;
  std::uint64_t encoded_size = 0;  // What an entry for this directory says.
  std::uint64_t nodes = 1;         // More than one where there are shards.
};

// Stores a directory of `entries`, in any order, and returns its root. Whether there is anything
// behind the CIDs is not looked at: write what is below first. Takes 16 bytes of memory an entry,
// beside the entries, and some nodes. The blocks are as durable as those of BlockStore::put().
//
// kInvalidArgument: a name twice; one that is empty, ".", "..", too long, has '/' or NUL in it, or
// is no UTF-8, which DAG-PB wants; sizes whose sum does not fit 64 bits; a profile that check()
// refuses. kUnsupported: two names that no shard can tell apart, because their hashes are equal.
PACKSTORE_EXPORT Result<DirectoryRoot> write_directory(BlockStore& blocks,
                                                       std::span<const DirectoryEntry> entries,
                                                       const DirectoryProfile& profile = {});

// Stores a symbolic link that points to `target`, any bytes without NUL, and returns its root.
//
// kInvalidArgument: an empty target, one longer than 4,096 bytes, or with NUL in it.
PACKSTORE_EXPORT Result<DirectoryRoot> write_symlink(BlockStore& blocks, std::string_view target,
                                                     const DirectoryProfile& profile = {});

// What reads directories distrusts them: names that write_directory() would refuse are kCorrupt
// (other bytes than UTF-8 are let pass), and so are names that are there twice or in the wrong
// shard. Every function below says kNotFound for a block that is missing, naming it, and
// kUnsupported for a node that is of another type.
//
// Thread safety: any thread.

// The entry of that name, or nullopt. Reads one block, or one for each level of shards.
PACKSTORE_EXPORT Result<std::optional<DirectoryEntry>> find_entry(const BlockStore& blocks,
                                                                  const Cid& directory,
                                                                  std::string_view name);

// Gives every entry to `visit`: in the order of the node, which writers sort by name, or in that of
// the hashes where there are shards. An error returned by `visit` ends the call with it. Memory
// does not grow with the directory: some shards of each level are held.
using DirectoryVisitor = std::function<Status(const DirectoryEntry& entry)>;
PACKSTORE_EXPORT Status for_each_entry(const BlockStore& blocks, const Cid& directory,
                                       const DirectoryVisitor& visit);

// All entries by the bytes of their names.
PACKSTORE_EXPORT Result<std::vector<DirectoryEntry>> list_directory(const BlockStore& blocks,
                                                                    const Cid& directory);

// Goes down from `root` by the names in `path`, which '/' separates; the root itself for an empty
// one. What is there is not read, and symbolic links are not followed.
//
// kNotFound says how far the path leads. kInvalidArgument: "." or ".." in it.
PACKSTORE_EXPORT Result<Cid> resolve_path(const BlockStore& blocks, const Cid& root,
                                          std::string_view path);

enum class EntryType : std::uint8_t { kFile, kDirectory, kSymlink };

// What is behind a CID, from its one block; of a raw block nothing is read. kUnsupported: none of
// them.
PACKSTORE_EXPORT Result<EntryType> type_of(const BlockStore& blocks, const Cid& cid);

// Where a symbolic link points.
PACKSTORE_EXPORT Result<std::string> read_symlink(const BlockStore& blocks, const Cid& cid);

}  // namespace packstore
