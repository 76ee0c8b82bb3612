// What stands in packs behind their indexed part: committed groups of writers that died, or whose
// index commit was lost; unfinished ones; damage.
#pragma once

#include <cstdint>
#include <span>

#include "io/file.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// Takes in the committed groups at the front of a pack's tail, as opening a store does after a
// crash. The caller has locked the pack. Returns the offset behind them.
Result<std::uint64_t> take_in_tail(StoreCore& core, std::uint64_t pack, io::File& locked_file);

// The same for those of `packs` that are open and that no live writer holds.
Status take_in_tails(StoreCore& core, std::span<const std::uint64_t> packs);

// For whoever is about to drop rows, under the maintenance lock: what a tail brings in later would
// bring dropped objects back. Takes tails in; where whole groups stand behind damage, copies their
// objects to another pack, durable on return, and cuts the tail off.
Status settle_tails(StoreCore& core);

// Copies the objects of the whole groups in [start, end of file), past damage, unless they are
// elsewhere already; durable on return. The caller has locked the pack. True: there are groups.
Result<bool> rescue_groups(StoreCore& core, const io::File& locked_file, std::uint64_t pack,
                           std::uint64_t start);

// True when a row points behind `end`: what the indexed length leaves out is no tail then.
Result<bool> has_rows_behind(const StoreCore& core, std::uint64_t pack, std::uint64_t end);

}  // namespace packstore::store
