// What every scan of a Gear hash obeys, whichever instructions it uses.
//
// The hash after byte i is h = 2h + table[byte i]. It has no feedback: what is older than the
// register is wide has been shifted out, so that candidates for cuts are a property of the last
// `history_bytes` bytes, and minimum, average and maximum only choose among them.
#pragma once

#include <cstdint>
#include <optional>

#include "chunking/gear_table.h"
#include "packstore/chunker.h"

namespace packstore::chunking {

// FastCDC, Gear and the native profile in one form. All offsets count from the start of a chunk.
struct GearRule {
  GearTable table{};
  // Set where table is made of these: its words are theirs in the upper half of 64 bits.
  std::optional<NibbleTables> nibbles = std::nullopt;

  // Byte i ends the search if (h & mask) == 0: strict below `loose_from`, loose from there on.
  std::uint64_t mask_strict = 0;
  std::uint64_t mask_loose = 0;

  std::uint32_t hash_from = 0;   // h is 0 in front of this byte.
  std::uint32_t test_from = 0;   // The first byte that may end the search.
  std::uint32_t loose_from = 0;  // The first byte that the loose mask tests.
  std::uint32_t history_bytes = 0;

  std::uint32_t bytes_min = 0;
  std::uint32_t bytes_average = 0;
  std::uint32_t bytes_max = 0;
  // Bytes between the one that ends the search and the cut: 0, it opens the next chunk, or 1, it
  // closes this one.
  std::uint32_t cut_after = 0;
  // FastCDC tests bytes in pairs: the last byte of a window of odd length is never tested.
  std::uint32_t test_step = 1;

  // Its hash starts behind the minimum, others have their history in front of it.
  bool is_fastcdc() const { return hash_from == test_from; }

  // The end of what is tested in a window: the rest of it holds no whole step.
  std::size_t test_end(std::size_t window_bytes) const {
    return window_bytes - window_bytes % test_step;
  }
};

// `spec` is one that its check() accepts, of a kind other than fixed.
GearRule gear_rule_of(const ChunkerSpec& spec);

}  // namespace packstore::chunking
