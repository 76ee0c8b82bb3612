// The tables of an index: making them, and telling them from others.
#pragma once

#include <cstdint>
#include <string_view>

#include "index/connection.h"
#include "packstore/result.h"

namespace packstore::index {

inline constexpr std::uint64_t kPageBytes = 4096;

// Keys of the table `meta`.
inline constexpr std::string_view kMetaUuid = "uuid";
inline constexpr std::string_view kMetaNextPack = "next_pack";

// Fills an empty database, and leaves it in the mode of the write-ahead log.
Status create_schema(Connection& connection, std::string_view uuid);

Result<bool> uses_write_ahead_log(Connection& connection);

// kUnsupported: a newer version. kCorrupt: other tables, or the index of another store.
Status check_schema(Connection& connection, std::string_view uuid);

// Empties every table of the index, inside a transaction, and fills it from the attached index
// `source`; every pack arrives sealed.
Status replace_from_source(Connection& connection);

}  // namespace packstore::index
