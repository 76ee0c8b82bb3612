// Random operations on a store and on a map, which must stay the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "packstore/store.h"
#include "support/store_scratch.h"

namespace packstore::testing {

// What a store should hold.
struct Model {
  std::map<ObjectId, Bytes> objects = {};
  std::map<std::string, ObjectId> refs = {};
};

// Every way of looking at `store` shows exactly what is in `model`.
void expect_same(Store& store, const Model& model);

// One store, its model, and a seeded source of what to do next. Records GoogleTest failures.
class RandomWalk {
 public:
  explicit RandomWalk(std::uint64_t seed);

  // One operation with its own expectations.
  void step();
  // Makes buffered puts visible, and compares everything.
  void compare();

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool once_in(std::uint64_t count) { return below(count) == 0; }
  Bytes make_content();
  Compression make_compression();
  std::optional<ObjectId> pick_object();
  std::vector<ObjectId> pick_objects(std::uint64_t max);
  std::string pick_ref_name();
  OpenOptions open_options() const;
  void acknowledge(const Result<ObjectId>& id, Bytes content);

  void put();
  void put_stream();
  void push();
  void run_batch();
  void put_into(Batch& batch, Model& after);
  void move_ref();
  void remove();
  void maintain();
  void pack_loose(MaintenanceLock& lock);
  void repack(MaintenanceLock& lock);
  void reopen();
  void back_up();

  ScratchDirectory scratch_;
  std::mt19937_64 random_;
  Model model_;
  std::optional<Store> store_;
  std::optional<std::filesystem::path> last_backup_;
  std::uint64_t backups_ = 0;
};

}  // namespace packstore::testing
