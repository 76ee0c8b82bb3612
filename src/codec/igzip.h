// The fast level of ISA-L: RFC 1950 streams about twice as fast as libdeflate writes them at level
// 1, and five times as fast as zlib, at zlib's size. Present where the library is built in.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "codec/step.h"
#include "packstore/bytes.h"

namespace packstore::codec {

// Compresses `content` into the front of `into` and returns the size; 0 means that it does not fit.
// Content and room must each be shorter than 4 GiB.
std::size_t igzip_encode(ByteView content, std::span<std::byte> into);

std::unique_ptr<Step> make_igzip_encode_step();

}  // namespace packstore::codec
