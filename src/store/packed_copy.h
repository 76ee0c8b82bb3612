// The packed copy of an object that is loose as well: what has to be known before either goes.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "index/rows.h"
#include "packstore/object_id.h"
#include "packstore/result.h"
#include "packstore/validate.h"

namespace packstore::store {

struct StoreCore;

struct PackedCopy {
  enum class State : std::uint8_t {
    kAbsent,   // No row.
    kGood,     // Read, and hashed to the id.
    kDamaged,  // The row is sound, and what it points at is not the object; or the pack is gone.
    kUnknown,  // The row or the pack as a whole is damaged, or the disk does not give it back.
  };
  State state = State::kAbsent;
  std::optional<Finding> finding = {};  // Of kDamaged and kUnknown.
};

// Reads the copy in bounded memory. Under the maintenance lock. An error says nothing about the
// copy; kCancelled: `stop` was triggered.
Result<PackedCopy> inspect_packed_copy(const StoreCore& core, const ObjectId& id,
                                       const std::stop_token& stop = {});

}  // namespace packstore::store
