// Reading single rows, the same inside and outside of a write transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/connection.h"
#include "index/rows.h"
#include "packstore/link.h"
#include "packstore/node_kind.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::index {

// The columns pack, offset, stored_size, size, codec of the current row, unchecked: what is no such
// number fails check().
Location location_of(const Query& query);

// The same columns and behind them the id. A row whose id is not 32 bytes long gets pack 0, which
// fails check().
ObjectRow row_of(const Query& query);

// Where the row points. kCorrupt: it breaks a limit.
Result<Location> checked(const ObjectRow& row);

Result<std::optional<Location>> find_object(Connection& connection, const ObjectId& id);

// The columns of table `packs` of the current row. kCorrupt: one breaks its limits.
Result<PackRow> pack_row_of(const Connection& connection, const Query& query);
Result<std::optional<PackRow>> find_pack_row(Connection& connection, std::uint64_t pack);

// The kind in a column. kCorrupt: no kind that this library knows.
Result<NodeKind> node_kind_of(const Connection& connection, const Query& query, int column);

// The link in the columns `first` (id) and `first + 1` (kind). kCorrupt: no link.
Result<Link> link_of(const Connection& connection, const Query& query, int first);

Result<std::optional<Link>> find_ref_target(Connection& connection, std::string_view name);

// What `check`, one of SQLite's own, finds wrong. Errors are those of reading but kCorrupt, which
// is a complaint.
Result<std::vector<std::string>> complaints_of(Connection& connection, Statement check);

}  // namespace packstore::index
