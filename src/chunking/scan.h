// Which instructions a chunker scans with.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "chunking/gear_rule.h"
#include "chunking/stream_scan.h"
#include "packstore/result.h"

namespace packstore::chunking {

// All of them cut alike.
enum class Scan : std::uint8_t {
  kScalar,    // One byte after the other: what the others are held against.
  kPortable,  // Two places of the stream at a time, ordinary instructions.
  kNeon,      // Many streams side by side, 16 bytes to a register; native profile only.
  kAvx2,      // 32 bytes to a register; native profile only.
  kAvx512,    // 64 bytes to a register; native profile and FastCDC.
};

// Slowest first.
inline constexpr std::array kAllScans = {Scan::kScalar, Scan::kPortable, Scan::kNeon, Scan::kAvx2,
                                         Scan::kAvx512};

// As PACKSTORE_CHUNKING spells it.
std::string_view to_string(Scan scan);

// The scans that this processor can run for `rule`, slowest first.
std::vector<Scan> scans_for(const GearRule& rule);

// The kernel of one of them; nullptr for those without vector instructions.
const StreamScan* kernel_of(Scan scan, const GearRule& rule);

// The one that PACKSTORE_CHUNKING names, else the fastest.
//
// kInvalidArgument: the variable names none. kUnsupported: one that scans_for(rule) lacks.
Result<Scan> choose_scan(const GearRule& rule);

}  // namespace packstore::chunking
