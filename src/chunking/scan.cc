#include "chunking/scan.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "chunking/kernels.h"

namespace packstore::chunking {
namespace {

constexpr const char* kVariable = "PACKSTORE_CHUNKING";

// Does this build have it, and can this processor run it?
const StreamScan* native_kernel([[maybe_unused]] Scan scan) {
#if defined(PACKSTORE_AVX2)
  if (scan == Scan::kAvx2 && __builtin_cpu_supports("avx2")) return &kNativeAvx2;
#endif
#if defined(PACKSTORE_AVX512)
  if (scan == Scan::kAvx512 && __builtin_cpu_supports("avx512bw")) return &kNativeAvx512;
#endif
#if defined(PACKSTORE_NEON)
  // Every processor of this architecture has it.
  if (scan == Scan::kNeon) return &kNativeNeon;
#endif
  return nullptr;
}

// The kernel has a digit of a word take the carry of the one below: that must not carry again.
[[maybe_unused]] bool has_full_digit(const GearTable& table) {
  return std::any_of(table.begin(), table.end(), [](std::uint64_t word) {
    return (word >> 16U & 0xffffU) == 0xffffU || (word >> 32U & 0xffffU) == 0xffffU;
  });
}

const StreamScan* fastcdc_kernel([[maybe_unused]] Scan scan,
                                 [[maybe_unused]] const GearTable& table) {
#if defined(PACKSTORE_AVX512)
  if (scan == Scan::kAvx512 && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vbmi") && !has_full_digit(table)) {
    return &kFastCdcAvx512;
  }
#endif
  return nullptr;
}

bool can_run(Scan scan, const GearRule& rule) {
  return scan == Scan::kScalar || scan == Scan::kPortable || kernel_of(scan, rule) != nullptr;
}

// What to take when nothing is pinned. With clang 14 two lanes are slower than one: 3.4 GB/s
// against 3.7 (FastCDC, 16 KiB, Zen 3).
Scan fastest(const std::vector<Scan>& scans) {
#if defined(__clang__)
  if (scans.back() == Scan::kPortable) return Scan::kScalar;
#endif
  return scans.back();
}

}  // namespace

std::string_view to_string(Scan scan) {
  switch (scan) {
    case Scan::kScalar:
      return "scalar";
    case Scan::kPortable:
      return "portable";
    case Scan::kNeon:
      return "neon";
    case Scan::kAvx2:
      return "avx2";
    case Scan::kAvx512:
      return "avx512";
  }
  return "unknown";
}

const StreamScan* kernel_of(Scan scan, const GearRule& rule) {
  if (rule.nibbles) return native_kernel(scan);
  return rule.is_fastcdc() ? fastcdc_kernel(scan, rule.table) : nullptr;
}

std::vector<Scan> scans_for(const GearRule& rule) {
  std::vector<Scan> scans;
  for (const Scan scan : kAllScans) {
    if (can_run(scan, rule)) scans.push_back(scan);
  }
  return scans;
}

Result<Scan> choose_scan(const GearRule& rule) {
  const std::vector<Scan> scans = scans_for(rule);
  // Nothing in this library writes the environment.
  const char* const pinned = std::getenv(kVariable);  // NOLINT(concurrency-mt-unsafe)
  if (pinned == nullptr || *pinned == '\0') return fastest(scans);

  const auto named = [&](Scan scan) { return to_string(scan) == pinned; };
  const auto wanted = std::find_if(kAllScans.begin(), kAllScans.end(), named);
  if (wanted == kAllScans.end()) {
    return fail(ErrorCode::kInvalidArgument, "{}={}: needs scalar, portable, avx2, avx512 or neon",
                kVariable, pinned);
  }
  if (std::find(scans.begin(), scans.end(), *wanted) == scans.end()) {
    return fail(ErrorCode::kUnsupported,
                "{}={}: this chunker has no such scan, or the processor cannot run it", kVariable,
                pinned);
  }
  return *wanted;
}

}  // namespace packstore::chunking
