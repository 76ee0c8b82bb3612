// Where damaged things are kept.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/file.h"
#include "packstore/result.h"
#include "store/sandbox.h"
#include "store/validate_extent.h"

namespace packstore::store {

// The directory quarantine/, made when it is first needed. What goes in is durable on return, and
// gets a number behind its name where that is taken. Only under the maintenance lock.
class Quarantine {
 public:
  Quarantine(const io::Directory& root, Sandbox& sandbox) : root_(root), sandbox_(sandbox) {}

  // Moves an entry of `from`.
  Status take(const io::Directory& from, std::string_view name, std::string_view as);

  // Gives a file of `from` a second name, here. kUnsupported: no links on this file system.
  Status take_link(const io::Directory& from, std::string_view name, std::string_view as);

  // Copies the bytes of `range`, as far as the file has them and gives them back.
  Status take_copy(const io::File& from, ByteRange range, std::string_view as);

 private:
  Status ensure_open();
  Result<std::string> choose_name(std::string_view wish) const;

  const io::Directory& root_;
  Sandbox& sandbox_;
  std::unique_ptr<io::Directory> directory_;
};

}  // namespace packstore::store
