// 1. Blocks are gathered into slices, because many are hashed several times as fast as one by one.
// 2. BlockStore::prepare() hashes a slice; the hashes are compared with the names before anything
//    is put.
// 3. What arrived and what it links to goes into a ledger, because what was put cannot be read
//    before the commit. At the end it is walked from the roots, to list what is missing.
#include <optional>
#include <utility>

#include "base/error.h"
#include "dag/car_reader.h"
#include "dag/link_ledger.h"
#include "packstore/car.h"
#include "store/progress_meter.h"

namespace packstore {
namespace {

constexpr std::size_t kSliceBlocks = 256;
constexpr std::size_t kSliceBytes = 4 << 20;

class CarImporter {
 public:
  CarImporter(BlockStore& blocks, CarImport& report) : blocks_(blocks), report_(report) {}

  Status take(dag::CarBlock block) {
    ++report_.blocks;
    report_.block_bytes += block.content().size();
    if (block.cid.inline_content()) return check_inline(block);
    if (!block.cid.object_id()) {
      // What links to it will be told the same; a block that nothing links to is told here.
      note({block.cid, fail(ErrorCode::kUnsupported,
                            "block {}: its hash has the code {:#x}, only SHA-256 is kept",
                            block.cid.to_text(), block.cid.hash_code())});
      return {};
    }
    slice_bytes_ += block.section.size();
    slice_.push_back(std::move(block));
    if (slice_.size() < kSliceBlocks && slice_bytes_ < kSliceBytes) return {};
    return put_slice();
  }

  // After the last block. The walk may be long where the block store has most of the DAG.
  Status find_faults(const RunControl& control) {
    store::ProgressMeter meter(control, "check");
    RETURN_IF_ERROR(ledger_.find_faults(blocks_, report_.roots, meter,
                                        [this](BlockFault fault) { note(std::move(fault)); }));
    meter.show();
    return {};
  }

  // Puts what was taken and is not put yet.
  Status put_slice() {
    if (slice_.empty()) return {};
    std::vector<ByteView> contents;
    contents.reserve(slice_.size());
    for (const dag::CarBlock& block : slice_) contents.push_back(block.content());
    ASSIGN_OR_RETURN(const auto prepared, blocks_.prepare(contents));
    for (std::size_t i = 0; i < slice_.size(); ++i) {
      if (slice_[i].cid.object_id() == prepared->names[i]) continue;
      return fail(ErrorCode::kCorrupt, "CAR at byte {}: block {} has the SHA-256 {}",
                  slice_[i].offset, slice_[i].cid.to_text(), prepared->names[i].to_hex());
    }
    RETURN_IF_ERROR(blocks_.put_prepared(*prepared));
    for (const dag::CarBlock& block : slice_) ledger_.add(block.cid, block.content());
    slice_.clear();
    slice_bytes_ = 0;
    return {};
  }

 private:
  static Status check_inline(const dag::CarBlock& block) {
    if (as_text(*block.cid.inline_content()) == as_text(block.content())) return {};
    return fail(ErrorCode::kCorrupt, "CAR at byte {}: block {} is not the content in its name",
                block.offset, block.cid.to_text());
  }

  void note(BlockFault fault) {
    if (!fault.cid.object_id() && !told_.insert(fault.cid)) return;
    ++report_.faults;
    if (report_.listed.size() < CarImport::kFaultsListedMax) {
      report_.listed.push_back(std::move(fault));
    }
  }

  BlockStore& blocks_;
  CarImport& report_;
  std::vector<dag::CarBlock> slice_;
  std::size_t slice_bytes_ = 0;
  dag::LinkLedger ledger_;
  dag::CidSet told_;  // Of hashes that are not kept.
};

}  // namespace

Result<CarImport> import_car(BlockStore& blocks, ByteSource& source,
                             const ImportCarOptions& options) {
  store::ProgressMeter meter(options.control, "import");
  meter.expect(options.bytes_expected);
  ASSIGN_OR_RETURN(dag::CarReader car, dag::CarReader::open(source));
  CarImport report{.version = car.version(), .roots = car.roots()};
  CarImporter importer(blocks, report);
  for (std::uint64_t told = 0;;) {
    RETURN_IF_ERROR(meter.advance(car.offset() - told));
    told = car.offset();
    ASSIGN_OR_RETURN(std::optional<dag::CarBlock> block, car.next());
    if (!block) break;
    RETURN_IF_ERROR(importer.take(*std::move(block)));
  }
  RETURN_IF_ERROR(importer.put_slice());
  meter.show();
  RETURN_IF_ERROR(importer.find_faults(options.control));
  report.cut_off_at = car.cut_off_at();
  return report;
}

}  // namespace packstore
