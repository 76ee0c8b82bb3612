// Every scan of a chunker against one lane, and a stream in pieces against the whole. The first
// bytes choose the chunker, the rest is repeated until a kernel has blocks to scan.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "chunking/gear_chunker.h"

namespace {

using namespace packstore;            // NOLINT(google-build-using-namespace)
using namespace packstore::chunking;  // NOLINT(google-build-using-namespace)

using Lengths = std::vector<std::uint32_t>;

constexpr std::size_t kHeaderBytes = 8;

ChunkerSpec spec_of(const std::uint8_t* header) {
  constexpr ChunkerKind kKinds[] = {ChunkerKind::kGear, ChunkerKind::kFastCdc,
                                    ChunkerKind::kNative};
  ChunkerSpec spec{.kind = kKinds[header[0] % 3]};
  spec.bytes_average = 256 + 17U * header[1] * header[1] % 16'000;
  spec.bytes_min = std::max(64U, spec.bytes_average * header[2] / 256);
  spec.bytes_max = spec.bytes_average + spec.bytes_average * header[3] / 64;
  spec.normalisation = header[4] % 4;
  if (spec.kind == ChunkerKind::kFastCdc) spec.seed = header[5];
  return spec;
}

// `pattern` again and again; every so many bytes one is another.
Bytes repeated(ByteView pattern, std::size_t size, std::size_t change_step) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = pattern[i % pattern.size()];
    if (change_step != 0 && i % (64 * change_step) == 0) bytes[i] ^= static_cast<std::byte>(i >> 6);
  }
  return bytes;
}

Lengths cut_in_pieces(const Chunker& chunker, ByteView data, std::size_t piece_bytes) {
  Lengths lengths;
  std::size_t covered = 0;
  std::size_t end = 0;
  while (covered < data.size()) {
    end = std::min(data.size(), end + piece_bytes);
    const InputEnd input_end = end == data.size() ? InputEnd::kLast : InputEnd::kMore;
    covered += chunker.cut(data.subspan(covered, end - covered), input_end, lengths);
  }
  return lengths;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= kHeaderBytes) return 0;
  const ChunkerSpec spec = spec_of(data);
  PACKSTORE_CHECK(spec.check().has_value());
  const ByteView pattern = std::as_bytes(std::span(data, size).subspan(kHeaderBytes));
  const std::size_t total = std::max<std::size_t>(pattern.size(), std::size_t{data[6]} * 1024);
  const Bytes stream = repeated(pattern, total, data[7]);

  const GearRule rule = gear_rule_of(spec);
  Lengths expected;
  GearChunker(rule, Scan::kScalar).cut(stream, InputEnd::kLast, expected);
  for (const Scan scan : scans_for(rule)) {
    const GearChunker chunker(rule, scan);
    Lengths lengths;
    PACKSTORE_CHECK(chunker.cut(stream, InputEnd::kLast, lengths) == stream.size());
    PACKSTORE_CHECK(lengths == expected);
    PACKSTORE_CHECK(cut_in_pieces(chunker, stream, 1 + stream.size() / 7) == expected);
  }
  return 0;
}
