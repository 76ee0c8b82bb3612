// The kernels that this build has; whether the processor can run one is for scan.cc to ask.
#pragma once

#include "chunking/stream_scan.h"

#if defined(__x86_64__)
#define PACKSTORE_AVX2 1
#define PACKSTORE_AVX512 1
#elif defined(__aarch64__)
#define PACKSTORE_NEON 1
#endif

namespace packstore::chunking {

#if defined(PACKSTORE_AVX2)
extern const StreamScan kNativeAvx2;
#endif
#if defined(PACKSTORE_AVX512)
extern const StreamScan kNativeAvx512;
extern const StreamScan kFastCdcAvx512;
#endif
#if defined(PACKSTORE_NEON)
extern const StreamScan kNativeNeon;
#endif

}  // namespace packstore::chunking
