#include "packstore/object_id.h"

#include <algorithm>

#include "base/error.h"
#include "base/hex.h"

namespace packstore {

Result<ObjectId> ObjectId::parse(std::string_view hex) {
  ObjectId id;
  if (!from_hex(hex, id.bytes)) {
    return fail(ErrorCode::kInvalidArgument,
                "object id of {} characters: needs exactly {} lower-case hexadecimal digits",
                hex.size(), kHexSize);
  }
  return id;
}

Result<ObjectId> ObjectId::from_bytes(ByteView raw) {
  if (raw.size() != kSize) {
    return fail(ErrorCode::kInvalidArgument, "object id of {} bytes: needs exactly {}", raw.size(),
                kSize);
  }
  ObjectId id;
  std::copy(raw.begin(), raw.end(), id.bytes.begin());
  return id;
}

std::string ObjectId::to_hex() const { return packstore::to_hex(bytes); }

}  // namespace packstore
