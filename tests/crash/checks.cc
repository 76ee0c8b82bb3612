#include "crash/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "packstore/dag.h"
#include "packstore/directory.h"
#include "packstore/file.h"
#include "store/pack_files.h"
#include "store/store_core.h"

namespace packstore::crash {
namespace {

using Findings = std::vector<std::string>;

// Reads every object that the store lists, and returns which those are.
std::set<ObjectId> check_visible(Store& store, const Claims& claims, Findings& found) {
  std::set<ObjectId> visible;
  const Status listed = store.for_each_object([&](const ObjectInfo& info) -> Status {
    const ObjectId& id = info.id;
    visible.insert(id);
    const auto offered = claims.offered.find(id);
    const Result<Bytes> content = store.get(id);
    if (offered == claims.offered.end()) {
      found.push_back(fmt::format("object {}: nobody has put it", id.to_hex()));
    } else if (claims.absent.contains(id)) {
      found.push_back(fmt::format("object {}: removed, and back", id.to_hex()));
    } else if (!content) {
      found.push_back(fmt::format("visible, but not readable: {}", content.error().message));
    } else if (as_text(*content) != offered->second) {
      found.push_back(fmt::format("object {}: another content than was put", id.to_hex()));
    }
    return {};
  });
  if (!listed) found.push_back(fmt::format("cannot list: {}", listed.error().message));
  return visible;
}

void check_objects(Store& store, const Claims& claims, Findings& found) {
  const std::set<ObjectId> visible = check_visible(store, claims, found);
  for (const ObjectId& id : claims.present) {
    if (!visible.contains(id)) {
      found.push_back(fmt::format("object {}: acknowledged, but not there", id.to_hex()));
    }
  }
  for (const std::set<ObjectId>& batch : claims.together) {
    const auto there = std::ranges::count_if(batch, [&](auto& id) { return visible.contains(id); });
    if (there != 0 && static_cast<std::size_t>(there) != batch.size()) {
      found.push_back(fmt::format("a batch of {} objects: {} are there", batch.size(), there));
    }
  }
}

void check_refs(Store& store, const Claims& claims, Findings& found) {
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

// A ref at a node is a promise of all that is below.
void check_roots(Store& store, Findings& found) {
  const Result<std::vector<Ref>> refs = store.refs().list();
  if (!refs) return;
  const StoreBlocks blocks(store);
  for (const Ref& ref : *refs) {
    if (ref.kind == NodeKind::kRaw) continue;
    const Result<DagReport> dag = check_dag(blocks, Cid::of(ref.kind, ref.id));
    if (!dag || !dag->is_whole()) {
      found.push_back(fmt::format("ref {}: not whole below: {}", ref.name,
                                  dag ? dag->listed.front().error.message : dag.error().message));
    }
  }
}

Result<std::string> read_file(const BlockStore& blocks, const Cid& root, const std::string& name) {
  ASSIGN_OR_RETURN(const Cid cid, resolve_path(blocks, root, name));
  ASSIGN_OR_RETURN(FileReader reader, FileReader::open(blocks, cid));
  std::string content(reader.size(), '\0');
  RETURN_IF_ERROR(reader.read(std::as_writable_bytes(std::span(content))));
  return content;
}

void check_trees(Store& store, const Claims& claims, Findings& found) {
  const StoreBlocks blocks(store);
  for (const auto& [root, files] : claims.trees) {
    for (const auto& [name, content] : files) {
      const auto read = read_file(blocks, Cid::of(NodeKind::kDagPb, root), name);
      if (read && *read == content) continue;
      found.push_back(
          fmt::format("file {}: {}", name, read ? "another content" : read.error().message));
    }
  }
}

void check_gone_packs(World& world, Findings& found) {
  if (world.claims().gone_packs.empty()) return;
  const auto packs = world.files().open_directory(world.store_path() + "/packs");
  if (!packs) return found.push_back(packs.error().message);
  for (const std::uint64_t pack : world.claims().gone_packs) {
    const std::string name = store::pack_file_name(pack);
    const auto info = (*packs)->stat_file(name);
    if (!info || *info) found.push_back(fmt::format("{}: repacked, and there again", name));
  }
}

std::vector<std::string> findings(Store& store, bool (*counts)(FindingKind)) {
  const Result<ValidationReport> report = store.validate();
  if (!report) return {fmt::format("cannot validate: {}", report.error().message)};
  std::vector<std::string> found;
  for (const Finding& finding : report->findings) {
    if (counts(finding.kind)) found.push_back("validate: " + finding.message);
  }
  return found;
}

}  // namespace

std::vector<std::string> broken_promises(World& world) {
  std::vector<std::string> found = world.broken();
  check_objects(world.store(), world.claims(), found);
  check_refs(world.store(), world.claims(), found);
  check_roots(world.store(), found);
  check_trees(world.store(), world.claims(), found);
  check_gone_packs(world, found);
  return found;
}

std::vector<std::string> damage(Store& store) {
  return findings(store, [](FindingKind kind) { return !is_garbage(kind); });
}

std::vector<std::string> damage_and_garbage(Store& store) {
  return findings(store, [](FindingKind) { return true; });
}

std::vector<std::string> backup_complaints(World& world) {
  std::vector<std::string> found;
  auto core = store::open_core(world.files(), world.backup_path(), {});
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
  claims.together.clear();
  check_objects(backup, claims, found);
  for (std::string& line : damage(backup)) found.push_back(std::move(line));
  for (std::string& line : found) line = "backup: " + line;
  return found;
}

}  // namespace packstore::crash
