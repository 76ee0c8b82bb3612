// What the index knows, as values.
#pragma once

#include <cstdint>
#include <string>

#include "packstore/compression.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::index {

// Packs are numbered from 1; the file names have room for ten digits.
inline constexpr std::uint64_t kPackMax = 9'999'999'999;
// No record is longer than 256 TiB (docs/format.md, "Pack record"), and none begins behind 2^62, so
// that sums of an offset and two lengths always fit.
inline constexpr std::uint64_t kObjectBytesMax = std::uint64_t{1} << 48;
inline constexpr std::uint64_t kOffsetMax = std::uint64_t{1} << 62;

// Where a record of a pack is, and what it holds. `offset` is that of the record's header.
struct Location {
  std::uint64_t pack = 0;
  std::uint64_t offset = 0;
  std::uint64_t stored_size = 0;
  std::uint64_t size = 0;
  Codec codec = Codec::kNone;

  friend bool operator==(const Location&, const Location&) = default;
};

struct ObjectRow {
  ObjectId id = {};
  Location at = {};

  friend bool operator==(const ObjectRow&, const ObjectRow&) = default;
};

// The limits that every row must keep before it is used: a known codec, a pack number, an offset
// behind the pack header, lengths that can be added without overflow, equal sizes when verbatim.
// kCorrupt, with the id, the claim and the limit.
Status check(const ObjectRow& row);

enum class PackState : std::uint8_t {
  kOpen = 0,     // A batch may append to it.
  kSealed = 1,   // Gets no further records.
  kRetired = 2,  // No row points into it; its file is about to go.
};

struct PackRow {
  std::uint64_t pack = 0;
  PackState state = PackState::kOpen;
  // Everything before this offset is synced, and known to the index or dead.
  std::uint64_t indexed_bytes = 0;
  // Of those, the bytes of records (with headers) that no row points at.
  std::uint64_t dead_bytes = 0;
};

// A number, a known state, lengths that can be added without overflow. kCorrupt otherwise.
Status check(const PackRow& row);

}  // namespace packstore::index
