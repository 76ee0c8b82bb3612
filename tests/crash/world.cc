// The order in each operation: what is offered and what may change is noted first, since a power
// cut in the middle may show it; what is acknowledged is noted last.
#include "crash/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "hash/xxh3.h"
#include "packstore/dag.h"
#include "store/recover.h"
#include "store/store_core.h"

namespace packstore::crash {
namespace {

// What two threads and processes would have waited for is not there to come.
constexpr std::chrono::milliseconds kNoWait{0};

Result<MaintenanceLock> take_lock(Store& store) {
  return store.lock_maintenance({.wait = kNoWait});
}

class Digest {
 public:
  void add(std::uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) { add(as_bytes(text)); }
  void add(const ObjectId& id) { add(ByteView(id.bytes)); }
  void add(const std::set<ObjectId>& ids) {
    add(ids.size());
    for (const ObjectId& id : ids) add(id);
  }
  std::uint64_t value() const { return value_; }

 private:
  void add(ByteView bytes) { value_ = hash::xxh3(bytes, value_); }
  std::uint64_t value_ = 0;
};

}  // namespace

std::uint64_t Claims::digest() const {
  Digest digest;
  digest.add(created ? 1 : 0);
  for (const std::set<ObjectId>* ids : {&present, &absent, &backed_up}) digest.add(*ids);
  for (const std::set<ObjectId>& ids : together) digest.add(ids);
  for (const auto& [name, allowed] : refs) {
    digest.add(name);
    for (const auto& id : allowed) digest.add(id.value_or(ObjectId()));
  }
  for (const std::uint64_t pack : gone_packs) digest.add(pack);
  for (const auto& [root, files] : trees) digest.add(root);
  return digest.value();
}

ObjectId World::offer(std::string_view text) {
  const ObjectId id = ObjectId::of(as_bytes(text));
  claims_.offered.emplace(id, text);
  claims_.absent.erase(id);
  std::erase_if(claims_.together, [&](const auto& ids) { return ids.contains(id); });
  return id;
}

void World::acknowledge(const std::vector<ObjectId>& ids) {
  claims_.present.insert(ids.begin(), ids.end());
}

Status World::create(ReferenceCounts counts) {
  Status opened = open();
  if (!opened) {
    CreateOptions options;
    options.reference_counts = counts;
    ASSIGN_OR_RETURN(auto core, store::create_core(files_, store_path(), options));
    core_ = core.get();
    store_ = store::StoreCore::into_store(std::move(core));
  }
  claims_.created = true;
  return {};
}

Status World::open() {
  store_.reset();
  // Small packs, so that a few objects fill several.
  OpenOptions options;
  options.packs.bytes_target = 4'000;
  options.children_of = object_links;
  ASSIGN_OR_RETURN(auto core, store::open_core(files_, store_path(), options));
  core_ = core.get();
  store_ = store::StoreCore::into_store(std::move(core));
  return {};
}

Status World::put(std::string_view text, const PutOptions& options) {
  const ObjectId id = offer(text);
  RETURN_IF_ERROR(store_->put(as_bytes(text), options));
  acknowledge({id});
  return {};
}

Status World::put_stream(std::string_view text) {
  const ObjectId id = offer(text);
  ASSIGN_OR_RETURN(ObjectWriter writer, store_->begin_put());
  for (std::size_t done = 0; done < text.size(); done += 1'000) {
    RETURN_IF_ERROR(writer.write(as_bytes(text.substr(done, 1'000))));
  }
  const auto finished = writer.finish();
  if (!finished) {
    if (writer.finish()) broken_.emplace_back("a writer that failed has finished after all");
    return finished.error();
  }
  acknowledge({id});
  return {};
}

Status World::put_buffered(std::string_view text) {
  const ObjectId id = offer(text);
  RETURN_IF_ERROR(store_->put(as_bytes(text), {.durability = Durability::kBuffered}));
  buffered_.push_back(id);
  return {};
}

Status World::sync() {
  Status synced = store_->sync();
  if (synced) acknowledge(buffered_);
  buffered_.clear();
  return synced;
}

void World::note_batch(const std::vector<std::string>& texts) {
  std::set<ObjectId> fresh;
  for (const std::string& text : texts) {
    const ObjectId id = ObjectId::of(as_bytes(text));
    if (!claims_.offered.contains(id)) fresh.insert(id);
  }
  for (const std::string& text : texts) offer(text);
  if (fresh.size() > 1) claims_.together.push_back(std::move(fresh));
}

Status World::commit_batch(const std::vector<std::string>& texts, const BatchOptions& options,
                           std::optional<std::string> ref) {
  std::vector<ObjectId> ids;
  note_batch(texts);
  ASSIGN_OR_RETURN(Batch batch, store_->begin_batch(options));
  for (const std::string& text : texts) {
    ids.push_back(ObjectId::of(as_bytes(text)));
    const auto put = batch.put(as_bytes(text));
    if (!put) {
      if (batch.commit()) broken_.emplace_back("a batch that could not put has committed");
      return put.error();
    }
  }
  if (ref) {
    ASSIGN_OR_RETURN(const auto from, store_->refs().find(*ref));
    allow_ref(*ref, {from, ids.back()});
    RETURN_IF_ERROR(batch.move_ref(*ref, {.from = from, .to = ids.back()}));
  }
  const auto committed = batch.commit();
  if (!committed) {
    if (batch.commit()) broken_.emplace_back("a batch that failed has committed after all");
    return committed.error();
  }
  acknowledge(ids);
  if (ref) claims_.refs[*ref] = {ids.back()};
  return {};
}

// What failed moves have left open stays open until one succeeds.
void World::allow_ref(const std::string& name, const std::set<std::optional<ObjectId>>& places) {
  claims_.refs[name].insert(places.begin(), places.end());
}

Status World::move_ref(const std::string& name, std::optional<std::string_view> text,
                       NodeKind kind) {
  ASSIGN_OR_RETURN(const auto from, store_->refs().find(name));
  const std::optional<ObjectId> to =
      text ? std::optional(ObjectId::of(as_bytes(*text))) : std::nullopt;
  allow_ref(name, {from, to});
  RETURN_IF_ERROR(store_->refs().move(name, {.from = from, .to = to, .kind = kind}));
  claims_.refs[name] = {to};
  return {};
}

void World::withdraw(const ObjectId& id) {
  claims_.present.erase(id);
  std::erase_if(claims_.together, [&](const auto& together) { return together.contains(id); });
}

Status World::release(const std::string& name, std::optional<std::string_view> text,
                      const std::vector<std::string>& released) {
  for (const std::string& gone : released) withdraw(ObjectId::of(as_bytes(gone)));
  RETURN_IF_ERROR(move_ref(name, text, NodeKind::kDagCbor));
  for (const std::string& gone : released) {
    const ObjectId id = ObjectId::of(as_bytes(gone));
    ASSIGN_OR_RETURN(const bool is_there, store_->contains(id));
    if (!is_there) claims_.absent.insert(id);
  }
  return {};
}

Status World::rely_on(const std::vector<std::string>& texts) {
  ASSIGN_OR_RETURN(Pin pin, store_->pin());
  for (const std::string& text : texts) {
    const ObjectId id = ObjectId::of(as_bytes(text));
    RETURN_IF_ERROR(pin.add(Link{.id = id}));
    ASSIGN_OR_RETURN(const bool is_there, store_->contains(id));
    if (is_there) acknowledge({id});
  }
  return {};
}

Status World::remove(const std::vector<std::string>& texts) {
  std::vector<ObjectId> ids;
  for (const std::string& text : texts) {
    withdraw(ids.emplace_back(ObjectId::of(as_bytes(text))));
  }
  ASSIGN_OR_RETURN(MaintenanceLock lock, take_lock(*store_));
  RETURN_IF_ERROR(lock.remove(ids, kNoWait));
  claims_.absent.insert(ids.begin(), ids.end());
  return {};
}

Status World::pack_loose(const PackOptions& options) {
  ASSIGN_OR_RETURN(MaintenanceLock lock, take_lock(*store_));
  RETURN_IF_ERROR(lock.pack_loose(options));
  return {};
}

Status World::repack(const RepackOptions& options) {
  ASSIGN_OR_RETURN(MaintenanceLock lock, take_lock(*store_));
  ASSIGN_OR_RETURN(const RepackReport report, lock.repack(options));
  claims_.gone_packs.insert(report.packs_rewritten.begin(), report.packs_rewritten.end());
  return {};
}

Status World::clean() {
  ASSIGN_OR_RETURN(MaintenanceLock lock, take_lock(*store_));
  RETURN_IF_ERROR(lock.clean());
  return {};
}

Status World::checkpoint() { return core_->index->checkpoint(); }

Status World::backup() {
  const std::set<ObjectId> promised = claims_.present;
  RETURN_IF_ERROR(store_->backup(backup_path()));
  claims_.backed_up.insert(promised.begin(), promised.end());
  return {};
}

Status World::recover() {
  close();
  RETURN_IF_ERROR(store::recover(files_, store_path(), {}));
  return open();
}

Status World::lose_index() {
  close();
  claims_.absent.clear();
  claims_.refs.clear();
  claims_.gone_packs.clear();
  ASSIGN_OR_RETURN(const auto root, files_.open_directory(store_path()));
  for (const char* name : {"index.sqlite", "index.sqlite-wal"}) {
    const Status removed = root->remove_file(name);
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  }
  return root->sync();
}

Status World::leave_garbage() {
  ASSIGN_OR_RETURN(const auto root, files_.open_directory(store_path()));
  ASSIGN_OR_RETURN(const auto sandbox, root->open_directory("sandbox"));
  ASSIGN_OR_RETURN(const auto file, sandbox->create_file("left-by-a-dead-writer"));
  RETURN_IF_ERROR(file->write_at(0, as_bytes("half an obj")));
  ASSIGN_OR_RETURN(const auto packs, root->open_directory("packs"));
  ASSIGN_OR_RETURN(const auto names, io::list_names(*packs, io::EntryKind::kFile));
  if (names.empty()) return {};
  ASSIGN_OR_RETURN(const auto pack, packs->open_file(names.back(), io::OpenMode::kReadWrite));
  ASSIGN_OR_RETURN(const io::FileInfo info, pack->info());
  return pack->write_at(info.size, as_bytes("half a record"));
}

}  // namespace packstore::crash
