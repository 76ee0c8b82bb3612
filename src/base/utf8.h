// Text from outside.
#pragma once

#include <string_view>

namespace packstore {

// True when `text` is well-formed UTF-8 as the Unicode Standard defines it (table 3-7): no
// surrogates, no longer form than need be, nothing above U+10FFFF. The empty text is.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace packstore
