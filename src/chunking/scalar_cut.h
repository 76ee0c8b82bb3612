// Cutting with ordinary instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chunking/gear_rule.h"
#include "packstore/bytes.h"

namespace packstore::chunking {

// Both as Chunker::cut(); they cut alike.

// One byte after the other.
std::size_t cut_in_one_lane(const GearRule& rule, ByteView data, InputEnd end,
                            std::vector<std::uint32_t>& lengths);

// Two places of the stream at a time.
std::size_t cut_in_two_lanes(const GearRule& rule, ByteView data, InputEnd end,
                             std::vector<std::uint32_t>& lengths);

}  // namespace packstore::chunking
