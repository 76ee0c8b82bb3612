// Moving refs inside an index transaction.
#pragma once

#include <string_view>

#include "index/index.h"
#include "packstore/refs.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// kInvalidArgument: not a name that a ref may have; see Refs.
Status check_ref_name(std::string_view name);

// kInvalidArgument: such a name, or a kind of node that nobody knows.
Status check_ref_move(std::string_view name, const RefMove& step);

// kInvalidArgument: `link` is of no known kind.
Status check_kind(const Link& link);

// One compare-and-swap as part of `transaction`, which must be kDurable; errors as of Refs::move().
Status apply_ref_move(StoreCore& core, index::WriteTransaction& transaction, std::string_view name,
                      const RefMove& step);

}  // namespace packstore::store
