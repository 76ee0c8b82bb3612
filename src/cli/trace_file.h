// A page write trace, compressed or not.
#pragma once

#include <string>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::cli {

// Traces are held in memory whole; the largest that is taken.
inline constexpr std::size_t kTraceBytesMax = std::size_t{2} << 30;

// The content of `name`, or of standard input for "-"; what begins like an xz file is decompressed.
//
// kIo, kInvalidArgument: it cannot be read, or holds more than kTraceBytesMax. kCorrupt: not a
// whole xz stream.
Result<Bytes> read_trace_file(const std::string& name);

}  // namespace packstore::cli
