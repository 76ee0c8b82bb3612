// The rows of an index at one moment, sorted, in a temporary file of SQLite.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "index/connection.h"
#include "index/index.h"
#include "packstore/result.h"

namespace packstore::index {

// Opens a connection of its own; see Index::rows_in_pack_order().
Result<std::unique_ptr<RowSnapshot>> make_row_snapshot(
    const DatabaseFile& file, std::optional<std::span<const std::uint64_t>> packs);

}  // namespace packstore::index
