// One entry of a pin file; docs/format.md, "Pin".
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "packstore/link.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::format {

inline constexpr std::size_t kPinEntrySize = 36;
static_assert(kPinEntrySize == ObjectId::kSize + 4 /*kind*/);

std::array<std::byte, kPinEntrySize> encode(const Link& link);

// kUnsupported: a kind that this library does not know.
Result<Link> decode_pin_entry(std::span<const std::byte, kPinEntrySize> bytes);

}  // namespace packstore::format
