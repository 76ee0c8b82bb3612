// A directory below sandbox/ for the files of one long call.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/file.h"
#include "packstore/result.h"
#include "store/sandbox.h"

namespace packstore::store {

// A directory of plain files, locked, so that clean() leaves it alone. Dropping it removes it with
// its files, unless keep() was called.
class ScratchDirectory {
 public:
  // A new one, under a name that nobody else uses.
  static Result<ScratchDirectory> create(Sandbox& sandbox, std::string_view kind);

  // The one called `name`, with the files that an interrupted call left in it, or a new one. For
  // callers that hold the maintenance lock of the store, so that nobody else can have it.
  static Result<ScratchDirectory> reopen(const io::Directory& sandbox, std::string_view name);

  ScratchDirectory(ScratchDirectory&& other) noexcept;
  ScratchDirectory& operator=(ScratchDirectory&& other) = delete;
  ~ScratchDirectory();

  const io::Directory& directory() const { return *directory_; }

  // Leaves the directory and its files where they are, for reopen() or clean().
  void keep() { keep_ = true; }

  // Removes the directory with its files.
  Status remove();

 private:
  ScratchDirectory(const io::Directory& sandbox, std::string name,
                   std::unique_ptr<io::Directory> directory);

  const io::Directory* sandbox_;
  io::HomeProcess home_;
  std::string name_;
  std::unique_ptr<io::Directory> directory_;
  bool keep_ = false;
};

}  // namespace packstore::store
