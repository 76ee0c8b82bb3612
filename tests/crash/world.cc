#include "crash/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "store/recover.h"
#include "store/store_core.h"

namespace packstore::crash {
namespace {

// What two threads and processes would have waited for is not there to come.
constexpr std::chrono::milliseconds kNoWait{0};

Result<MaintenanceLock> take_lock(Store& store) {
  return store.lock_maintenance({.wait = kNoWait});
}

void check_objects(Store& store, const Claims& claims, std::vector<std::string>& found) {
  for (const ObjectId& id : claims.present) {
    const Result<Bytes> content = store.get(id);
    if (!content) {
      found.push_back(fmt::format("acknowledged, but not readable: {}", content.error().message));
    } else if (as_text(*content) != claims.offered.at(id)) {
      found.push_back(fmt::format("object {}: another content than was put", id.to_hex()));
    }
  }
  const Status listed = store.for_each_object([&](const ObjectInfo& info) -> Status {
    const ObjectId& id = info.id;
    if (!claims.offered.contains(id)) {
      found.push_back(fmt::format("object {}: nobody has put it", id.to_hex()));
    } else if (claims.absent.contains(id)) {
      found.push_back(fmt::format("object {}: removed, and back", id.to_hex()));
    } else if (const Result<Bytes> content = store.get(id); !content) {
      found.push_back(fmt::format("visible, but not readable: {}", content.error().message));
    }
    return {};
  });
  if (!listed) found.push_back(fmt::format("cannot list: {}", listed.error().message));
}

void check_refs(Store& store, const Claims& claims, std::vector<std::string>& found) {
  const Result<std::vector<Ref>> refs = store.refs().list();
  if (!refs) {
    found.push_back(fmt::format("cannot list the refs: {}", refs.error().message));
    return;
  }
  std::map<std::string, std::optional<ObjectId>> there;
  for (const Ref& ref : *refs) there[ref.name] = ref.id;
  for (const auto& [name, allowed] : claims.refs) {
    const std::optional<ObjectId> id = there.contains(name) ? there[name] : std::nullopt;
    if (!allowed.contains(id)) {
      found.push_back(
          fmt::format("ref {}: at {}, where nobody moved it", name, id ? id->to_hex() : "nothing"));
    }
    if (!id) continue;
    const Result<Bytes> target = store.get(*id);
    if (!target) {
      found.push_back(fmt::format("ref {}: its target: {}", name, target.error().message));
    }
  }
}

void check_valid(Store& store, std::vector<std::string>& found) {
  const Result<ValidationReport> report = store.validate();
  if (!report) {
    found.push_back(fmt::format("cannot validate: {}", report.error().message));
    return;
  }
  for (const Finding& finding : report->findings) {
    if (!is_garbage(finding.kind)) found.push_back("validate: " + finding.message);
  }
}

}  // namespace

ObjectId World::offer(std::string_view text) {
  const ObjectId id = ObjectId::of(as_bytes(text));
  claims_.offered.emplace(id, text);
  claims_.absent.erase(id);
  return id;
}

void World::acknowledge(const std::vector<ObjectId>& ids) {
  claims_.present.insert(ids.begin(), ids.end());
}

Status World::create() {
  Status opened = open();
  if (!opened) {
    ASSIGN_OR_RETURN(auto core, store::create_core(disk_, kStorePath, {}));
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
  ASSIGN_OR_RETURN(auto core, store::open_core(disk_, kStorePath, options));
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
  RETURN_IF_ERROR(writer.finish());
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

Status World::commit_batch(const std::vector<std::string>& texts, const BatchOptions& options,
                           std::optional<std::string> ref) {
  std::vector<ObjectId> ids;
  ASSIGN_OR_RETURN(Batch batch, store_->begin_batch(options));
  for (const std::string& text : texts) {
    ids.push_back(offer(text));
    RETURN_IF_ERROR(batch.put(as_bytes(text)));
  }
  if (ref) {
    ASSIGN_OR_RETURN(const auto from, store_->refs().find(*ref));
    claims_.refs[*ref] = {from, ids.back()};
    RETURN_IF_ERROR(batch.move_ref(*ref, {.from = from, .to = ids.back()}));
  }
  RETURN_IF_ERROR(batch.commit());
  acknowledge(ids);
  if (ref) claims_.refs[*ref] = {ids.back()};
  return {};
}

Status World::move_ref(const std::string& name, std::optional<std::string_view> text) {
  ASSIGN_OR_RETURN(const auto from, store_->refs().find(name));
  const std::optional<ObjectId> to =
      text ? std::optional(ObjectId::of(as_bytes(*text))) : std::nullopt;
  claims_.refs[name] = {from, to};
  RETURN_IF_ERROR(store_->refs().move(name, {.from = from, .to = to}));
  claims_.refs[name] = {to};
  return {};
}

Status World::remove(const std::vector<std::string>& texts) {
  std::vector<ObjectId> ids;
  for (const std::string& text : texts) {
    ids.push_back(ObjectId::of(as_bytes(text)));
    claims_.present.erase(ids.back());
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
  RETURN_IF_ERROR(lock.repack(options));
  return {};
}

Status World::clean() {
  ASSIGN_OR_RETURN(MaintenanceLock lock, take_lock(*store_));
  RETURN_IF_ERROR(lock.clean());
  return {};
}

Status World::backup() {
  const std::set<ObjectId> promised = claims_.present;
  RETURN_IF_ERROR(store_->backup(kBackupPath));
  claims_.backed_up.insert(promised.begin(), promised.end());
  return {};
}

Status World::recover() {
  close();
  RETURN_IF_ERROR(store::recover(disk_, kStorePath, {}));
  return open();
}

Status World::lose_index() {
  close();
  claims_.absent.clear();
  claims_.refs.clear();
  ASSIGN_OR_RETURN(const auto root, disk_.open_directory(kStorePath));
  for (const char* name : {"index.sqlite", "index.sqlite-wal"}) {
    const Status removed = root->remove_file(name);
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  }
  return root->sync();
}

std::vector<std::string> complaints(World& world) {
  std::vector<std::string> found;
  check_objects(world.store(), world.claims(), found);
  check_refs(world.store(), world.claims(), found);
  check_valid(world.store(), found);
  return found;
}

std::vector<std::string> backup_complaints(World& world) {
  std::vector<std::string> found;
  auto core = store::open_core(world.disk(), kBackupPath, {});
  if (!core) {
    if (!world.claims().backed_up.empty()) {
      found.push_back(fmt::format("the backup does not open: {}", core.error().message));
    }
    return found;
  }
  Store backup = store::StoreCore::into_store(std::move(*core));
  Claims claims = world.claims();
  claims.present = claims.backed_up;
  claims.absent.clear();  // What was removed later may be there.
  claims.refs.clear();
  check_objects(backup, claims, found);
  check_valid(backup, found);
  for (std::string& line : found) line = "backup: " + line;
  return found;
}

}  // namespace packstore::crash
