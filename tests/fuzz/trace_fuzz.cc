// Page write traces: what is accepted can be simulated, with every record accounted for.
#include "base/check.h"
#include "compaction/write_history.h"
#include "fuzz/fuzz_input.h"
#include "packstore/simulation.h"

namespace packstore::testing {
namespace {

// Simulating takes time by pages, flushes and files; fuzzers want many inputs a second.
bool is_small(const WriteHistory& history) {
  return history.data().page_count <= 4096 && history.flush_count() <= 32 &&
         history.wal_bytes() <= 1 << 20;
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const ByteView trace = testing::FuzzInput(data, size).rest();
  const auto history = WriteHistory::from_trace(
      trace, {.file_bytes = 1000, .cell_keys_log2 = 4, .bitmap_keys_log2 = 6, .repeat = 2});
  if (!history) return 0;
  PACKSTORE_CHECK(history->record_count() != 0 && history->flush_count() != 0);
  if (!testing::is_small(*history)) return 0;
  for (const auto& policy : {make_tiered_policy({.file_bytes = 1000}),
                             make_cell_policy({.sizing = {.file_bytes = 1000}})}) {
    const auto row = simulate(*history, *policy, {.window_bytes = 5000, .embed_after_pages = 1});
    PACKSTORE_CHECK(row.has_value());
    PACKSTORE_CHECK(row->wal_bytes == history->wal_bytes());
  }
  return 0;
}
