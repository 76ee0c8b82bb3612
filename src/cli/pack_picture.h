// How full packs are, drawn.
#pragma once

#include <span>
#include <string>

#include "packstore/stats.h"

namespace packstore::cli {

// One line for each pack: its number, size, share of live bytes, and a bar as long as the pack is
// large, '#' for live bytes and '-' for dead ones. Empty where there are no packs.
std::string draw_packs(std::span<const PackStats> packs);

// The same as an SVG picture.
std::string draw_packs_as_svg(std::span<const PackStats> packs);

}  // namespace packstore::cli
