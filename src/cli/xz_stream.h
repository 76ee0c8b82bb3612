// Bytes that xz compressed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::cli {

// What a stream may ask for; it is untrusted.
struct XzLimits {
  std::size_t content_bytes_max = 0;
  // For the decoder's dictionary; xz -9 asks for 65 MiB.
  std::uint64_t decoder_bytes_max = 256 << 20;
};

bool looks_like_xz(ByteView content);

// The content of one or more whole xz streams, every checksum compared.
//
// kInvalidArgument: it holds more than `content_bytes_max`. kCorrupt: not a whole xz stream, or its
// decoder asks for more than `decoder_bytes_max`.
Result<Bytes> decompress_xz(ByteView packed, const XzLimits& limits);

}  // namespace packstore::cli
