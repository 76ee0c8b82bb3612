// Which loose objects a pack_loose() is about.
#pragma once

#include <cstdint>
#include <vector>

#include "packstore/maintenance.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

struct LooseObject {
  ObjectId id;
  std::uint64_t size = 0;
};

// By ascending id, within the budgets of `options`. kInvalidArgument: the prefix is not hexadecimal
// or the pattern no regular expression.
Result<std::vector<LooseObject>> select_loose(const StoreCore& core, const PackOptions& options);

}  // namespace packstore::store
