// Which instructions a chunker scans with.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "chunking/gear_rule.h"
#include "packstore/result.h"

namespace packstore::chunking {

// All of them cut alike.
enum class Scan : std::uint8_t {
  kScalar,    // One byte after the other: what the others are held against.
  kPortable,  // Two places of the stream at a time, ordinary instructions.
};

inline constexpr std::array kAllScans = {Scan::kScalar, Scan::kPortable};

// As PACKSTORE_CHUNKING spells it.
std::string_view to_string(Scan scan);

// The scans that this processor can run for `rule`, slowest first.
std::vector<Scan> scans_for(const GearRule& rule);

// The one that PACKSTORE_CHUNKING names, else the fastest.
//
// kInvalidArgument: the variable names none. kUnsupported: one that scans_for(rule) lacks.
Result<Scan> choose_scan(const GearRule& rule);

}  // namespace packstore::chunking
