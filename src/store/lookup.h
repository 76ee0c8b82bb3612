// Where an object is. Every read starts here.
//
// The order is packed, loose, packed again: an object that was loose at the first look may be
// packed, and its loose copy gone, at the second. Whoever unlinks a loose copy has committed the
// packed row and counted up the generation before, so the third look is skipped while the
// generation stands. A pack that is gone when it is opened was rewritten: the object is looked up
// again. Where the row or the pack's header is damaged, the loose copy stands in, if there is one.
//
// A loose file that a removal has noted is no copy any more, whether it is unlinked yet or not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "index/rows.h"
#include "io/file.h"
#include "packstore/object.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "store/pack_files.h"

namespace packstore::store {

struct StoreCore;

// An object's bytes, found and opened: a record of a pack, or a whole loose file.
struct FoundObject {
  std::shared_ptr<const PackFile> pack = {};  // Or null, then:
  std::unique_ptr<const io::File> loose = {};
  index::ObjectRow row = {};  // Of a loose object: id, and both sizes.
};

// nullopt: nobody has put it. kCorrupt: its row or its pack is damaged, and there is no loose copy.
Result<std::optional<FoundObject>> open_found(const StoreCore& core, const ObjectId& id);

// By the place where it was found last: nothing is promised but speed. nullopt: look it up. Where
// reading it fails, the place may be of yesterday: look it up, too.
std::optional<FoundObject> open_known(const StoreCore& core, const ObjectId& id);

// The loose copy, if there is one: for when the packed copy turns out damaged.
Result<std::optional<FoundObject>> open_loose_copy(const StoreCore& core, const ObjectId& id);

// The loose copy as far as its size tells; nullopt: there is none.
Result<std::optional<ObjectInfo>> locate_loose(const StoreCore& core, const ObjectId& id);

// Size and place without opening a pack; nullopt: nobody has put it. kCorrupt: its row is damaged,
// and there is no loose copy.
Result<std::optional<ObjectInfo>> locate(const StoreCore& core, const ObjectId& id);

enum class Presence : std::uint8_t {
  kAbsent,
  kPacked,
  kLoose,
  kWaiting,  // Buffered by this process, and lost when that cannot be published: no duplicate.
};

struct LocatedObject {
  Presence presence = Presence::kAbsent;
  ObjectInfo info = {};  // Unless it is absent.
};

// locate() for who has to know how far to rely on it.
Result<LocatedObject> look_up(const StoreCore& core, const ObjectId& id);

// Whether and how each of `ids` (in any order) is in the store, from one pass over the index.
Result<std::vector<Presence>> find_presence(const StoreCore& core, std::span<const ObjectId> ids);

// The same size under the same id, or kCorrupt: two contents with one SHA-256, or a damaged row.
Status check_same_size(const ObjectInfo& known, std::uint64_t size);

}  // namespace packstore::store
