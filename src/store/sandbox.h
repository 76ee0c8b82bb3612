// Where bytes live before they have a name.
//
// Every file in sandbox/ is locked by its writer for as long as it writes. So a leftover is told
// from work in progress by its lock, never by its age, and the kernel does the bookkeeping.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "io/home_process.h"
#include "packstore/result.h"

namespace packstore::store {

// A locked, nameless-to-readers file. Dropping it removes it, unless it was published, or is the
// business of the process that this one was forked from.
class SandboxFile {
 public:
  SandboxFile(SandboxFile&&) noexcept;
  SandboxFile& operator=(SandboxFile&&) noexcept;
  ~SandboxFile();

  io::File& file() { return *file_; }
  const std::string& name() const { return name_; }

  // Makes the file durable as `to_name` in `to`; see io::publish().
  Status publish(const io::Directory& to, std::string_view to_name);

 private:
  friend class Sandbox;
  SandboxFile(const io::Directory& directory, std::string name, std::unique_ptr<io::File> file);
  void discard();

  const io::Directory* directory_;
  io::HomeProcess home_;
  std::string name_;
  std::unique_ptr<io::File> file_;
};

// Thread safety: any thread.
class Sandbox {
 public:
  explicit Sandbox(std::unique_ptr<io::Directory> directory);

  // `kind` begins the name.
  Result<SandboxFile> create(std::string_view kind = "put");

  struct Leftovers {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  // Removes every file, and every directory with its files, whose writer is gone. Only under the
  // maintenance lock.
  Result<Leftovers> remove_leftovers() const;
  // The names of files whose writer is gone; changes nothing.
  Result<std::vector<std::string>> find_leftovers() const;

  const io::Directory& directory() const { return *directory_; }
  // A name that no other process or thread is likely to choose.
  std::string make_name(std::string_view kind);

 private:
  std::unique_ptr<io::Directory> directory_;
  std::uint64_t seed_;
  std::atomic<std::uint64_t> counter_{0};
};

}  // namespace packstore::store
