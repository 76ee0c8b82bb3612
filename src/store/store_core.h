// The parts of an open store, and how they find each other.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "format/pack_header.h"
#include "index/index.h"
#include "io/file.h"
#include "io/home_process.h"
#include "packstore/result.h"
#include "packstore/store.h"
#include "store/known_places.h"
#include "store/layout.h"
#include "store/loose_objects.h"
#include "store/pack_files.h"
#include "store/packed_puts.h"
#include "store/sandbox.h"

namespace packstore::store {

// An open store. Thread safety: any thread; every part sees to itself.
struct StoreCore {
  StoreCore(io::FileSystem& file_system, StoreLayout layout, std::unique_ptr<index::Index> opened,
            std::unique_ptr<io::SharedCounter> collection_counter, const OpenOptions& open_options);

  // The front door of a store that stands on any file system.
  static Store into_store(std::unique_ptr<StoreCore> core) { return Store(std::move(core)); }

  // kInvalidArgument: this process was forked from the one that opened the store; it may read.
  Status check_home() const { return home.check(path.native()); }

  // Whoever acknowledges something calls it first. The errors of check_home(). In a backup it makes
  // the store one of its own, which no later backup replaces; kBusy: it is being received.
  Status begin_writing();

  io::FileSystem& files;
  io::HomeProcess home;
  std::filesystem::path path;
  OpenOptions options;
  format::Uuid uuid;
  std::unique_ptr<io::Directory> root;
  std::unique_ptr<io::Directory> locks;
  std::unique_ptr<index::Index> index;
  std::unique_ptr<io::SharedCounter> collections;  // See CollectionWatch.
  LooseObjects loose;
  PackFiles packs;
  mutable KnownPlaces known_places;  // A cache: readers fill it.
  Sandbox sandbox;
  PackedPuts packed_puts;
  std::atomic<bool> is_backup;  // As the mark was when the store was opened; never set later.
};

// Store::open() and Store::create() on any file system; tests put a crashable disk underneath.
Result<std::unique_ptr<StoreCore>> open_core(io::FileSystem& files,
                                             const std::filesystem::path& path,
                                             const OpenOptions& options);
Result<std::unique_ptr<StoreCore>> create_core(io::FileSystem& files,
                                               const std::filesystem::path& path,
                                               const CreateOptions& options);

// Finishes what crashed processes left half done: committed tails of packs, unlinks of a removal.
// Leaves what other processes hold; called by open_core() and clean().
Status take_in_leftovers(StoreCore& core);

}  // namespace packstore::store
