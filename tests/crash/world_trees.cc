// What a World does with DAGs: directories of files, added and imported, and the collection of what
// no ref reaches. Chunks are small and nodes narrow, so that little content has several levels.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include "base/error.h"
#include "crash/world.h"
#include "packstore/car.h"
#include "packstore/dag.h"
#include "packstore/directory.h"
#include "packstore/file.h"

namespace packstore::crash {
namespace {

// Keeps what is put, in its order, and is never read.
class NotedBlocks final : public BlockStore {
 public:
  Status put_prepared(const PreparedBlocks& blocks) override {
    for (const ByteView content : blocks.contents) contents.emplace_back(as_text(content));
    return {};
  }

  std::vector<std::string> contents;

 private:
  Result<Bytes> get_object(const ObjectId& id) const override { return not_here(id); }
  Result<std::uint64_t> object_size(const ObjectId& id) const override { return not_here(id); }
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override {
    return std::vector<bool>(ids.size());
  }
  static Error not_here(const ObjectId& id) {
    return fail(ErrorCode::kNotFound, "object {}: only noted", id.to_hex());
  }
};

FileProfile narrow_profile() {
  FileProfile profile;
  profile.width = 3;
  profile.chunker = ChunkerSpec::fixed(256);
  return profile;
}

Result<Cid> write_tree(BlockStore& blocks, const Files& files) {
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, content] : files) {
    ViewSource source(as_bytes(content));
    ASSIGN_OR_RETURN(const FileRoot file,
                     write_file(blocks, source, {.profile = narrow_profile()}));
    entries.push_back({.name = name, .cid = file.cid, .encoded_size = file.encoded_size});
  }
  ASSIGN_OR_RETURN(const DirectoryRoot root,
                   write_directory(blocks, entries, {.shard_above = 0, .fanout = 8}));
  return root.cid;
}

Result<Bytes> car_of(const Files& files) {
  MemoryBlocks blocks;
  Bytes car;
  ASSIGN_OR_RETURN(const Cid root, write_tree(blocks, files));
  RETURN_IF_ERROR(export_car(blocks, root, [&](ByteView part) -> Status {
    car.insert(car.end(), part.begin(), part.end());
    return {};
  }));
  return car;
}

Result<std::set<ObjectId>> reached_from(const std::vector<Ref>& refs,
                                        const std::map<ObjectId, std::string>& contents) {
  std::set<ObjectId> reached;
  std::vector<Link> rest;
  for (const Ref& ref : refs) rest.push_back({.id = ref.id, .kind = ref.kind});
  while (!rest.empty()) {
    const Link link = rest.back();
    rest.pop_back();
    reached.insert(link.id);
    if (link.kind == NodeKind::kRaw) continue;
    ASSIGN_OR_RETURN(const std::vector<Link> children,
                     object_links(link.kind, as_bytes(contents.at(link.id))));
    rest.insert(rest.end(), children.begin(), children.end());
  }
  return reached;
}

}  // namespace

Status World::put_tree(const std::string& ref, const Files& files, const PutTree& put) {
  NotedBlocks noted;
  ASSIGN_OR_RETURN(const Cid root, write_tree(noted, files));
  const std::optional<ObjectId> to = root.object_id();
  note_batch(noted.contents);
  StoreBlocks blocks(*store_);
  ASSIGN_OR_RETURN(const Cid found, put(blocks));
  if (found != root) return fail(ErrorCode::kCorrupt, "another root: {}", found.to_text());
  ASSIGN_OR_RETURN(const auto from, store_->refs().find(ref));
  allow_ref(ref, {from, to});
  RETURN_IF_ERROR(blocks.move_ref(ref, {.from = from, .to = to, .kind = *root.kind()}));
  RETURN_IF_ERROR(blocks.commit());
  for (const std::string& content : noted.contents) {
    acknowledge({ObjectId::of(as_bytes(content))});
  }
  claims_.trees[*to] = files;
  claims_.refs[ref] = {to};
  return {};
}

Status World::add_tree(const std::string& ref, const Files& files) {
  return put_tree(ref, files, [&](StoreBlocks& blocks) { return write_tree(blocks, files); });
}

Status World::import_tree(const std::string& ref, const Files& files) {
  ASSIGN_OR_RETURN(const Bytes car, car_of(files));
  return put_tree(ref, files, [&](StoreBlocks& blocks) -> Result<Cid> {
    ViewSource source(car);
    ASSIGN_OR_RETURN(const CarImport import, packstore::import_car(blocks, source));
    if (!import.is_whole()) return fail(ErrorCode::kCorrupt, "a CAR that is not whole");
    return import.roots.front();
  });
}

Status World::collect() {
  ASSIGN_OR_RETURN(const std::vector<Ref> refs, store_->refs().list());
  ASSIGN_OR_RETURN(const std::set<ObjectId> reached, reached_from(refs, claims_.offered));
  std::set<ObjectId> garbage;
  std::ranges::set_difference(claims_.present, reached, std::inserter(garbage, garbage.end()));
  for (const ObjectId& id : garbage) {
    claims_.present.erase(id);
    claims_.trees.erase(id);
  }
  std::erase_if(claims_.together, [&](const auto& together) {
    return std::ranges::any_of(together, [&](const ObjectId& id) { return !reached.contains(id); });
  });
  // All that is there goes in one step, unless the call says that it could not finish it; then the
  // next opener does.
  claims_.together.push_back(garbage);
  constexpr std::chrono::milliseconds kNoWait{0};
  ASSIGN_OR_RETURN(MaintenanceLock lock, store_->lock_maintenance({.wait = kNoWait}));
  const auto collected = lock.collect({.children_of = object_links, .wait = kNoWait});
  claims_.together.pop_back();
  RETURN_IF_ERROR(collected);
  // Also what nobody acknowledged.
  for (const auto& [id, content] : claims_.offered) {
    if (!reached.contains(id)) claims_.absent.insert(id);
  }
  return {};
}

}  // namespace packstore::crash
