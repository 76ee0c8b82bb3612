// Room on the disk, given back out of the middle of a file.
#pragma once

#include <cstdint>

#include "io/file.h"

namespace packstore::io {

// Gives the whole blocks among `length` bytes of `file` from `offset` on back to the file system:
// they take up nothing and read as zeros, and the file is as long as it was. False where the file
// is not one of the operating system, or its file system has no holes.
bool punch_hole(File& file, std::uint64_t offset, std::uint64_t length);

}  // namespace packstore::io
