// 1. A copy is written in the sandbox and gets its name here, in the shard of its first byte, when
//    its bytes are durable; then the shard's names are.
// 2. All 256 shards are made durable together before the first name is given, so that giving one
//    costs a sync of its shard and no more.
// 3. Many copies are removed by threads of which each takes neighbours by id, so shards are opened
//    once and rarely shared.
#include "store/loose_objects.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hex.h"
#include "base/parallel.h"

namespace packstore::store {
namespace {

constexpr std::size_t kShardNameSize = 2;
constexpr unsigned kShards = 256;

// False: there was none.
Result<bool> remove_copy(const io::Directory& shard, const ObjectId& id) {
  Status removed = shard.remove_file(name_in_shard(id));
  if (removed) return true;
  if (removed.error().code == ErrorCode::kNotFound) return false;
  return std::move(removed).error();
}

bool is_shard_name(std::string_view name) { return name.size() == kShardNameSize && is_hex(name); }

}  // namespace

std::string shard_name(const ObjectId& id) { return to_hex(ByteView(id.bytes).first(1)); }
std::string name_in_shard(const ObjectId& id) { return to_hex(ByteView(id.bytes).subspan(1)); }

Result<std::optional<std::uint64_t>> LooseShard::find_size(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const auto info, directory.stat_file(name_in_shard(id)));
  return info ? std::optional(info->size) : std::nullopt;
}

LooseObjects::LooseObjects(std::unique_ptr<io::Directory> directory)
    : directory_(std::move(directory)) {}

Result<std::optional<std::unique_ptr<io::Directory>>> LooseObjects::find_shard(
    const ObjectId& id) const {
  return directory_->find_directory(shard_name(id));
}

Result<std::optional<std::unique_ptr<io::File>>> LooseObjects::find(const ObjectId& id) const {
  return directory_->find_file_below(shard_name(id), name_in_shard(id), io::OpenMode::kRead);
}

Result<std::optional<std::uint64_t>> LooseObjects::find_size(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const auto file, find(id));
  if (!file) return std::optional<std::uint64_t>();
  ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
  return std::optional<std::uint64_t>(info.size);
}

Status LooseObjects::ensure_shards() {
  if (shards_durable_.load(std::memory_order_acquire)) return {};
  for (unsigned shard = 0; shard < kShards; ++shard) {
    const auto byte = static_cast<std::byte>(shard);
    Status created = directory_->create_directory(to_hex({&byte, 1}));
    if (!created && created.error().code != ErrorCode::kConflict) return created;
  }
  RETURN_IF_ERROR(directory_->sync());
  shards_durable_.store(true, std::memory_order_release);
  return {};
}

Status LooseObjects::adopt(SandboxFile file, const ObjectId& id) {
  RETURN_IF_ERROR(ensure_shards());
  ASSIGN_OR_RETURN(const auto shard, directory_->open_directory(shard_name(id)));
  return file.publish(*shard, name_in_shard(id));
}

Status LooseObjects::make_durable(const ObjectId& id) {
  RETURN_IF_ERROR(ensure_shards());
  ASSIGN_OR_RETURN(const auto shard, directory_->open_directory(shard_name(id)));
  return shard->sync();
}

Result<bool> LooseObjects::remove(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const auto shard, find_shard(id));
  if (!shard) return false;
  return remove_copy(**shard, id);
}

Status LooseObjects::remove_all(std::span<const ObjectId> sorted, unsigned threads) const {
  // Neighbours share a shard, so most shards have one thread to themselves.
  return run_on_shares(threads, sorted.size(), [&](std::size_t first, std::size_t end) -> Status {
    std::optional<std::unique_ptr<io::Directory>> shard;
    for (std::size_t i = first; i < end; ++i) {
      if (i == first || sorted[i].bytes[0] != sorted[i - 1].bytes[0]) {
        ASSIGN_OR_RETURN(shard, find_shard(sorted[i]));
      }
      if (shard) RETURN_IF_ERROR(remove_copy(**shard, sorted[i]));
    }
    return {};
  });
}

Status LooseObjects::move_aside(const ObjectId& id, const io::Directory& to,
                                std::string_view to_name) const {
  ASSIGN_OR_RETURN(const auto shard, directory_->open_directory(shard_name(id)));
  RETURN_IF_ERROR(shard->rename(name_in_shard(id), to, to_name));
  RETURN_IF_ERROR(to.sync());
  return shard->sync();
}

Status LooseObjects::for_each_shard(const ShardVisitor& visit, const StrayVisitor& on_stray) const {
  const auto stray = [&](const std::string& path) { return on_stray ? on_stray(path) : Status(); };
  std::vector<std::string> shards;
  RETURN_IF_ERROR(directory_->list([&](const io::Entry& entry) -> Status {
    if (entry.kind != io::EntryKind::kDirectory || !is_shard_name(entry.name)) {
      return stray(entry.name);
    }
    shards.push_back(entry.name);
    return {};
  }));
  std::sort(shards.begin(), shards.end());
  for (const std::string& shard_text : shards) {
    ASSIGN_OR_RETURN(const auto directory, directory_->find_directory(shard_text));
    if (!directory) continue;
    LooseShard shard{**directory};
    RETURN_IF_ERROR(shard.directory.list([&](const io::Entry& entry) -> Status {
      const Result<ObjectId> id = ObjectId::parse(shard_text + entry.name);
      if (entry.kind != io::EntryKind::kFile || !id) {
        return stray(shard_text + "/" + entry.name);
      }
      shard.ids.push_back(*id);
      return {};
    }));
    std::sort(shard.ids.begin(), shard.ids.end());
    RETURN_IF_ERROR(visit(shard));
  }
  return {};
}

Status LooseObjects::for_each(const Visitor& visit, const StrayVisitor& on_stray) const {
  const auto visit_all = [&](const LooseShard& shard) -> Status {
    for (const ObjectId& id : shard.ids) {
      ASSIGN_OR_RETURN(const auto size, shard.find_size(id));
      if (size) RETURN_IF_ERROR(visit(id, *size));
    }
    return {};
  };
  return for_each_shard(visit_all, on_stray);
}

Result<bool> LooseObjects::has_no_shards() const {
  bool none = true;
  const Error found{ErrorCode::kConflict, {}};
  const Status listed = directory_->list([&](const io::Entry& entry) -> Status {
    if (!is_shard_name(entry.name)) return {};
    none = false;
    return found;  // One is enough.
  });
  if (!listed && none) return listed.error();
  return none;
}

}  // namespace packstore::store
