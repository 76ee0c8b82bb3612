// CAR files: whatever is imported has the name that its content has; of a whole one every root can
// be exported and imported again. Headers are read by themselves, too.
#include "packstore/car.h"

#include "base/check.h"
#include "dag/car_format.h"
#include "fuzz/fuzz_input.h"

namespace packstore::testing {
namespace {

void read_headers(ByteView bytes) {
  if (const auto header = dag::decode_car_header(bytes)) {
    PACKSTORE_CHECK(header->version == 1 || header->roots.empty());
  }
  constexpr std::size_t kSize = dag::CarV2Header::kSize;
  if (bytes.size() < kSize) return;
  if (const auto header = dag::decode_car_v2_header(bytes.first<kSize>(), kSize)) {
    PACKSTORE_CHECK(header->data_offset >= kSize && header->data_size > 0);
    PACKSTORE_CHECK(header->data_offset + header->data_size > header->data_offset);
  }
}

void export_and_import(const BlockStore& blocks, const Cid& root) {
  Bytes file;
  const Result<CarExport> done = export_car(blocks, root, [&file](ByteView part) -> Status {
    file.insert(file.end(), part.begin(), part.end());
    return {};
  });
  PACKSTORE_CHECK(done.has_value());
  MemoryBlocks copy;
  ViewSource source(file);
  const CarImport import = import_car(copy, source).value();
  PACKSTORE_CHECK(import.is_whole() && import.blocks == done->blocks);
  PACKSTORE_CHECK(import.roots.size() == 1 && import.roots.front() == root);
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView bytes = testing::FuzzInput(data, size).rest();
  testing::read_headers(bytes);
  MemoryBlocks blocks;
  ViewSource source(bytes);
  const Result<CarImport> import = import_car(blocks, source);
  if (!import || !import->is_whole()) return 0;
  for (const Cid& root : import->roots) {
    PACKSTORE_CHECK(check_dag(blocks, root).value().is_whole());
    testing::export_and_import(blocks, root);
  }
  return 0;
}
