// Bytes as lower-case hexadecimal text, and back.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "packstore/bytes.h"

namespace packstore {

std::string to_hex(ByteView bytes);

// True and `into` filled when `hex` is exactly 2 * into.size() lower-case hexadecimal digits;
// false, and `into` in an unspecified state, otherwise.
[[nodiscard]] bool from_hex(std::string_view hex, std::span<std::byte> into);

// True when `text` has only lower-case hexadecimal digits; the empty text has.
[[nodiscard]] bool is_hex(std::string_view text);

}  // namespace packstore
