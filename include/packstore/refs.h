// Named roots.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/export.h"
#include "packstore/link.h"
#include "packstore/node_kind.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore {

namespace store {
struct StoreCore;
}

// Whether a store counts what points at each object. Chosen when it is created.
enum class ReferenceCounts : std::uint8_t {
  kNone,   // What no root reaches goes with the next collection.
  kExact,  // What has lost its last reference goes at once; see Refs.
};

// One step of a ref. nullopt means "no such ref", so the same step creates, moves and deletes.
struct RefMove {
  std::optional<ObjectId> from = {};
  std::optional<ObjectId> to = {};
  // What `to` is: collection follows the links of a node, and none of a raw object.
  NodeKind kind = NodeKind::kRaw;
};

struct Ref {
  std::string name = {};
  ObjectId id = {};
  NodeKind kind = NodeKind::kRaw;
};

// Refs are the only mutable state in a store: names that point at objects. What they point at never
// changes, so moving one ref publishes a whole tree or layer set at once.
//
// In a store that was created with ReferenceCounts::kExact a ref moves only to what is there as a
// whole (kNotFound, kCorrupt otherwise), and moving it takes time for everything that no other ref
// has reached before. What has lost its last reference goes within the call, as far as nobody pins
// it, no batch is open and no maintenance under way: then as soon as the next call can do it. What
// no ref has ever reached stays until a collection.
//
// A name is 1 to 255 bytes of letters, digits and "._-+@=", in segments separated by single '/'; no
// segment is "." or "..". Everything else is kInvalidArgument.
//
// Thread safety: every method may be called from any thread and any process.
class PACKSTORE_EXPORT Refs {
 public:
  // The object `name` points at, or nullopt if nobody has created it.
  Result<std::optional<ObjectId>> find(std::string_view name) const;

  // Moves `name` from `step.from` to `step.to` in one durable step.
  //
  // kConflict: the ref was not at `step.from`; nothing changed.
  // kNotFound: `step.to` is not in the store; nothing changed.
  Status move(std::string_view name, const RefMove& step);

  // Drops the root `name`, wherever it points, and returns where that was; nullopt: there was no
  // such ref. What only this root reached goes with the next collection; at once in a store that
  // counts references.
  Result<std::optional<ObjectId>> dereference(std::string_view name);

  // In a store that counts references: how many refs, and how many nodes that refs reach, point at
  // `link`; a node that does so twice counts once. kUnsupported: a store without counts.
  Result<std::uint64_t> count(const Link& link) const;

  // Every ref whose name starts with `prefix`, by name.
  Result<std::vector<Ref>> list(std::string_view prefix = "") const;

 private:
  friend class Store;
  explicit Refs(store::StoreCore& core) : core_(&core) {}
  store::StoreCore* core_;
};

}  // namespace packstore
