// How the bytes of an object are stored in a pack.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "packstore/export.h"
#include "packstore/result.h"

namespace packstore {

// What a record's stored bytes are: the content itself, or one complete standard stream of it.
// The numbers are on disk (docs/format.md, "Pack record").
enum class Codec : std::uint8_t { kNone = 0, kZlib = 1, kZstd = 2 };

// "none", "zlib" or "zstd".
PACKSTORE_EXPORT std::string_view to_string(Codec codec);

// The wish of a caller. Whatever it is, an object never grows: it is kept verbatim unless the
// compressed form is really smaller than `ratio_max` times the content.
struct PACKSTORE_EXPORT Compression {
  Codec codec = Codec::kNone;
  // zlib: 1 (fast) to 9 (small). zstd: 1 to 19. Ignored for kNone.
  int level = 0;
  // Keep verbatim unless stored size < ratio_max * content size; 0 < ratio_max <= 1.
  double ratio_max = 1.0;
  // Look at a few samples first, and skip the whole attempt when they are spread like noise or, of
  // longer content, compress to nothing better: so incompressible content costs little.
  bool sample_first = false;

  static Compression none() { return {}; }
  static Compression zlib(int level = 1) { return {.codec = Codec::kZlib, .level = level}; }
  static Compression zstd(int level = 3) { return {.codec = Codec::kZstd, .level = level}; }
  // Tries, and keeps the result only where it saves enough; cheap on incompressible content.
  static Compression automatic(double ratio_max = 0.9) {
    return {.codec = Codec::kZlib, .level = 1, .ratio_max = ratio_max, .sample_first = true};
  }

  // Reads "none", "zlib", "zlib:N", "zstd", "zstd:N", "auto" or "auto:RATIO".
  // kInvalidArgument: anything else, or a level or ratio outside its limits.
  static Result<Compression> parse(std::string_view text);

  // kInvalidArgument: codec, level or ratio outside its limits.
  Status check() const;
};

}  // namespace packstore
