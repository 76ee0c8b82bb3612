// The unindexed end of a pack: records with right checksums and any claims, in any order, cut off
// and mixed with other bytes. Whoever scans it ends, stays inside, and gives whole groups only.
#include "base/check.h"
#include "format/pack_record.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/memory_file.h"
#include "hash/xxh3.h"
#include "store/pack_scanner.h"

namespace packstore::testing {
namespace {

using format::PackRecord;

constexpr format::RecordPlace kPlace = {.pack = 1};
constexpr std::uint64_t kStart = format::PackHeader::kSize;
constexpr std::size_t kFileBytesMax = 1 << 20;

void append(Bytes& file, ByteView bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); }

// A record as a writer would make it, except for what the input makes it lie about.
void append_record(Bytes& file, FuzzInput& input) {
  const auto lies = input.take<std::uint8_t>();
  const ByteView stored = input.take_bytes(input.take<std::uint8_t>());
  PackRecord record = {.kind = static_cast<PackRecord::Kind>(lies % 3),
                       .codec = static_cast<Codec>(lies / 3 % 3)};
  record.id.bytes[0] = std::byte{lies};
  if (record.is_object()) {
    record.size = record.stored_size = stored.size();
    record.stored_xxh3 = hash::xxh3(stored);
  } else {
    record.group_start = kStart + input.take_below(file.size() - kStart + 1);
  }
  if ((lies & 0x40) != 0) record.stored_size = input.take<std::uint64_t>();
  if ((lies & 0x80) != 0) record.size = record.group_start = input.take<std::uint64_t>();
  const auto header = format::encode(record, {.pack = kPlace.pack, .offset = file.size()});
  append(file, header);
  append(file, stored);
}

Bytes build_pack(FuzzInput& input) {
  Bytes file(kStart);
  while (!input.empty() && file.size() < kFileBytesMax) {
    const auto step = input.take<std::uint8_t>();
    if (step % 4 != 0) {
      append_record(file, input);
    } else if ((step & 0x10) != 0) {
      append(file, input.take_bytes(step));
    } else if ((step & 0x20) != 0) {
      file.resize(kStart + input.take_below(file.size() - kStart + 1));
    } else {
      file[input.take_below(file.size())] ^= std::byte{step};
    }
  }
  return file;
}

void expect_inside(const index::ObjectRow& row, std::uint64_t end) {
  PACKSTORE_CHECK(row.at.offset >= kStart && row.at.offset < end);
  PACKSTORE_CHECK(row.at.stored_size <= end - row.at.offset - PackRecord::kHeaderSize);
}

void walk(const io::File& file, std::uint64_t end) {
  store::PackScanner scanner(file, kPlace, kStart, end);
  std::uint64_t last = 0;
  while (true) {
    const auto record = scanner.next().value();
    if (record) {
      PACKSTORE_CHECK(record->offset >= last);
      last = record->offset + record->record.total_size();
      PACKSTORE_CHECK(last <= end);
    } else if (scanner.damage().empty() || !scanner.skip_damage().value()) {
      return;
    }
  }
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore::testing;  // NOLINT(google-build-using-namespace)
  FuzzInput input(data, size);
  const MemoryFile file(build_pack(input));
  const std::uint64_t end = file.info().value().size;
  const auto tail = packstore::store::scan_tail(file, kPlace, kStart).value();
  PACKSTORE_CHECK(tail.committed_end >= kStart && tail.committed_end <= tail.file_end);
  PACKSTORE_CHECK(tail.file_end == end);
  for (const auto& row : tail.rows) expect_inside(row, tail.committed_end);
  const auto whole = packstore::store::scan_whole_groups(file, kPlace, kStart).value();
  PACKSTORE_CHECK(whole.size() >= tail.rows.size());
  for (const auto& record : whole) expect_inside(record.row(kPlace.pack), end);
  walk(file, end);
  return 0;
}
