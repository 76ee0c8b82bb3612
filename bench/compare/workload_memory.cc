// Peak memory of each operation on many small objects, and the time to open a store of them.
//
// 1. Each operation is a process of its own, whose peak is asked of the system afterwards. Content
//    is generated while it is needed, never kept, so that what is measured is the library's memory.
// 2. One store is filled by a batch, opened, read, validated, halved and repacked.
// 3. Another gets as many loose objects, and packs them.
#include <fmt/format.h>

#include <array>
#include <numeric>

#include "compare/child.h"
#include "compare/engine.h"
#include "compare/system.h"
#include "compare/workloads.h"

namespace packstore::compare {

namespace {

constexpr std::size_t kBytesMin = 20;
constexpr std::size_t kBytesMax = 400;

// The content of object number `i`: a view into `buffer`.
ByteView content_of(std::uint64_t i, std::array<std::byte, kBytesMax>& buffer) {
  std::uint64_t state = i;
  const std::size_t size = kBytesMin + next_random(state) % (kBytesMax - kBytesMin + 1);
  const auto content = std::span(buffer).first(size);
  fill_random(content, next_random(state));
  return content;
}

void put_all(const std::filesystem::path& path, std::size_t count) {
  constexpr std::size_t kRun = 1000;
  Store store = Store::create(path).value();
  Batch batch = store.begin_batch().value();
  std::vector<std::array<std::byte, kBytesMax>> buffers(kRun);
  std::vector<ByteView> contents;
  for (std::size_t i = 0; i < count;) {
    contents.clear();
    for (; contents.size() < kRun && i < count; ++i) {
      contents.push_back(content_of(i, buffers[contents.size()]));
    }
    batch.put_many(contents).value();
  }
  batch.commit().value();
}

void get_all(const std::filesystem::path& path, std::size_t count) {
  const Store store = Store::open(path).value();
  std::array<std::byte, kBytesMax> buffer;
  // A stride that has no factor in common with the count visits every object, in no order.
  std::size_t stride = 7919;
  while (std::gcd(stride, count) != 1) ++stride;
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView content = content_of(i * stride % count, buffer);
    if (store.get(ObjectId::of(content)).value().size() != content.size()) stop("wrong size");
  }
}

std::vector<ObjectId> ids_of_every(std::size_t step, std::size_t count) {
  std::array<std::byte, kBytesMax> buffer;
  std::vector<ObjectId> ids;
  ids.reserve(count / step + 1);
  for (std::size_t i = 0; i < count; i += step) {
    ids.push_back(ObjectId::of(content_of(i, buffer)));
  }
  return ids;
}

void read_many_all(const std::filesystem::path& path, std::size_t count) {
  const Store store = Store::open(path).value();
  const std::vector<ObjectId> ids = ids_of_every(1, count);
  const auto visit = [](const ObjectId&, const Result<ByteView>& content) -> Status {
    if (!content.has_value()) return content.error();
    return {};
  };
  store.read_many(ids, visit).value();
}

void validate(const std::filesystem::path& path) {
  const Store store = Store::open(path).value();
  if (!store.validate({.threads = 2, .control = {}}).value().is_valid())
    stop("validation found damage");
}

void remove_half_and_repack(const std::filesystem::path& path, std::size_t count) {
  Store store = Store::open(path).value();
  MaintenanceLock lock = store.lock_maintenance().value();
  const std::vector<ObjectId> ids = ids_of_every(2, count);
  if (lock.remove(ids).value().removed != ids.size()) stop("not everything was removed");
  lock.repack().value();
}

// A store of as many loose objects. Their files are written directly, verbatim and under their
// names as docs/format.md says, because a durable put of each would take most of an hour.
void make_loose_store(const std::filesystem::path& path, std::size_t count) {
  constexpr int kShards = 256;
  { const Store store = Store::create(path).value(); }
  std::vector<Descriptor> shards;
  for (int shard = 0; shard < kShards; ++shard) {
    const std::filesystem::path directory = path / "loose" / fmt::format("{:02x}", shard);
    std::filesystem::create_directories(directory);
    shards.push_back(Descriptor::open_directory(directory));
  }
  std::array<std::byte, kBytesMax> buffer;
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView content = content_of(i, buffer);
    const ObjectId id = ObjectId::of(content);
    const Descriptor& shard = shards[std::to_integer<std::size_t>(id.bytes.front())];
    Descriptor::create_file(shard, id.to_hex().substr(2)).write_all(content);
  }
  shards.front().sync_system();
}

void pack_all(const std::filesystem::path& path, std::size_t count) {
  Store store = Store::open(path).value();
  const PackReport report = store.lock_maintenance().value().pack_loose({.threads = 8}).value();
  if (report.objects != count || !report.damaged.empty()) stop("not everything was packed");
}

double open_milliseconds(const std::filesystem::path& path) {
  constexpr int kOpens = 9;
  std::vector<double> milliseconds;
  for (int i = 0; i < kOpens; ++i) {
    const Stopwatch watch;
    const Store store = Store::open(path).value();
    milliseconds.push_back(watch.seconds() * 1e3);
  }
  return median_of(std::move(milliseconds));
}

}  // namespace

void run_memory(const RunOptions& options, Results& results) {
  const std::size_t count = options.memory_objects;
  const std::filesystem::path directory = options.directory / "memory";
  const std::filesystem::path packed = directory / "packed";
  const std::filesystem::path loose = directory / "loose";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);

  const auto measure = [&results](Row row, const std::function<void()>& work) {
    announce(info_of(row).title);
    const ChildReport report = run_in_child([&work] { return seconds_of(work); });
    results.add(row, kPackstore, report.peak_mib);
    announce(fmt::format("  {:.0f} MiB, {:.1f} s", report.peak_mib, report.value));
  };
  measure(Row::kMemoryPut, [&] { put_all(packed, count); });
  announce(info_of(Row::kOpen).title);
  results.add(Row::kOpen, kPackstore,
              run_in_child([&] { return open_milliseconds(packed); }).value);
  measure(Row::kMemoryGet, [&] { get_all(packed, count); });
  measure(Row::kMemoryReadMany, [&] { read_many_all(packed, count); });
  measure(Row::kMemoryValidate, [&] { validate(packed); });
  measure(Row::kMemoryRepack, [&] { remove_half_and_repack(packed, count); });

  announce("making a store of loose objects");
  run_in_child([&] { return seconds_of([&] { make_loose_store(loose, count); }); });
  measure(Row::kMemoryPack, [&] { pack_all(loose, count); });
  std::filesystem::remove_all(directory);
}

}  // namespace packstore::compare
