#include "fuzz/golden_store.h"

#include <random>

#include "packstore/store.h"
#include "store/store_core.h"
#include "support/scratch_directory.h"

namespace packstore::testing {
namespace {

namespace fs = std::filesystem;

Bytes content_of(std::uint64_t number) {
  std::mt19937_64 random(number);
  const std::uint64_t mask = number % 2 == 0 ? 3 : 0xff;
  Bytes content(40 + number * 37 % 300);
  for (std::byte& byte : content) byte = static_cast<std::byte>(random() & mask);
  return content;
}

void keep(GoldenStore& golden, const ObjectId& id, std::uint64_t number) {
  golden.objects.emplace(id, content_of(number));
}

void fill(GoldenStore& golden, const fs::path& path) {
  Store store = Store::create(path, {.open = {.packs = {.bytes_target = 1500}}}).value();
  const Compression wishes[] = {Compression::none(), Compression::zlib(), Compression::zstd()};
  std::uint64_t number = 0;
  for (int batch_number = 0; batch_number < 2; ++batch_number) {
    Batch batch = store.begin_batch().value();
    for (int i = 0; i < 6; ++i, ++number) {
      keep(golden, batch.put(content_of(number), wishes[number % 3]).value(), number);
    }
    batch.commit().value();
  }
  const ObjectId removed = store.put(content_of(90), {.placement = Placement::kPacked}).value();
  for (int i = 0; i < 3; ++i, ++number) {
    const PutOptions packed = {.placement = Placement::kPacked, .compression = wishes[number % 3]};
    keep(golden, store.put(content_of(number), packed).value(), number);
  }
  for (int i = 0; i < 3; ++i, ++number) keep(golden, store.put(content_of(number)).value(), number);
  store.refs().move("main", {.from = {}, .to = golden.objects.begin()->first}).value();
  store.refs().move("other/ref", {.from = {}, .to = golden.objects.rbegin()->first}).value();
  store.lock_maintenance().value().remove({{removed}}).value();
}

}  // namespace

const GoldenStore& golden_store() {
  static const GoldenStore golden = [] {
    const ScratchDirectory scratch;
    const fs::path path = scratch / "store";
    GoldenStore made;
    fill(made, path);
    {
      const auto core = store::open_core(io::posix_file_system(), path, {}).value();
      core->index->checkpoint().value();
    }
    {
      Store store = Store::open(path).value();
      keep(made, store.put(content_of(70), {.placement = Placement::kPacked}).value(), 70);
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
      const fs::path relative = fs::relative(entry.path(), path);
      if (entry.is_directory()) made.directories.push_back(relative);
      // Shared memory of processes that are gone is worth nothing.
      const bool is_file = entry.is_regular_file() && !relative.string().ends_with("-shm");
      if (is_file) made.files.emplace(relative, read_file(entry.path()));
    }
    return made;
  }();
  return golden;
}

void lay_out(const GoldenStore& golden, const fs::path& path) {
  fs::remove_all(path);
  fs::create_directory(path);
  for (const fs::path& directory : golden.directories) fs::create_directory(path / directory);
  for (const auto& [file, bytes] : golden.files) write_file(path / file, bytes);
}

}  // namespace packstore::testing
