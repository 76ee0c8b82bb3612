// Room on the disk that nobody else gets.
#pragma once

#include <cstdint>

#include "io/file.h"

namespace packstore::io {

// Makes the system keep room for `length` bytes of `file` from `offset` on, whose size stays as it
// is; the room is free again when the file is cut off in front of it, or removed. False where there
// is none, or less, or the file is not one of the operating system, or its file system promises
// nothing of the kind.
bool keep_room(File& file, std::uint64_t offset, std::uint64_t length);

}  // namespace packstore::io
