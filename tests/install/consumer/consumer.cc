// What an application does first: make a store, put an object, get it back. Built with and without
// exceptions, against each way of finding the library.
#include <cstdio>
#include <filesystem>

#include "packstore/store.h"
#include "packstore/version.h"

namespace {

int complain(const packstore::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path path = argv[1];
  auto store = packstore::Store::create(path);
  if (!store) return complain(store.error());

  const packstore::ByteView content = packstore::as_bytes("hello");
  const auto id = store->put(content);
  if (!id) return complain(id.error());
  const auto found = store->get(*id);
  if (!found) return complain(found.error());
  if (packstore::as_text(*found) != "hello") return 1;

  // One part of each library behind the store: SQLite, compression, hashing in batches.
  packstore::BatchOptions options;
  options.compression = packstore::Compression::zstd();
  auto batch = store->begin_batch(options);
  if (!batch) return complain(batch.error());
  if (const auto put = batch->put(packstore::as_bytes("world")); !put) return complain(put.error());
  if (const auto report = batch->commit(); !report) return complain(report.error());

  std::printf("packstore %s, %s\n", packstore::kVersion.data(), id->to_hex().c_str());
  return 0;
}
