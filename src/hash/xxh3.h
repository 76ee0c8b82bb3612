// XXH3-64: a fast checksum that finds accidents, not forgeries.
#pragma once

#include <cstdint>
#include <memory>

#include "packstore/bytes.h"

namespace packstore::hash {

std::uint64_t xxh3(ByteView bytes, std::uint64_t seed = 0);

// One stream, seed 0.
class Xxh3 {
 public:
  Xxh3();
  Xxh3(Xxh3&&) noexcept;
  Xxh3& operator=(Xxh3&&) noexcept;
  ~Xxh3();

  void update(ByteView bytes);
  // The checksum of everything since the start; the stream may go on.
  std::uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace packstore::hash
