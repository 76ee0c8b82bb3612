#include "store/hash_file.h"

#include "base/error.h"
#include "hash/sha256.h"
#include "packstore/bytes.h"

namespace packstore::store {
namespace {

constexpr std::size_t kBufferSize = 256 << 10;

}  // namespace

Result<ObjectId> hash_file(const io::File& file) {
  hash::Sha256 hasher;
  Bytes buffer(kBufferSize);
  for (std::uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const std::size_t count, file.read_at(offset, std::span<std::byte>(buffer)));
    hasher.update(ByteView(buffer).first(count));
    offset += count;
    if (count < buffer.size()) return hasher.finish();
  }
}

}  // namespace packstore::store
