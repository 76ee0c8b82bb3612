#include "crash/sim_vfs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

namespace packstore::crash {
namespace {

sqlite3_vfs& system_vfs() { return *sqlite3_vfs_find(nullptr); }

// A file as SQLite holds it: in memory of SQLite's, made by open() and ended by close().
struct Handle {
  sqlite3_file base = {};
  SimVfs* vfs = nullptr;
  std::unique_ptr<SimFile> file;                   // Null: a temporary file.
  std::unique_ptr<io::Directory> unsynced_parent;  // Of a log that this handle created.
  Bytes temporary;
};

Handle& as_handle(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
SimVfs& as_vfs(sqlite3_vfs* vfs) { return *static_cast<SimVfs*>(vfs->pAppData); }

int code_of(const Status& status, int otherwise) {
  if (status) return SQLITE_OK;
  return status.error().code == ErrorCode::kNoSpace ? SQLITE_FULL : otherwise;
}

SimVfs::Shared& shared_of(Handle& handle) { return handle.vfs->shared(handle.file->node()); }

int close(sqlite3_file* file) {
  Handle& handle = as_handle(file);
  if (handle.file) {
    const std::lock_guard lock(handle.vfs->mutex());
    shared_of(handle).file_locks.erase(&handle);
  }
  handle.~Handle();
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* into, int amount, sqlite3_int64 offset) {
  Handle& handle = as_handle(file);
  const auto wanted = static_cast<std::size_t>(amount);
  const auto from = static_cast<std::uint64_t>(offset);
  const std::span<std::byte> target(static_cast<std::byte*>(into), wanted);
  std::size_t count = 0;
  if (handle.file) {
    const Result<std::size_t> read = handle.file->read_at(from, target);
    if (!read) return SQLITE_IOERR_READ;
    count = *read;
  } else if (from < handle.temporary.size()) {
    count = std::min<std::size_t>(wanted, handle.temporary.size() - from);
    std::ranges::copy(ByteView(handle.temporary).subspan(from, count), target.begin());
  }
  if (count == wanted) return SQLITE_OK;
  std::ranges::fill(target.subspan(count), std::byte{0});
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  Handle& handle = as_handle(file);
  const ByteView bytes(static_cast<const std::byte*>(from), static_cast<std::size_t>(amount));
  const auto to = static_cast<std::uint64_t>(offset);
  if (handle.file) return code_of(handle.file->raw_write(to, {&bytes, 1}), SQLITE_IOERR_WRITE);
  if (handle.temporary.size() < to + bytes.size()) handle.temporary.resize(to + bytes.size());
  std::ranges::copy(bytes, handle.temporary.begin() + static_cast<std::ptrdiff_t>(to));
  return SQLITE_OK;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  Handle& handle = as_handle(file);
  const auto length = static_cast<std::uint64_t>(size);
  if (handle.file) return code_of(handle.file->raw_truncate(length), SQLITE_IOERR_TRUNCATE);
  handle.temporary.resize(length);
  return SQLITE_OK;
}

int sync(sqlite3_file* file, int) {
  Handle& handle = as_handle(file);
  if (!handle.file) return SQLITE_OK;
  const Status synced = handle.file->raw_sync();
  if (!synced) return SQLITE_IOERR_FSYNC;
  if (!handle.unsynced_parent) return SQLITE_OK;
  const Status named = handle.unsynced_parent->sync();
  if (!named) return SQLITE_IOERR_DIR_FSYNC;
  handle.unsynced_parent.reset();
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  Handle& handle = as_handle(file);
  const std::uint64_t bytes =
      handle.file ? handle.file->info().value().size : handle.temporary.size();
  *size = static_cast<sqlite3_int64>(bytes);
  return SQLITE_OK;
}

// SHARED beside SHARED and RESERVED; one RESERVED; none new beside PENDING; EXCLUSIVE alone.
int lock(sqlite3_file* file, int level) {
  Handle& handle = as_handle(file);
  if (!handle.file) return SQLITE_OK;
  const std::lock_guard guard(handle.vfs->mutex());
  std::map<SimVfs::Holder, int>& locks = shared_of(handle).file_locks;
  int& own = locks[&handle];
  if (own >= level) return SQLITE_OK;
  int highest_other = SQLITE_LOCK_NONE;
  for (const auto& [other, held] : locks) {
    if (other != &handle) highest_other = std::max(highest_other, held);
  }
  if (level == SQLITE_LOCK_SHARED && highest_other >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
  if (level >= SQLITE_LOCK_RESERVED && highest_other >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE && highest_other >= SQLITE_LOCK_SHARED) {
    own = std::max(own, SQLITE_LOCK_PENDING);
    return SQLITE_BUSY;
  }
  own = level;
  return SQLITE_OK;
}

int unlock(sqlite3_file* file, int level) {
  Handle& handle = as_handle(file);
  if (!handle.file) return SQLITE_OK;
  const std::lock_guard guard(handle.vfs->mutex());
  int& own = shared_of(handle).file_locks[&handle];
  own = std::min(own, level);
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* file, int* reserved) {
  Handle& handle = as_handle(file);
  *reserved = 0;
  if (!handle.file) return SQLITE_OK;
  const std::lock_guard guard(handle.vfs->mutex());
  for (const auto& [holder, held] : shared_of(handle).file_locks) {
    if (held >= SQLITE_LOCK_RESERVED) *reserved = 1;
  }
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** memory) {
  Handle& handle = as_handle(file);
  const std::lock_guard guard(handle.vfs->mutex());
  auto& regions = shared_of(handle).regions;
  const auto index = static_cast<std::size_t>(region);
  *memory = nullptr;
  if (index >= regions.size() && extend == 0) return SQLITE_OK;
  while (regions.size() <= index) {
    regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
  }
  *memory = regions[index].get();
  shared_of(handle).mapped.insert(&handle);
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  Handle& handle = as_handle(file);
  const std::lock_guard guard(handle.vfs->mutex());
  SimVfs::Shared& shared = shared_of(handle);
  const unsigned mask = ((1U << count) - 1U) << offset;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    shared.shared_slots[&handle] &= ~mask;
    shared.exclusive_slots[&handle] &= ~mask;
    return SQLITE_OK;
  }
  unsigned others = 0;
  const auto add = [&](const std::map<SimVfs::Holder, unsigned>& slots) {
    for (const auto& [holder, bits] : slots) {
      if (holder != &handle) others |= bits;
    }
  };
  add(shared.exclusive_slots);
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if (exclusive) add(shared.shared_slots);
  if ((others & mask) != 0) return SQLITE_BUSY;
  (exclusive ? shared.exclusive_slots : shared.shared_slots)[&handle] |= mask;
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file*) { std::atomic_thread_fence(std::memory_order_seq_cst); }

int shm_unmap(sqlite3_file* file, int remove) {
  Handle& handle = as_handle(file);
  const std::lock_guard guard(handle.vfs->mutex());
  SimVfs::Shared& shared = shared_of(handle);
  shared.shared_slots.erase(&handle);
  shared.exclusive_slots.erase(&handle);
  shared.mapped.erase(&handle);
  // Whoever comes when all have gone reads the log from its front, as SQLite's own does.
  if (remove != 0 || shared.mapped.empty()) shared.regions.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

struct Place {
  std::unique_ptr<io::Directory> parent;
  std::string name;
};

Result<Place> find_place(SimVfs& vfs, const char* path) {
  const std::string text = path;
  const std::size_t slash = text.rfind('/');
  auto parent = vfs.disk().open_directory(text.substr(0, slash));
  if (!parent) return std::move(parent).error();
  return Place{std::move(*parent), text.substr(slash + 1)};
}

int open(sqlite3_vfs* base, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  SimVfs& vfs = as_vfs(base);
  Handle* handle = new (file) Handle;
  handle->vfs = &vfs;
  if (out_flags != nullptr) *out_flags = flags;
  if (path == nullptr) {
    handle->base.pMethods = &kMethods;
    return SQLITE_OK;
  }
  const auto give_up = [&](int code) {
    handle->~Handle();
    file->pMethods = nullptr;
    return code;
  };
  Result<Place> place = find_place(vfs, path);
  if (!place) return give_up(SQLITE_CANTOPEN);
  auto found = place->parent->find_file(place->name, io::OpenMode::kReadWrite);
  if (!found) return give_up(SQLITE_CANTOPEN);
  if (!*found) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return give_up(SQLITE_CANTOPEN);
    auto created = place->parent->create_file(place->name);
    if (!created) return give_up(SQLITE_CANTOPEN);
    *found = std::move(*created);
    constexpr int kNeedsItsName =
        SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    if ((flags & kNeedsItsName) != 0) handle->unsynced_parent = std::move(place->parent);
  }
  handle->file.reset(static_cast<SimFile*>((*found)->release()));
  handle->base.pMethods = &kMethods;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* base, const char* path, int sync_directory) {
  const Result<Place> place = find_place(as_vfs(base), path);
  if (!place) return SQLITE_IOERR_DELETE;
  const Status removed = place->parent->remove_file(place->name);
  if (!removed) {
    return removed.error().code == ErrorCode::kNotFound ? SQLITE_IOERR_DELETE_NOENT
                                                        : SQLITE_IOERR_DELETE;
  }
  if (sync_directory == 0) return SQLITE_OK;
  const Status synced = place->parent->sync();
  return synced ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int access(sqlite3_vfs* base, const char* path, int, int* there) {
  const Result<Place> place = find_place(as_vfs(base), path);
  *there = 0;
  if (!place) return SQLITE_OK;
  const auto info = place->parent->stat_file(place->name);
  // As SQLite's own: a log or journal without content counts for nothing.
  *there = info && *info && (*info)->size > 0 ? 1 : 0;
  return SQLITE_OK;
}

int full_pathname(sqlite3_vfs*, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

std::string next_name() {
  static std::atomic<std::uint64_t> counter = 0;
  return fmt::format("packstore-sim-{}", counter.fetch_add(1));
}

}  // namespace

SimVfs::SimVfs(SimDisk& disk) : disk_(disk), name_(next_name()) {
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.mxPathname = 512;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  vfs_.xAccess = access;
  vfs_.xFullPathname = full_pathname;
  vfs_.xRandomness = [](sqlite3_vfs*, int count, char* out) {
    return system_vfs().xRandomness(&system_vfs(), count, out);
  };
  vfs_.xSleep = [](sqlite3_vfs*, int microseconds) {
    return system_vfs().xSleep(&system_vfs(), microseconds);
  };
  vfs_.xCurrentTime = [](sqlite3_vfs*, double* now) {
    return system_vfs().xCurrentTime(&system_vfs(), now);
  };
  vfs_.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
  sqlite3_vfs_register(&vfs_, 0);
}

SimVfs::~SimVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace packstore::crash
