#include "chunking/scan.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace packstore::chunking {
namespace {

constexpr const char* kVariable = "PACKSTORE_CHUNKING";

bool can_run(Scan scan, const GearRule&) {
  switch (scan) {
    case Scan::kScalar:
    case Scan::kPortable:
      return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(Scan scan) {
  switch (scan) {
    case Scan::kScalar:
      return "scalar";
    case Scan::kPortable:
      return "portable";
  }
  return "unknown";
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
  if (pinned == nullptr || *pinned == '\0') return scans.back();

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
