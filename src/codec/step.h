// What every streaming compression library does, whatever it calls it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::codec {

constexpr std::size_t kFirstInputBytesMin = 64;

struct Progress {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  // The stream is complete and all of its output has been given.
  bool ended = false;
};

// Whether input follows what a step is given.
enum class Input : std::uint8_t { kMore, kLast };

// One direction of one stream.
class Step {
 public:
  virtual ~Step() = default;

  // Takes from the front of `input`, writes to the front of `output` (not empty), and does at least
  // one of the two as long as there is input and the stream has not ended. With kLast a compressor
  // ends its stream; a decompressor finds the end by itself and ignores it. The first input of a
  // decompressor is at least kFirstInputBytesMin long, unless it is the whole stream: then frame
  // headers can be checked before any library sees them.
  virtual Result<Progress> run(ByteView input, Input more, std::span<std::byte> output) = 0;
};

}  // namespace packstore::codec
