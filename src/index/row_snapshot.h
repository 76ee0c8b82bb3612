// The rows of an index at one moment, sorted: in memory while they are few, in a temporary file of
// SQLite when they are many.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "index/connection.h"
#include "index/index.h"
#include "packstore/result.h"

namespace packstore::index {

// Of an index with up to so many rows a snapshot is kept in memory, 72 bytes a row: 36 MiB at most,
// five times as fast as the file.
inline constexpr std::uint64_t kRowsInMemoryMax = 1 << 19;

// Opens a connection of its own; see Index::rows_in_pack_order().
Result<std::unique_ptr<RowSnapshot>> make_row_snapshot(
    const DatabaseFile& file, std::optional<std::span<const std::uint64_t>> packs,
    std::uint64_t rows_in_memory_max = kRowsInMemoryMax);

}  // namespace packstore::index
