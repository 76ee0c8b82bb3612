// Nodes that were reached and not yet walked, in temporary tables of one connection. The last ones
// are taken first, so there are about as many as the tree is deep times as many as a node has
// children.
#pragma once

#include <cstddef>
#include <vector>

#include "index/connection.h"
#include "index/mark_table.h"
#include "packstore/result.h"

namespace packstore::index {

// Makes the table of them.
inline constexpr const char* kCreateFrontier =
    "CREATE TEMP TABLE frontier(step INTEGER PRIMARY KEY, id, kind, parent);";

// Into the table that `statement` names.
Status put_step(Connection& connection, Statement statement, const MarkTable::Step& step);

// Up to `limit` of them, the last ones first.
Result<std::vector<MarkTable::Step>> pop_frontier(Connection& connection, std::size_t limit);

}  // namespace packstore::index
