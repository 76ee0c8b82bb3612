// Where a stream of bytes is cut into chunks.
//
// A content-defined chunker cuts where the content itself says so: equal stretches of two streams
// get equal chunks, wherever they stand, and chunks are objects that a store keeps once. What the
// kinds cost and save is shown in docs/chunking.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/export.h"
#include "packstore/result.h"

namespace packstore {

// Does the stream go on behind the bytes that a call was given?
enum class InputEnd : std::uint8_t { kMore, kLast };

// Cuts a stream. An application may implement its own.
//
// Thread safety: any thread, any number at once: a chunker is const and keeps no state between
// calls. A stream can therefore be taken up again at any chunk boundary. What it throws, the call
// that writes the file throws when its threads have ended.
class PACKSTORE_EXPORT Chunker {
 public:
  virtual ~Chunker() = default;

  // No chunk is longer; one that is, is kInvalidArgument of the call that writes the file.
  virtual std::uint32_t chunk_bytes_max() const = 0;

  // `data` begins at a chunk boundary. Appends to `lengths` the length of every chunk whose end
  // `data` decides, in order, and returns how many bytes they cover together; what is not covered
  // must stand at the front of the next call. With kLast all of `data` is covered.
  //
  // The cuts do not depend on how a stream is divided into calls. A view of at least
  // chunk_bytes_max() bytes always yields a chunk; a view of a megabyte or more is scanned faster
  // than a short one.
  virtual std::size_t cut(ByteView data, InputEnd end,
                          std::vector<std::uint32_t>& lengths) const = 0;
};

// The numbers are part of recorded profiles: they keep their meaning.
enum class ChunkerKind : std::uint8_t {
  kFixed = 0,    // Every bytes_average bytes: no resynchronisation, no cost.
  kGear = 1,     // 64-bit Gear, mask in the top bits; with the xet parameters, the cuts of xet.
  kFastCdc = 2,  // FastCDC 2020, cut for cut as in fastcdc-rs 4.0.1.
  kNative = 3,   // 32-bit Gear made for vector registers: the dedup of FastCDC, faster.
};

// "fixed", "gear", "fastcdc" or "native".
PACKSTORE_EXPORT std::string_view to_string(ChunkerKind kind);

// 32 bytes that nobody else knows.
using ChunkerSecret = std::array<std::byte, 32>;

// Everything that decides where cuts fall. A value.
struct PACKSTORE_EXPORT ChunkerSpec {
  // Shorter ends inside the window of the hash; fixed: is smaller than the header of its record.
  static constexpr std::uint32_t kBytesMinLimit = 64;
  static constexpr std::uint32_t kBytesAverageMin = 256;
  static constexpr std::uint32_t kBytesAverageMax = 4U << 20;
  static constexpr std::uint32_t kBytesMaxLimit = 16U << 20;
  static constexpr unsigned kNormalisationMax = 3;

  ChunkerKind kind = ChunkerKind::kFastCdc;

  // Only the last chunk of a stream may be shorter than `bytes_min`; none is longer than
  // `bytes_max`. The mean chunk of a long stream is near `bytes_average`. Fixed has one size: all
  // three are equal.
  std::uint32_t bytes_min = 4096;
  std::uint32_t bytes_average = 16384;
  std::uint32_t bytes_max = 65536;

  // How strongly sizes are drawn to the average: below it a cut needs that many bits more, above it
  // that many fewer. 0 for fixed.
  unsigned normalisation = 2;

  // FastCDC only: every word of its table XOR this, as fastcdc-rs does it. No secret: whoever sees
  // chunk lengths of known content can work it out.
  std::uint64_t seed = 0;

  // Derives the whole table from a secret, so that the lengths of chunks tell others nothing about
  // known content (docs/chunking.md, "Keyed"). Not for fixed; not together with a seed.
  std::optional<ChunkerSecret> secret = std::nullopt;

  // What the kinds are made for: a quarter of the average to four times it.
  static ChunkerSpec fixed(std::uint32_t bytes);
  static ChunkerSpec gear(std::uint32_t bytes_average);
  static ChunkerSpec fastcdc(std::uint32_t bytes_average);
  static ChunkerSpec native(std::uint32_t bytes_average);
  // The cuts of xet: 8, 64 and 128 KiB.
  static ChunkerSpec xet();

  // Reads "KIND[:AVERAGE | :MIN-AVERAGE-MAX][:level=N][:seed=N]", sizes in bytes, or "xet".
  // Examples: "fastcdc", "native:65536", "fastcdc:4096-16384-65535:level=1:seed=666".
  //
  // kInvalidArgument: anything else, or values that check() refuses. A secret has no text form.
  static Result<ChunkerSpec> parse(std::string_view text);

  // What parse() reads back as this value, in full; with a secret, ":keyed" in its place, which
  // parse() refuses: a keyed chunker without its secret would cut elsewhere.
  std::string to_text() const;

  // kInvalidArgument: a size or level outside its limits, or one that the kind does not have; the
  // message names the field, its value and the limit.
  Status check() const;

  friend bool operator==(const ChunkerSpec&, const ChunkerSpec&) = default;
};

// The chunker that `spec` describes; by default FastCDC at level 2, 16 KiB on average.
//
// Which scan it runs is decided here, by what the processor can do; all cut alike. The environment
// variable PACKSTORE_CHUNKING pins one: "scalar", "portable", "avx2", "avx512" or "neon".
//
// kInvalidArgument: spec.check() refuses it, or the variable has no such value.
// kUnsupported: the processor cannot run the pinned scan, or `spec` has none of that name.
PACKSTORE_EXPORT Result<std::unique_ptr<Chunker>> make_chunker(const ChunkerSpec& spec = {});

}  // namespace packstore
