#include "store/stats.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

using PacksByNumber = std::map<std::uint64_t, PackStats>;

PackStats& entry(PacksByNumber& packs, std::uint64_t pack) {
  PackStats& found = packs[pack];
  found.pack = pack;
  return found;
}

// Of a pack that the index has let go, everything is dead; of the others, what is counted as dead
// and what lies behind the indexed part.
std::uint64_t dead_bytes_of(const index::PackRow& row, std::uint64_t file_bytes) {
  if (row.state == index::PackState::kRetired) return file_bytes;
  return row.dead_bytes + (file_bytes - std::min(file_bytes, row.indexed_bytes));
}

Status add_files(const StoreCore& core, PacksByNumber& packs) {
  ASSIGN_OR_RETURN(const auto numbers, core.packs.list());
  for (const std::uint64_t pack : numbers) {
    ASSIGN_OR_RETURN(const auto info, core.packs.directory().stat_file(pack_file_name(pack)));
    if (!info) continue;
    PackStats& found = entry(packs, pack);
    found.file_bytes = info->size;
    found.dead_bytes = info->size;  // Unless the index knows better.
  }
  return {};
}

Status add_rows(const StoreCore& core, PacksByNumber& packs) {
  ASSIGN_OR_RETURN(const auto rows, core.index->packs());
  for (const index::PackRow& row : rows) {
    PackStats& found = entry(packs, row.pack);
    found.sealed = row.state != index::PackState::kOpen;
    found.dead_bytes = dead_bytes_of(row, found.file_bytes);
  }
  ASSIGN_OR_RETURN(const auto totals, core.index->totals());
  for (const index::Index::PackTotals& total : totals) {
    PackStats& found = entry(packs, total.pack);
    found.objects = total.objects;
    found.content_bytes = total.size;
    found.stored_bytes = total.stored_size;
  }
  return {};
}

Result<std::uint64_t> index_bytes(const io::Directory& root) {
  std::uint64_t bytes = 0;
  for (const std::string_view suffix : {"", "-wal"}) {
    ASSIGN_OR_RETURN(const auto info,
                     root.stat_file(std::string(index::kIndexFile) + std::string(suffix)));
    if (info) bytes += info->size;
  }
  return bytes;
}

}  // namespace

Result<StoreStats> stats(const StoreCore& core) {
  StoreStats stats;
  RETURN_IF_ERROR(core.loose.for_each([&](const ObjectId&, std::uint64_t size) -> Status {
    ++stats.loose_objects;
    stats.loose_bytes += size;
    return {};
  }));
  PacksByNumber packs;
  RETURN_IF_ERROR(add_files(core, packs));
  RETURN_IF_ERROR(add_rows(core, packs));
  for (const auto& [number, pack] : packs) {
    stats.packed_objects += pack.objects;
    stats.packed_content_bytes += pack.content_bytes;
    stats.packed_stored_bytes += pack.stored_bytes;
    stats.pack_file_bytes += pack.file_bytes;
    stats.dead_bytes += pack.dead_bytes;
    stats.packs.push_back(pack);
  }
  ASSIGN_OR_RETURN(stats.index_bytes, index_bytes(*core.root));
  ASSIGN_OR_RETURN(const auto refs, core.index->list_refs(""));
  stats.refs = refs.size();
  RETURN_IF_ERROR(core.sandbox.directory().list([&](const io::Entry&) -> Status {
    ++stats.sandbox_files;
    return {};
  }));
  return stats;
}

}  // namespace packstore::store
