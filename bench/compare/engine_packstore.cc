#include <utility>

#include "compare/engine.h"

namespace packstore::compare {

namespace {

Verify verify_for(Check check) {
  return check == Check::kSha256 ? Verify::kContent : Verify::kNone;
}

}  // namespace

PackstoreEngine::PackstoreEngine(const std::filesystem::path& directory, Placement single_placement)
    : directory_(directory),
      store_(Store::create(directory).value()),
      single_placement_(single_placement) {}

void PackstoreEngine::put_batch(std::span<const Object> objects) {
  constexpr std::size_t kRunBytesMax = 32 << 20;
  Batch batch = store_.begin_batch().value();
  std::vector<ByteView> contents;
  for_each_run(objects, kRunBytesMax, [&](std::span<const Object> run) {
    contents.clear();
    for (const Object& object : run) contents.push_back(object.content);
    const std::vector<ObjectId> ids = batch.put_many(contents).value();
    if (ids.back() != run.back().key) stop("packstore gave an object another id");
  });
  if (batch.commit().value().objects != objects.size()) stop("packstore stored other objects");
}

// Closing a store empties the log of its index.
void PackstoreEngine::settle() { store_ = Store::open(directory_).value(); }

void PackstoreEngine::put_single(const Object& object) {
  store_.put(object.content, {.placement = single_placement_, .compression = {}}).value();
}

// The library hashes where the caller asks for it, so consume() need not.
void PackstoreEngine::get(const Key& key, Check check) {
  consume(key, store_.get(key, {.verify = verify_for(check)}).value(), Check::kNone);
}

void PackstoreEngine::get_all(std::span<const Key> keys, Check check) {
  std::size_t seen = 0;
  const auto visit = [&seen](const ObjectId& id, const Result<ByteView>& content) -> Status {
    consume(id, content.value(), Check::kNone);
    ++seen;
    return {};
  };
  store_.read_many(keys, visit, {.verify = verify_for(check)}).value();
  if (seen != keys.size()) stop("packstore did not give every object");
}

bool PackstoreEngine::contains(const Key& key) { return store_.contains(key).value(); }

bool PackstoreEngine::remove_and_reclaim(std::span<const Key> keys) {
  MaintenanceLock lock = store_.lock_maintenance().value();
  if (lock.remove(keys).value().removed != keys.size()) stop("packstore did not remove every key");
  if (!lock.repack().value().damaged.empty()) stop("packstore found damage");
  return true;
}

}  // namespace packstore::compare
