// The one interface through which every storage engine does the same work.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "compare/content.h"
#include "packstore/object.h"
#include "packstore/store.h"

namespace packstore::compare {

// An engine with its data in a directory of its own. A failed call stops the program.
//
// Thread safety: put_single() from any thread, the rest from one thread at a time.
class Engine {
 public:
  virtual ~Engine() = default;

  // Hashes and stores everything as fast as the engine can; all of it is durable on return.
  virtual void put_batch(std::span<const Object> objects) = 0;

  // Hashes and stores one object, durable on return.
  virtual void put_single(const Object& object) = 0;

  // Ends background work, so that the next measurement does not pay for this one.
  virtual void settle() {}

  // Reads one object and consumes it.
  virtual void get(const Key& key, Check check) = 0;

  // Reads all of `keys` (ascending) and consumes each.
  virtual void get_all(std::span<const Key> keys, Check check) = 0;

  virtual bool contains(const Key& key) = 0;

  // Removes `keys` and gives their space back to the file system, durable on return. False, and
  // nothing done: the engine has no such operation.
  virtual bool remove_and_reclaim(std::span<const Key> keys) = 0;
};

// The library itself; the workloads that only it has need its store.
class PackstoreEngine final : public Engine {
 public:
  PackstoreEngine(const std::filesystem::path& directory, Placement single_placement);

  void put_batch(std::span<const Object> objects) override;
  void put_single(const Object& object) override;
  void settle() override;
  void get(const Key& key, Check check) override;
  void get_all(std::span<const Key> keys, Check check) override;
  bool contains(const Key& key) override;
  bool remove_and_reclaim(std::span<const Key> keys) override;

  Store& store() { return store_; }

 private:
  std::filesystem::path directory_;
  Store store_;
  Placement single_placement_;
};

// Each makes an empty engine in `directory`, which is absent.
std::unique_ptr<Engine> make_rocksdb(const std::filesystem::path& directory);
std::unique_ptr<Engine> make_lmdb(const std::filesystem::path& directory);
std::unique_ptr<Engine> make_sqlite(const std::filesystem::path& directory);
std::unique_ptr<Engine> make_libgit2(const std::filesystem::path& directory);
std::unique_ptr<Engine> make_files(const std::filesystem::path& directory);

inline constexpr std::string_view kPackstore = "packstore";
inline constexpr std::string_view kRocksdb = "rocksdb";
inline constexpr std::string_view kLmdb = "lmdb";
inline constexpr std::string_view kSqlite = "sqlite";
inline constexpr std::string_view kLibgit2 = "libgit2";
inline constexpr std::string_view kFiles = "files";

// Every engine's name, in the order of the tables.
std::span<const std::string_view> engine_names();

// An engine by its name; stops the program when there is none of that name.
std::unique_ptr<Engine> make_engine(std::string_view name, const std::filesystem::path& directory);

// The versions of the peers that this program runs with, in one line.
std::string engine_versions();

}  // namespace packstore::compare
