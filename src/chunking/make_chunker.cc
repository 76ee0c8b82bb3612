#include "base/error.h"
#include "chunking/fixed_chunker.h"
#include "chunking/gear_chunker.h"
#include "chunking/gear_rule.h"
#include "chunking/scan.h"
#include "packstore/chunker.h"

namespace packstore {

Result<std::unique_ptr<Chunker>> make_chunker(const ChunkerSpec& spec) {
  RETURN_IF_ERROR(spec.check());
  if (spec.kind == ChunkerKind::kFixed) {
    return std::unique_ptr<Chunker>(std::make_unique<chunking::FixedChunker>(spec.bytes_average));
  }
  const chunking::GearRule rule = chunking::gear_rule_of(spec);
  ASSIGN_OR_RETURN(const chunking::Scan scan, chunking::choose_scan(rule));
  return std::unique_ptr<Chunker>(std::make_unique<chunking::GearChunker>(rule, scan));
}

}  // namespace packstore
