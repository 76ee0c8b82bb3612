// Zstandard frames (RFC 8878): whole buffers, and the steps of a stream.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "codec/step.h"
#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::codec {

// Compresses `content` into the front of `into` and returns the size; 0 means that it does not fit.
std::size_t zstd_encode(ByteView content, int level, std::span<std::byte> into);

// As codec::decode().
Status zstd_decode(ByteView stored, std::span<std::byte> content);

std::unique_ptr<Step> make_zstd_encode_step(int level);
std::unique_ptr<Step> make_zstd_decode_step();

}  // namespace packstore::codec
