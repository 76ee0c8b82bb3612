// The tables of an index: making them, and telling them from others.
#pragma once

#include <cstdint>
#include <string_view>

#include "index/connection.h"
#include "packstore/refs.h"
#include "packstore/result.h"

namespace packstore::index {

inline constexpr std::uint64_t kPageBytes = 4096;

// Versions of the schema, both current: whoever does not know of counts must not write to an index
// that has them.
inline constexpr std::uint64_t kPlainVersion = 1;
inline constexpr std::uint64_t kCountingVersion = 2;

// Keys of the table `meta`.
inline constexpr std::string_view kMetaUuid = "uuid";
inline constexpr std::string_view kMetaNextPack = "next_pack";

// Fills an empty database, and leaves it in the mode of the write-ahead log.
Status create_schema(Connection& connection, std::string_view uuid, ReferenceCounts counts);

Result<bool> uses_write_ahead_log(Connection& connection);

// Whether the index has counts. kUnsupported: a newer version. kCorrupt: other tables, or the index
// of another store.
Result<ReferenceCounts> check_schema(Connection& connection, std::string_view uuid);

// Empties every table of the index, inside a transaction, and fills it from the attached index
// `source`, which has the same tables; every pack arrives sealed.
Status replace_from_source(Connection& connection, ReferenceCounts counts);

}  // namespace packstore::index
