// The tables that Gear hashes look bytes up in, and where they come from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "packstore/chunker.h"

namespace packstore::chunking {

// h = 2h + table[byte]: one word for each value of a byte.
using GearTable = std::array<std::uint64_t, 256>;

// Word i is the first 8 bytes, big-endian, of the MD5 of 64 copies of byte i: the table of FastCDC
// in fastcdc-rs. Made at first use.
const GearTable& md5_gear_table();

// The table of the gearhash crate, which xet uses: 256 numbers without a derivation.
extern const GearTable kXetGearTable;

// Word i is the first 8 bytes, little-endian, of SHA-256(label, secret, i); docs/chunking.md,
// "Keyed".
GearTable keyed_gear_table(const ChunkerSecret& secret);

// The native profile looks up the two halves of a byte and XORs what it finds, because vector
// registers hold tables of 16 entries: word of byte b = low[b & 15] ^ high[b >> 4].
struct NibbleTables {
  std::array<std::uint32_t, 16> low{};
  std::array<std::uint32_t, 16> high{};

  std::uint32_t word(std::size_t byte) const { return low[byte & 15U] ^ high[byte >> 4U]; }
};

// Words of SHA-256, as in keyed_gear_table(), under a label of their own; 32 zero bytes stand in
// for a secret where there is none.
NibbleTables native_nibble_tables(const ChunkerSecret& secret);

}  // namespace packstore::chunking
