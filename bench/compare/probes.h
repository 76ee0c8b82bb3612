// What the machine can do at best, measured in the same run as the engines.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "compare/content.h"
#include "compare/system.h"

namespace packstore::compare {

// SHA-256 over 1 MiB buffers, one thread: MB/s.
double sha256_speed();

// Writes the content of `objects` to one file in `directory`, one fsync at the end: MB/s.
double sequential_write_speed(const std::filesystem::path& directory,
                              std::span<const Object> objects);

// The bare flush: appends 4 KiB and calls fdatasync, again and again.
class SyncProbe {
 public:
  explicit SyncProbe(const std::filesystem::path& directory);
  void append_and_sync();

 private:
  Descriptor file_;
  Bytes block_;
};

// The bare durable file: create, write, fsync, rename into one of 256 directories that exist, fsync
// that directory. It does not hash, so it is what no store of files can beat.
class FileProbe {
 public:
  explicit FileProbe(const std::filesystem::path& directory);
  void put(const Object& object);

 private:
  Descriptor sandbox_;
  std::vector<Descriptor> shards_;
};

}  // namespace packstore::compare
