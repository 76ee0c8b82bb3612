#include "mistakes/checks.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "crash/fault_points.h"
#include "crash/sim_disk.h"
#include "crash/world.h"
#include "store/store_core.h"
#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

const std::string kText = "an object of a few bytes, for which nobody has another copy";

// A store with one object.
struct Fixture {
  explicit Fixture(const PutOptions& options = {}) {
    ready = world.create();
    if (ready) ready = world.put(kText, options);
  }
  Complaints trouble() const { return ready ? Complaints() : Complaints{ready.error().message}; }

  SimDisk disk;
  World world{disk};
  Status ready;
  ObjectId id = ObjectId::of(as_bytes(kText));
};

constexpr PutOptions kPacked{.placement = Placement::kPacked};

// Turns a bit of the object's stored bytes, wherever a pack has them.
Status damage_pack(SimDisk& disk) {
  const auto packs = disk.open_directory("/store/packs");
  const auto names = io::list_names(**packs, io::EntryKind::kFile);
  const auto file = (*packs)->open_file(names->front(), io::OpenMode::kReadWrite);
  Bytes content((*file)->info()->size);
  static_cast<void>((*file)->read_at(0, content).has_value());
  const ByteView wanted = as_bytes(kText);
  const auto found = std::search(content.begin(), content.end(), wanted.begin(), wanted.end());
  const std::byte flipped = *found ^ std::byte{1};
  return (*file)->write_at(static_cast<std::uint64_t>(found - content.begin()), {&flipped, 1});
}

// For its time no file grows beyond this; a write over the border is cut short there.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_ = {};
  void (*old_handler_)(int) = nullptr;
};

}  // namespace

Complaints check_lock() {
  Fixture fixture;
  if (!fixture.ready) return fixture.trouble();
  const auto first = fixture.world.store().lock_maintenance();
  if (!first) return {first.error().message};
  if (fixture.world.store().lock_maintenance()) return {"two hold the maintenance lock"};
  return {};
}

Complaints check_move_during_read() {
  Fixture fixture;
  if (!fixture.ready) return fixture.trouble();
  World packer(fixture.disk);
  Status packed = packer.open();
  const std::string loose_name = fixture.id.to_hex().substr(2);
  bool moved = false;
  fixture.disk.watch([&](std::string_view name) {
    if (name != loose_name || moved) return;
    moved = true;
    if (packed) packed = packer.pack_loose();
  });
  const Result<Bytes> content = fixture.world.store().get(fixture.id);
  fixture.disk.watch(nullptr);
  if (!packed) return {packed.error().message};
  if (!content) return {"packed during a read, and not found: " + content.error().message};
  return {};
}

Complaints check_ref_to_absent_object() {
  Fixture fixture;
  if (!fixture.ready) return fixture.trouble();
  const ObjectId absent = ObjectId::of(as_bytes("nobody has put this"));
  const Status moved =
      fixture.world.store().refs().move("head", {.from = std::nullopt, .to = absent});
  if (moved) return {"a ref points at an object that is not there"};
  return {};
}

Complaints check_repack_of_damage() {
  Fixture fixture(kPacked);
  if (!fixture.ready) return fixture.trouble();
  if (const Status damaged = damage_pack(fixture.disk); !damaged) return {damaged.error().message};
  auto lock = fixture.world.store().lock_maintenance();
  const auto report = lock->repack();
  if (!report) return {report.error().message};
  if (report->damaged.empty()) return {"repack took a damaged record for a good one"};
  return {};
}

Complaints check_false_length() {
  SimDisk disk;
  auto core = store::create_core(disk, "/store", {});
  if (!core) return {core.error().message};
  index::Index& index = *(*core)->index;
  store::StoreCore& opened = **core;
  Store store = store::StoreCore::into_store(std::move(*core));
  const auto id = store.put(as_bytes(kText), kPacked);
  if (!id) return {id.error().message};
  const auto at = index.find(*id);
  {
    auto transaction = opened.index->begin_write(index::CommitSync::kDurable);
    index::Location lie = **at;
    lie.size = lie.stored_size = kText.size() / 2;
    const auto moved = (*transaction)->move(*id, **at, lie);
    if (!moved || !*moved || !(*transaction)->commit()) return {"cannot write a false row"};
  }
  const Result<Bytes> content = store.get(*id, {.verify = Verify::kNone});
  if (content) return {fmt::format("{} bytes read of {}", content->size(), kText.size())};
  return {};
}

Complaints check_short_write() {
  const testing::ScratchDirectory scratch;
  const auto directory = io::posix_file_system().open_directory(scratch.path().string());
  const auto file = (*directory)->create_file("file");
  const FileSizeLimit limit(1'000);
  const Status written = (*file)->write_at(0, Bytes(4'000));
  if (written && (*file)->info()->size < 4'000) return {"a short write passed for a whole one"};
  return {};
}

Complaints check_tail_of_failed_sync() {
  const Scenario scenario = find_scenario("put_packed");
  Complaints found;
  for (std::uint64_t step = 1; found.empty(); ++step) {
    const FaultSurvey survey = fail_at(scenario, {{.step = step}, {.step = step + 1}});
    found = survey.complaints;
    if (step >= survey.steps) break;
  }
  return found;
}

}  // namespace packstore::crash
