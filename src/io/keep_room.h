// Room on the disk that nobody else gets.
#pragma once

#include <cstdint>

#include "io/file.h"

namespace packstore::io {

// Makes the system keep room for the first `length` bytes of `file`, whose size stays as it is; the
// room is free again when the file is removed. False where there is none, or the file is not one of
// the operating system, or its file system promises nothing of the kind.
bool keep_room(File& file, std::uint64_t length);

}  // namespace packstore::io
