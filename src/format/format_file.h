// docs/format.md, "FORMAT": the text file that makes a directory a store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "format/pack_header.h"
#include "packstore/result.h"

namespace packstore::format {

inline constexpr std::uint32_t kStoreVersion = 1;
// A FORMAT file is never longer than this.
inline constexpr std::size_t kFormatFileBytesMax = 4096;

struct FormatFile {
  Uuid store;
  bool counts_references = false;
  friend bool operator==(const FormatFile&, const FormatFile&) = default;
};

std::string encode(const FormatFile& format);

// kUnsupported: a version above kStoreVersion. kCorrupt: anything else that encode() cannot have
// written. Lines that it does not know, after the second, are for later versions and ignored.
Result<FormatFile> decode_format_file(std::string_view text);

}  // namespace packstore::format
