// A whole store, mistreated as the input says, and then everything that can be done with a store:
// no crash, no wrong bytes, nothing outside of the store touched. An empty input mistreats nothing,
// and all must succeed.
#include <map>
#include <string>

#include "base/check.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/golden_store.h"
#include "fuzz/mutations.h"
#include "packstore/store.h"
#include "support/scratch_directory.h"

namespace packstore::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kMutationsMax = 8;

// Where one process plays.
struct Playground {
  void lay_out_anew() const {
    lay_out(golden_store(), store);
    fs::remove_all(backup);
    fs::remove_all(outside);
    fs::create_directories(outside / "directory");
    write_file(outside / "precious", "precious");
    write_file(outside / "directory" / "inside", "precious, too");
  }

  std::map<std::string, std::string> picture_of_outside() const {
    std::map<std::string, std::string> picture;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(outside)) {
      picture[entry.path().string()] = entry.is_directory() ? "" : read_file(entry.path());
    }
    return picture;
  }

  ScratchDirectory scratch;
  fs::path store = scratch / "store";
  fs::path outside = scratch / "outside";
  fs::path backup = scratch / "backup";
};

// Bytes that a read gives are those that were put, or there is an error with a message.
void expect_no_wrong_read(const Store& store) {
  for (const auto& [id, content] : golden_store().objects) {
    const Result<Bytes> read = store.get(id);
    PACKSTORE_CHECK(read ? *read == content : !read.error().message.empty());
    static_cast<void>(store.get(id, {.verify = Verify::kNone}));
    static_cast<void>(store.info(id));
    Bytes middle(16);
    if (auto reader = store.open_object(id)) static_cast<void>(reader->read_at(20, middle));
  }
  std::vector<ObjectId> ids;
  for (const auto& [id, content] : golden_store().objects) ids.push_back(id);
  const auto compare = [](const ObjectId& id, const Result<ByteView>& read) -> Status {
    const Bytes& content = golden_store().objects.at(id);
    PACKSTORE_CHECK(!read || std::ranges::equal(*read, content));
    return {};
  };
  static_cast<void>(store.read_many(ids, compare));
}

void look_at(const Store& store) {
  expect_no_wrong_read(store);
  static_cast<void>(store.for_each_object([](const ObjectInfo&) { return Status(); }));
  static_cast<void>(store.stats());
  static_cast<void>(store.refs().list());
  static_cast<void>(store.refs().find("main"));
}

void write_to(Store& store) {
  for (const Placement placement : {Placement::kLoose, Placement::kPacked}) {
    const Bytes content(100, std::byte{static_cast<std::uint8_t>(placement)});
    const Result<ObjectId> id = store.put(content, {.placement = placement});
    if (id) PACKSTORE_CHECK(store.get(*id).value() == content);
  }
  if (Result<Batch> batch = store.begin_batch({.compression = Compression::zlib()})) {
    for (const auto& [id, content] : golden_store().objects) {
      const Result<ObjectId> put = batch->put(content);
      PACKSTORE_CHECK(!put || *put == id);
    }
    static_cast<void>(batch->commit());
  }
  static_cast<void>(store.refs().move("main", {.from = {}, .to = {}}));
}

void maintain(Store& store, MaintenanceLock& lock) {
  static_cast<void>(lock.pack_loose({.compression = Compression::zstd()}));
  expect_no_wrong_read(store);
  static_cast<void>(lock.repack());
  expect_no_wrong_read(store);
  static_cast<void>(lock.clean());
  expect_no_wrong_read(store);
  if (const auto report = store.validate()) static_cast<void>(lock.repair(*report));
  expect_no_wrong_read(store);
  const ObjectId last = golden_store().objects.rbegin()->first;
  if (lock.remove({{last}})) PACKSTORE_CHECK(!store.contains(last).value_or(false));
  static_cast<void>(lock.repack({.compression = Compression::zlib()}));
  expect_no_wrong_read(store);
}

// False where the store does not open.
bool use(const Playground& playground) {
  Result<Store> store = Store::open(playground.store, {.packs = {.bytes_target = 1500}});
  if (!store) return false;
  look_at(*store);
  static_cast<void>(store->validate());
  static_cast<void>(store->backup(playground.backup));
  write_to(*store);
  if (auto lock = store->lock_maintenance()) maintain(*store, *lock);
  return true;
}

void expect_unharmed(const fs::path& path) {
  const Store store = Store::open(path).value();
  for (const auto& [id, content] : golden_store().objects) {
    PACKSTORE_CHECK(store.get(id).value() == content);
  }
  PACKSTORE_CHECK(store.validate().value().findings.empty());
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore::testing;  // NOLINT(google-build-using-namespace)
  static const Playground playground;
  playground.lay_out_anew();
  if (size == 0) expect_unharmed(playground.store);
  FuzzInput input(data, size);
  for (int i = 0; i < kMutationsMax && !input.empty(); ++i) {
    mutate_directory(playground.store, playground.outside, input);
  }
  // Mutations may have gone through a planted link; the library may not.
  const auto outside = playground.picture_of_outside();
  const bool opened = use(playground);
  PACKSTORE_CHECK(opened || size != 0);
  if (packstore::Store::recover(playground.store)) use(playground);
  PACKSTORE_CHECK(playground.picture_of_outside() == outside);
  return 0;
}
