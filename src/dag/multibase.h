// The alphabets of CIDs: base32 (RFC 4648, lower case, no padding) and base58 as Bitcoin has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "packstore/bytes.h"

namespace packstore::dag {

std::string to_base32(ByteView bytes);

// nullopt where `text` is not what to_base32() makes of some bytes: a foreign character, a length
// that no bytes have, bits left over that are not zero.
[[nodiscard]] std::optional<Bytes> from_base32(std::string_view text);

// Takes time as the square of the length: for CIDs, whose length has a limit.
std::string to_base58(ByteView bytes);

// nullopt where `text` has a foreign character.
[[nodiscard]] std::optional<Bytes> from_base58(std::string_view text);

}  // namespace packstore::dag
