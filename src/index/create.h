// Making an index, and making it a copy of another.
#pragma once

#include <string_view>

#include "index/connection.h"
#include "io/file.h"
#include "packstore/refs.h"
#include "packstore/result.h"

namespace packstore::index {

// See Index::create().
Status create_index(io::FileSystem& files, const io::Directory& root, std::string_view uuid,
                    ReferenceCounts counts);

// Makes the index in `root` a copy of `source`; see Index::copy_to().
struct CopyDestination {
  io::FileSystem& files;
  const io::Directory& root;
  const io::Directory& locks;
};
Status copy_index(const DatabaseFile& source, const CopyDestination& to, std::string_view uuid,
                  ReferenceCounts counts);

}  // namespace packstore::index
