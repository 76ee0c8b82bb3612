// SHA-256 (FIPS 180-4): one stream, one buffer, many buffers at once.
#pragma once

#include <memory>
#include <span>

#include "packstore/bytes.h"
#include "packstore/object_id.h"

namespace packstore::hash {

// One stream. Thread safety: one thread at a time.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(ByteView bytes);
  // The id of everything since the start or the last finish(); begins anew.
  ObjectId finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The id of one buffer, with a context that the thread reuses.
ObjectId sha256(ByteView bytes);

// ids[i] = sha256(buffers[i]); sizes must be equal. Hashes up to 16 buffers side by side where
// libipsec-mb is built in and the processor can, one by one otherwise; the same ids either way.
void sha256_many(std::span<const ByteView> buffers, std::span<ObjectId> ids);

// True where sha256_many() hashes side by side.
bool has_multi_buffer();

}  // namespace packstore::hash
