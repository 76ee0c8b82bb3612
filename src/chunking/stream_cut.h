// Cutting with a kernel that scans many streams at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chunking/gear_rule.h"
#include "chunking/stream_scan.h"
#include "packstore/bytes.h"

namespace packstore::chunking {

// As Chunker::cut(); cuts like one lane.
std::size_t cut_by_streams(const StreamScan& scan, const GearRule& rule, ByteView data,
                           InputEnd end, std::vector<std::uint32_t>& lengths);

}  // namespace packstore::chunking
