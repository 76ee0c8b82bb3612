// Putting single objects.
#pragma once

#include <cstddef>
#include <span>

#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/object.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "store/sandbox.h"

namespace packstore::store {

struct StoreCore;

Result<ObjectId> put(StoreCore& core, ByteView content, const PutOptions& options);

// Any size in bounded memory: short streams as above, longer ones through the sandbox.
Result<ObjectId> put(StoreCore& core, ByteSource& source, const PutOptions& options);

// Fills `into` from the source; fewer bytes only at its end.
Result<std::size_t> fill(ByteSource& source, std::span<std::byte> into);

// True when there is a loose copy, and its content is what the id promises. False also where it was
// packed or removed since it was found: putting it again is right for both.
Result<bool> has_whole_loose_copy(const StoreCore& core, const ObjectId& id);

// True when the store has the object, durably (for kSynced) and whole: there is nothing to write.
// A collection that is under way is told that the object is wanted, found or not.
// Calls off an unlink of its loose copy that a crashed removal left pending. A damaged loose copy
// does not count, so that a put replaces it. kCorrupt: a packed copy claims another size.
Result<bool> confirm_known(StoreCore& core, const ObjectId& id, std::uint64_t size,
                           Durability durability);

// Makes `file` the loose copy of an object that confirm_known() did not find; durable on return.
// Calls off an unlink as above.
Status adopt_loose(StoreCore& core, SandboxFile file, const ObjectId& id);

}  // namespace packstore::store
