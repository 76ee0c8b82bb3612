// Where streamed content comes from.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "packstore/bytes.h"
#include "packstore/export.h"
#include "packstore/result.h"

namespace packstore {

// A stream of bytes that an application implements. Used by one thread at a time.
class PACKSTORE_EXPORT ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fills the front of `into` (never empty) and returns how many bytes it wrote; 0 means the end.
  // An error ends the call that reads from this source with the same error: a source that breaks
  // off never becomes a shorter object. What it throws, that call throws when its threads have
  // ended. Claiming more than `into` has room for is kInvalidArgument.
  virtual Result<std::size_t> read(std::span<std::byte> into) = 0;

  // All that is left of the stream, which is at its end then: for a source that has it in memory,
  // where it must stay until the call that reads from this source has returned. nullopt: read().
  virtual std::optional<ByteView> take_rest() { return std::nullopt; }
};

// The bytes of a view that the caller keeps alive.
class PACKSTORE_EXPORT ViewSource final : public ByteSource {
 public:
  explicit ViewSource(ByteView rest) : rest_(rest) {}
  Result<std::size_t> read(std::span<std::byte> into) override;
  std::optional<ByteView> take_rest() override { return std::exchange(rest_, {}); }

 private:
  ByteView rest_;
};

}  // namespace packstore
