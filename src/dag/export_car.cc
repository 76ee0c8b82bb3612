#include "dag/car_format.h"
#include "dag/dag_walk.h"
#include "packstore/car.h"

#include "base/error.h"
#include "store/progress_meter.h"

namespace packstore {

static_assert(dag::DagWalk::kBlockBytesMax == kCarBlockBytesMax);

Result<CarExport> export_car(const BlockStore& blocks, const Cid& root, const CarSink& sink,
                             const ExportCarOptions& options) {
  CarExport report;
  store::ProgressMeter meter(options.control, "export");
  const auto write = [&](ByteView bytes) {
    report.file_bytes += bytes.size();
    return sink(bytes);
  };
  bool has_header = false;
  Bytes head;
  dag::DagWalk walk(blocks, dag::LeafContent::kRead);
  const auto write_block = [&](const dag::WalkedBlock& block) -> Status {
    if (!block.content) return block.content.error();
    // Only now: nothing is written where there is no root.
    if (!has_header) RETURN_IF_ERROR(write(dag::encode_car_header(root)));
    has_header = true;
    if (!block.cid.inline_content()) {
      head.clear();
      dag::append_section_head(head, block.cid, block.size);
      RETURN_IF_ERROR(write(head));
      RETURN_IF_ERROR(write(*block.content));
      ++report.blocks;
      report.block_bytes += block.size;
    }
    return meter.advance(block.size);
  };
  RETURN_IF_ERROR(walk.run(root, write_block));
  meter.show();
  return report;
}

}  // namespace packstore
