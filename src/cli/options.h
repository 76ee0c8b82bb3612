// Options that several commands have, and how their words become values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "files.h"
#include "packstore/block_store.h"
#include "packstore/cid.h"
#include "packstore/compression.h"
#include "packstore/refs.h"
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

// The ref `name`; nullopt: there is none. kInvalidArgument: no ref can be called that.
Result<std::optional<Ref>> find_ref(const Store& store, std::string_view name);

// A CID as the word of a command. The 64 digits of an object's id stand for its raw CID, and the
// name of a ref for the CID of what it points at, unless the word is a CID or such an id itself.
class CidWord {
 public:
  void add_option(CLI::App& app, const std::string& help);

  // kInvalidArgument: the word is nothing of all that.
  Result<Cid> resolve(const Store& store) const;
  // Whether it is digits that say nothing of what the object is.
  bool is_bare_id() const { return ObjectId::parse(word_).has_value(); }

 private:
  std::string word_;
};

// A CID, and names below it where it is a directory: "CID/photos/1.jpg". Of several refs that a
// word may begin with the longest is meant.
class PathWord {
 public:
  void add_option(CLI::App& app, const std::string& help);

  // What the path leads to. kInvalidArgument: the word begins like no CidWord. Errors of
  // resolve_path().
  Result<Cid> resolve(const Store& store, const BlockStore& blocks) const;

 private:
  std::string word_;
};

// "--wait SECONDS" of the commands that take the maintenance lock.
struct LockWait {
  std::uint64_t seconds = 0;

  void add_option(CLI::App& app);
  // kBusy: somebody else still holds the lock.
  Result<MaintenanceLock> lock(Store& store, const std::string& operation) const;
};

}  // namespace packstore::cli
