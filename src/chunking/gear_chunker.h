// Gear, FastCDC and the native profile: one rule, several ways to scan for it.
#pragma once

#include "chunking/gear_rule.h"
#include "chunking/scan.h"
#include "packstore/chunker.h"

namespace packstore::chunking {

class GearChunker final : public Chunker {
 public:
  // `scan` is one of scans_for(rule).
  GearChunker(const GearRule& rule, Scan scan)
      : rule_(rule), scan_(scan), kernel_(kernel_of(scan, rule)) {}

  std::uint32_t chunk_bytes_max() const override { return rule_.bytes_max; }
  std::size_t cut(ByteView data, InputEnd end, std::vector<std::uint32_t>& lengths) const override;

  Scan scan() const { return scan_; }

 private:
  const GearRule rule_;
  const Scan scan_;
  const StreamScan* const kernel_;
};

}  // namespace packstore::chunking
