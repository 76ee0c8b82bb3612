// Counting references, in stores that were created so: how many refs, and nodes that are counted
// themselves, point at each link. A node that links to something twice counts once.
//
// Only what a ref reaches is counted. So nothing but a move of a ref changes a count, and does it
// in the transaction that moves the ref: what is put, packed or taken in from the tail of a pack
// has no count before a ref reaches it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "index/index.h"
#include "index/reference_table.h"
#include "packstore/bytes.h"
#include "packstore/link.h"
#include "packstore/refs.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// What an object answers with whose links cannot be known.
bool is_damage(ErrorCode code);

// What the node with these bytes points at, each link once.
// kInvalidArgument: the store was opened without OpenOptions::children_of.
Result<std::vector<Link>> links_of(const StoreCore& core, const Link& node, ByteView content);

// The same, with the bytes that `transaction` sees.
Result<std::vector<Link>> read_links(const StoreCore& core, index::WriteTransaction& transaction,
                                     const Link& node);

// Counts a ref that moves: everything that it newly reaches, at once; what it leaves becomes a
// release (release.h). Nothing in a store without counts.
// kNotFound, kCorrupt: something that `to` reaches is absent or no node of its kind; the message
// names it and its parent.
Status count_ref_move(StoreCore& core, index::WriteTransaction& transaction,
                      const std::optional<Link>& from, const std::optional<Link>& to);

// One reference less; the last one makes the link a release.
Status drop_reference(index::ReferenceTable& table, const Link& link);

// Counts everything anew from the refs, in one transaction. What is damaged is followed later.
Status recount(StoreCore& core);

// Leaves it to the next opener of the store to count everything anew, from `refs`.
Status recount_later(index::WriteTransaction& transaction, std::span<const Ref> refs);

// Follows the nodes that could not be followed before; those that still cannot are left.
Status follow_put_off(StoreCore& core);

}  // namespace packstore::store
