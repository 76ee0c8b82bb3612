// A lookup, and why it ends:
// 1. Note the generation. Look among the puts that wait, then in the index. What is there is
//    opened, and its place remembered as of that generation.
// 2. Otherwise, or where row or pack are damaged, look for a loose copy.
// 3. Neither: the object is absent, or damaged, unless the generation has changed meanwhile. Then
//    maintenance may have moved it between the two looks, and they begin again.
// A known place spares step 1 as long as the generation stands; it is a guess, and what comes of it
// is compared with the id like everything that is read.
#include "store/lookup.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/mistake.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

// A lookup that loses this many races against maintenance in a row has met something else.
constexpr int kAttempts = 100;

ObjectInfo info_of(const index::ObjectRow& row) {
  return {row.id, row.at.size, row.at.stored_size, row.at.codec, row.at.pack};
}

// Where the index has it. The rows behind may be remembered, for others that are wanted soon.
Result<std::optional<index::Location>> find_reading_ahead(const StoreCore& core, const ObjectId& id,
                                                          std::uint64_t generation) {
  const std::size_t count = core.known_places.rows_to_read();
  if (count == 1) return core.index->find(id);
  const Result<std::vector<index::ObjectRow>> rows = core.index->rows_from(id, count);
  // A bad row among them is nothing that this object should suffer from.
  if (!rows) return core.index->find(id);
  const bool found = !rows->empty() && rows->front().id == id;
  for (const index::ObjectRow& row : std::span(*rows).subspan(found ? 1 : 0)) {
    if (check(row)) core.known_places.remember_ahead(row, generation);
  }
  if (!found) return std::optional<index::Location>();
  RETURN_IF_ERROR(check(rows->front()));
  return std::optional<index::Location>(rows->front().at);
}

Result<std::optional<index::Location>> find_packed(const StoreCore& core, const ObjectId& id,
                                                   std::uint64_t generation) {
  if (const auto waiting = core.packed_puts.find_waiting(id)) {
    return std::optional<index::Location>(waiting->at);
  }
  return find_reading_ahead(core, id, generation);
}

// nullopt: it has no row. kCorrupt: the row or the pack's header is damaged, or the pack is gone,
// if only because it has been rewritten since.
Result<std::optional<FoundObject>> open_packed(const StoreCore& core, const ObjectId& id,
                                               std::uint64_t generation) {
  ASSIGN_OR_RETURN(const auto at, find_packed(core, id, generation));
  if (!at) return std::optional<FoundObject>();
  Result<std::shared_ptr<const PackFile>> pack = core.packs.open(*at);
  if (pack) {
    core.known_places.remember(id, *at, generation);
    return std::optional<FoundObject>({std::move(*pack), nullptr, index::ObjectRow{id, *at}});
  }
  if (pack.error().code != ErrorCode::kNotFound) return std::move(pack).error();
  return fail(ErrorCode::kCorrupt, "object {}: the index says pack {}, and that is gone: {}",
              id.to_hex(), at->pack, pack.error().message);
}

// The distinct ids in ascending order, and where each given one went.
struct SortedIds {
  explicit SortedIds(std::span<const ObjectId> given) : position_of(given.size()) {
    std::vector<std::size_t> order(given.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return given[a] < given[b]; });
    ids.reserve(given.size());
    for (const std::size_t i : order) {
      if (ids.empty() || ids.back() != given[i]) ids.push_back(given[i]);
      position_of[i] = ids.size() - 1;
    }
  }

  std::vector<ObjectId> ids;
  std::vector<std::size_t> position_of;
};

// Marks what the index does not tell: loose objects, and buffered ones of this process.
Status add_unindexed(const StoreCore& core, std::span<const ObjectId> ids,
                     std::vector<Presence>& found) {
  ASSIGN_OR_RETURN(const bool none_loose, core.loose.has_no_shards());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (found[i] != Presence::kAbsent) continue;
    if (core.packed_puts.find_waiting(ids[i])) {
      found[i] = Presence::kWaiting;
    } else if (!none_loose) {
      ASSIGN_OR_RETURN(const auto loose, locate_loose(core, ids[i]));
      if (loose) found[i] = Presence::kLoose;
    }
  }
  return {};
}

}  // namespace

Result<std::optional<FoundObject>> open_found(const StoreCore& core, const ObjectId& id) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t generation = core.index->generation();
    Result<std::optional<FoundObject>> packed = open_packed(core, id, generation);
    if (packed ? packed->has_value() : packed.error().code != ErrorCode::kCorrupt) return packed;
    ASSIGN_OR_RETURN(auto loose, open_loose_copy(core, id));
    if (loose) return loose;
    if (core.index->generation() != generation && !makes(Mistake::kSkipSecondLookup)) continue;
    return packed;
  }
  return fail(ErrorCode::kBusy, "object {}: its place changed {} times during one lookup",
              id.to_hex(), kAttempts);
}

std::optional<FoundObject> open_known(const StoreCore& core, const ObjectId& id) {
  const auto at = core.known_places.find(id, core.index->generation());
  if (!at) return std::nullopt;
  Result<std::shared_ptr<const PackFile>> pack = core.packs.open(*at);
  if (!pack) return std::nullopt;
  return FoundObject{std::move(*pack), nullptr, {id, *at}};
}

Result<std::optional<FoundObject>> open_loose_copy(const StoreCore& core, const ObjectId& id) {
  ASSIGN_OR_RETURN(auto file, core.loose.find(id));
  if (!file) return std::optional<FoundObject>();
  ASSIGN_OR_RETURN(const bool is_given_up, core.index->is_pending_unlink(id));
  if (is_given_up) return std::optional<FoundObject>();
  ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
  FoundObject found;
  found.loose = std::move(*file);
  found.row = {id, {.stored_size = info.size, .size = info.size}};
  return std::optional<FoundObject>(std::move(found));
}

Result<std::optional<ObjectInfo>> locate_loose(const StoreCore& core, const ObjectId& id) {
  ASSIGN_OR_RETURN(const auto size, core.loose.find_size(id));
  if (!size) return std::optional<ObjectInfo>();
  ASSIGN_OR_RETURN(const bool is_given_up, core.index->is_pending_unlink(id));
  if (is_given_up) return std::optional<ObjectInfo>();
  return std::optional<ObjectInfo>({id, *size, *size, Codec::kNone, std::nullopt});
}

Result<LocatedObject> look_up(const StoreCore& core, const ObjectId& id) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t generation = core.index->generation();
    if (const auto waiting = core.packed_puts.find_waiting(id)) {
      return LocatedObject{Presence::kWaiting, info_of(*waiting)};
    }
    const auto at = core.index->find(id);
    if (!at && at.error().code != ErrorCode::kCorrupt) return at.error();
    if (at && *at) return LocatedObject{Presence::kPacked, info_of({id, **at})};
    ASSIGN_OR_RETURN(const auto loose, locate_loose(core, id));
    if (loose) return LocatedObject{Presence::kLoose, *loose};
    if (core.index->generation() != generation) continue;
    if (!at) return at.error();
    return LocatedObject();
  }
  return fail(ErrorCode::kBusy, "object {}: its place changed {} times during one lookup",
              id.to_hex(), kAttempts);
}

Result<std::optional<ObjectInfo>> locate(const StoreCore& core, const ObjectId& id) {
  ASSIGN_OR_RETURN(const LocatedObject located, look_up(core, id));
  if (located.presence == Presence::kAbsent) return std::optional<ObjectInfo>();
  return std::optional<ObjectInfo>(located.info);
}

Result<std::vector<Presence>> find_presence(const StoreCore& core, std::span<const ObjectId> ids) {
  const std::uint64_t generation = core.index->generation();
  const SortedIds sorted(ids);
  std::vector<Presence> found(sorted.ids.size(), Presence::kAbsent);
  bool any_damaged = false;
  const auto mark = [&](std::size_t position, const Result<index::Location>& at) -> Status {
    if (at) found[position] = Presence::kPacked;
    any_damaged |= !at;
    return {};
  };
  RETURN_IF_ERROR(core.index->find_many(sorted.ids, mark));
  RETURN_IF_ERROR(add_unindexed(core, sorted.ids, found));
  if (core.index->generation() != generation || any_damaged) {
    // Maintenance may have packed what was loose between the two looks, and a damaged row says
    // nothing where there is no loose copy: look again, one by one.
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i] != Presence::kAbsent) continue;
      ASSIGN_OR_RETURN(const LocatedObject located, look_up(core, sorted.ids[i]));
      found[i] = located.presence;
    }
  }
  std::vector<Presence> in_order(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) in_order[i] = found[sorted.position_of[i]];
  return in_order;
}

Status check_same_size(const ObjectInfo& known, std::uint64_t size) {
  if (known.size == size) return {};
  return fail(ErrorCode::kCorrupt,
              "object {}: {} bytes are to be put, {} bytes of that name are in the store: either "
              "its record is damaged or SHA-256 has met a collision",
              known.id.to_hex(), size, known.size);
}

}  // namespace packstore::store
