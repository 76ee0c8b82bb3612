// What kernels with vector instructions are asked, and how they answer.
//
// A block of data is divided into streams of equal length, one behind the other; a kernel hashes
// all of them side by side. Plain data and pointers only, no inline functions but static ones:
// sources of kernels are compiled for newer processors, and the linker must not take a function
// from them that the rest of the program calls.
#pragma once

#include <cstddef>
#include <cstdint>

namespace packstore::chunking {

// Kernels hash this much in front of each stream, at least the history of any rule, so that the
// first hash of a stream is whole.
inline constexpr std::size_t kWarmBytes = 64;
// Streams are as long as a multiple of this.
inline constexpr std::size_t kStreamBytesUnit = 64;

// A byte whose hash passes the loose mask or the strict one.
struct Hit {
  std::uint32_t offset;  // Of the byte in its stream.
  bool loose;
  bool strict;
};

struct StreamTask {
  // Of the rule: its 256 words; the two halves of NibbleTables, where it has them; its masks.
  const std::uint64_t* table = nullptr;
  const std::uint32_t* nibbles_low = nullptr;
  const std::uint32_t* nibbles_high = nullptr;
  std::uint64_t mask_loose = 0;
  std::uint64_t mask_strict = 0;

  // The first byte of the first stream; kWarmBytes in front of it are readable.
  const std::byte* data = nullptr;
  std::size_t stream_bytes = 0;

  // The hits of stream s begin at hits[s * hits_max] and ascend.
  Hit* hits = nullptr;
  std::uint32_t hits_max = 0;
  std::uint32_t* hit_counts = nullptr;
};

// False: the stream has no room for another one.
[[maybe_unused]] static inline bool add_hit(const StreamTask& task, std::size_t stream,
                                            const Hit& hit) {
  std::uint32_t& count = task.hit_counts[stream];
  if (count == task.hits_max) return false;
  task.hits[stream * task.hits_max + count++] = hit;
  return true;
}

struct StreamScan {
  std::size_t streams = 0;
  // False: a stream had more than hits_max hits; the answer is not complete.
  bool (*run)(const StreamTask&) = nullptr;
};

}  // namespace packstore::chunking
