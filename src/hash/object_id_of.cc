#include "hash/sha256.h"
#include "packstore/object_id.h"

namespace packstore {

// The rest of ObjectId is in base/. This one hashes, and hashing is one floor up.
ObjectId ObjectId::of(ByteView content) { return hash::sha256(content); }

}  // namespace packstore
