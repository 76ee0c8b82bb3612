// Options that several commands have, and how their words become values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "files.h"
#include "packstore/block_store.h"
#include "packstore/cid.h"
#include "packstore/compression.h"
#include "packstore/result.h"
#include "packstore/store.h"
#include "parser.h"

namespace packstore::cli {

// "--ids-from FILE", and ids as the words of the command.
void add_id_options(CLI::App& app, IdWords& words);
CLI::Option* add_ids_from_option(CLI::App& app, std::string& ids_from);

// A number of bytes: "4096", "64KiB", "1.5 GiB" is refused like every other fraction.
CLI::Option* add_size_option(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                             const std::string& help);

// An unsigned number; the parser of the command line would take "-1" for a very large one.
CLI::Option* add_count_option(CLI::App& app, const std::string& name, std::uint64_t& count,
                              const std::string& help);

// The same where it makes a difference whether the option was given at all.
CLI::Option* add_size_option(CLI::App& app, const std::string& name,
                             std::optional<std::uint64_t>& bytes, const std::string& help);
CLI::Option* add_count_option(CLI::App& app, const std::string& name,
                              std::optional<std::uint64_t>& count, const std::string& help);

// --threads N.
CLI::Option* add_threads_option(CLI::App& app, std::uint64_t& threads, const std::string& help);

// A compression, written "none", "zlib[:N]", "zstd[:N]" or "auto[:RATIO]".
struct CompressionWord {
  std::string text;

  bool is_given() const { return !text.empty(); }
  // None where nothing was given.
  Result<Compression> parse() const;
};
CLI::Option* add_compression_option(CLI::App& app, const std::string& name, CompressionWord& word,
                                    const std::string& help);

// A CID as the word of a command; the 64 digits of an object's id stand for its raw CID.
class CidWord {
 public:
  void add_option(CLI::App& app, const std::string& help);
  // kInvalidArgument: the word is neither.
  Status prepare();

  // After prepare().
  const Cid& operator*() const { return *cid_; }
  const Cid* operator->() const { return &*cid_; }

 private:
  std::string word_;
  std::optional<Cid> cid_;
};

// A CID, and names below it where it is a directory: "CID/photos/1.jpg".
class PathWord {
 public:
  void add_option(CLI::App& app, const std::string& help);
  // kInvalidArgument: the word begins with no CID.
  Status prepare();

  // After prepare(): what the path leads to. Errors of resolve_path().
  Result<Cid> resolve(const BlockStore& blocks) const;

 private:
  std::string word_;
  std::optional<Cid> root_;
  std::string path_;
};

// "--wait SECONDS" of the commands that take the maintenance lock.
struct LockWait {
  std::uint64_t seconds = 0;

  void add_option(CLI::App& app);
  // kBusy: somebody else still holds the lock.
  Result<MaintenanceLock> lock(Store& store, const std::string& operation) const;
};

}  // namespace packstore::cli
