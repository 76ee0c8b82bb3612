// A trace that xz compressed: any bytes are refused or decompressed within the limits, and what was
// damaged never comes out as something else.
#include <lzma.h>

#include "base/check.h"
#include "cli/xz_stream.h"
#include "fuzz/fuzz_input.h"

namespace packstore::testing {
namespace {

constexpr std::size_t kContentBytesMax = 1 << 20;
constexpr std::uint64_t kDecoderBytesMax = 16 << 20;

Result<Bytes> decompress(ByteView packed) {
  return cli::decompress_xz(
      packed, {.content_bytes_max = kContentBytesMax, .decoder_bytes_max = kDecoderBytesMax});
}

Bytes compress(ByteView content) {
  Bytes packed(lzma_stream_buffer_bound(content.size()));
  std::size_t size = 0;
  const lzma_ret state = lzma_easy_buffer_encode(
      0, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(content.data()),
      content.size(), reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  PACKSTORE_CHECK(state == LZMA_OK);
  packed.resize(size);
  return packed;
}

void expect_same_or_none(ByteView packed, ByteView content) {
  const Result<Bytes> found = decompress(packed);
  PACKSTORE_CHECK(!found || as_text(*found) == as_text(content));
}

// Whole, cut, with one byte changed, and twice in a row.
void try_damage(FuzzInput input) {
  const auto place = input.take<std::uint32_t>();
  const auto change = input.take<std::uint8_t>();
  const ByteView content = input.take_bytes(kContentBytesMax / 4);
  Bytes packed = compress(content);
  const Result<Bytes> found = decompress(packed);
  PACKSTORE_CHECK(found && as_text(*found) == as_text(content));
  PACKSTORE_CHECK(cli::looks_like_xz(packed));
  PACKSTORE_CHECK(!decompress(ByteView(packed).first(place % packed.size())));

  Bytes twice = packed;
  twice.insert(twice.end(), packed.begin(), packed.end());
  const Result<Bytes> both = decompress(twice);
  PACKSTORE_CHECK(both && both->size() == 2 * content.size());

  packed[place % packed.size()] ^= std::byte{change};
  expect_same_or_none(packed, content);
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const testing::FuzzInput input(data, size);
  const auto found = testing::decompress(input.rest());
  PACKSTORE_CHECK(!found || found->size() <= testing::kContentBytesMax);
  testing::try_damage(input);
  return 0;
}
