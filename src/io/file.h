// Files, directories, locks and shared memory: the seam between the library and an operating
// system.
//
// Everything above this folder sees only these interfaces. posix_file_system.cc implements them
// with system calls; tests put a disk underneath that can be cut off at every step.
//
// A name is always one path component: not empty, no '/', not "." or "..". Implementations refuse
// others with kInvalidArgument, and never follow a symbolic link, so no call can leave the
// directory that it is made on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::io {

enum class LockKind : std::uint8_t { kShared, kExclusive };

struct FileInfo {
  std::uint64_t size = 0;
  std::uint64_t links = 0;  // Names that the file has; 0 once it was removed while open.
  // Which file it is, whatever its name.
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  bool is_same_file(const FileInfo& other) const {
    return device == other.device && inode == other.inode;
  }
};

// An open regular file.
//
// Thread safety: read_at() and info() from any thread; the rest from one thread at a time.
class File {
 public:
  virtual ~File() = default;

  // Fills `into` from `offset`; returns fewer bytes only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;

  // The same into several buffers, one after the other.
  virtual Result<std::size_t> read_at(std::uint64_t offset,
                                      std::span<const std::span<std::byte>> into) const = 0;

  // Writes all of `pieces`, one after the other, from `offset`.
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces);
  Status write_at(std::uint64_t offset, ByteView piece) { return write_at(offset, {&piece, 1}); }

  // Makes every byte written before durable, and the length with them.
  Status sync();

  // Asks the system to start writing out the range; promises nothing.
  virtual void start_writeback(std::uint64_t offset, std::uint64_t length) = 0;

  // Cuts the file off at `size`; also after a failure, since to give bytes up claims nothing.
  Status truncate(std::uint64_t size);

  virtual Result<FileInfo> info() const = 0;

  // Takes the advisory lock of the open file without waiting; false when somebody else holds one in
  // the way. The lock falls with the File or with the process. A holder may change the kind; one
  // whose change is refused has lost the old lock as well.
  virtual Result<bool> try_lock(LockKind kind) = 0;
  virtual void unlock() = 0;

  // The path, for messages only.
  virtual const std::string& path() const = 0;

 private:
  virtual Status do_write_at(std::uint64_t offset, std::span<const ByteView> pieces) = 0;
  virtual Status do_sync() = 0;
  virtual Status do_truncate(std::uint64_t size) = 0;

  // After a failed write or sync nobody knows what the disk holds, and a second sync may succeed
  // without having written anything (ATC'20, "Can applications recover from fsync failures?").
  // So the first failure is the file's answer from then on.
  Status first_failure();
  Status remember(Status status);
  std::mutex failure_mutex_;
  std::optional<Error> failure_;
};

enum class OpenMode : std::uint8_t { kRead, kReadWrite };
enum class EntryKind : std::uint8_t { kFile, kDirectory, kOther };

struct Entry {
  std::string name;
  EntryKind kind = EntryKind::kOther;  // A symbolic link is kOther.
};

// An unsigned counter in memory shared by all processes that have the file open. Not durable.
class SharedCounter {
 public:
  virtual ~SharedCounter() = default;
  std::uint64_t load() const { return value().load(std::memory_order_acquire); }
  void increment() { value().fetch_add(1, std::memory_order_acq_rel); }

 private:
  virtual std::atomic<std::uint64_t>& value() const = 0;
};

// An open directory. Thread safety: any thread.
class Directory {
 public:
  virtual ~Directory() = default;

  // kNotFound: no such entry. kCorrupt: it is a symbolic link or another thing than asked for.
  virtual Result<std::unique_ptr<Directory>> open_directory(std::string_view name) const = 0;
  virtual Result<std::unique_ptr<File>> open_file(std::string_view name, OpenMode mode) const = 0;

  // The same, with nullopt instead of kNotFound: for callers that ask whether.
  virtual Result<std::optional<std::unique_ptr<Directory>>> find_directory(
      std::string_view name) const = 0;
  virtual Result<std::optional<std::unique_ptr<File>>> find_file(std::string_view name,
                                                                 OpenMode mode) const = 0;

  // The file `name` in the directory `directory` of this one; nullopt where either is absent. One
  // step where the system has it, because looking for what is not there is frequent.
  virtual Result<std::optional<std::unique_ptr<File>>> find_file_below(std::string_view directory,
                                                                       std::string_view name,
                                                                       OpenMode mode) const;

  // kConflict: the name is taken.
  virtual Status create_directory(std::string_view name) const = 0;
  virtual Result<std::unique_ptr<File>> create_file(std::string_view name) const = 0;

  // Gives the file `name` the name `to_name` in `to`, in one step; replaces what stands there.
  virtual Status rename(std::string_view name, const Directory& to,
                        std::string_view to_name) const = 0;

  // A second name for the same file. kConflict: taken. kUnsupported: no links here.
  virtual Status link(std::string_view name, const Directory& to,
                      std::string_view to_name) const = 0;

  // kNotFound: no such file.
  virtual Status remove_file(std::string_view name) const = 0;
  // kNotFound: no such directory. kConflict: it is not empty.
  virtual Status remove_directory(std::string_view name) const = 0;

  // nullopt where there is no entry of that name; size and links of a file.
  virtual Result<std::optional<FileInfo>> stat_file(std::string_view name) const = 0;

  // Every entry but "." and "..", in no particular order; ends early with the visitor's error.
  virtual Status list(const std::function<Status(const Entry&)>& visit) const = 0;

  // Makes every creation, renaming and removal of entries before it durable.
  virtual Status sync() const = 0;

  // The advisory lock of the directory itself; false when somebody else holds it.
  virtual Result<bool> try_lock() = 0;

  // How many bytes the file system of this directory has left for this process.
  virtual Result<std::uint64_t> free_bytes() const = 0;

  // Opens or creates the file of a shared counter.
  virtual Result<std::unique_ptr<SharedCounter>> open_counter(std::string_view name) const = 0;

  // The absolute path, for messages and for the SQLite database that lives in it.
  virtual const std::string& path() const = 0;
};

// Where directories come from.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Opens a directory that exists; `path` is the caller's and may lead through symbolic links. What
  // is created through it is for the owner only when the directory is. kInvalidArgument: it ends in
  // something else than a directory.
  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& path) = 0;

  // Makes the directory, unless it is there, and its missing parents, durably, and opens it.
  // Everything that is created, by this call or through the directory afterwards, is for the owner
  // only when `owner_only`, else as umask says; and so is a directory that was there, and empty.
  virtual Result<std::unique_ptr<Directory>> create_directory(const std::string& path,
                                                              bool owner_only) = 0;

  // The name under which SQLite finds the same disk; nullptr for its default.
  virtual const char* sqlite_vfs() const = 0;
};

// The operating system's own.
FileSystem& posix_file_system();

// Copies [from_offset, from_offset + length) of `from` to `to_offset` of `to`, in the kernel and by
// shared extents where both files allow it. kCorrupt: `from` ends before that.
Status copy_range(const File& from, std::uint64_t from_offset, File& to, std::uint64_t to_offset,
                  std::uint64_t length);

// Every entry's name of the given kind, sorted.
Result<std::vector<std::string>> list_names(const Directory& directory, EntryKind kind);

}  // namespace packstore::io
