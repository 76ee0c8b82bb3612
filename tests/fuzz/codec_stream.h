// Compressed streams: what decodes them at once and what decodes them piece by piece must agree,
// keep to the size that was promised, and read back what was encoded.
#pragma once

#include "fuzz/fuzz_input.h"
#include "packstore/compression.h"

namespace packstore::testing {

void fuzz_codec_stream(Codec codec, FuzzInput input);

}  // namespace packstore::testing
