// Hashing what is in files.
#pragma once

#include <cstdint>

#include "io/file.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

// The id of the file's whole content, read in pieces.
Result<ObjectId> hash_file(const io::File& file);

}  // namespace packstore::store
