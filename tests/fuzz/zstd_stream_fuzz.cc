// Stored bytes that should be one zstd frame (RFC 8878).
#include "fuzz/codec_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  packstore::testing::fuzz_codec_stream(packstore::Codec::kZstd, {data, size});
  return 0;
}
