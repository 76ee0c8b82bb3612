// One object that is far larger than the memory that may hold it.
#pragma once

#include <cstdint>

namespace packstore::store {

// What a process may have resident while it puts, reads, packs and repacks an object of any size.
inline constexpr std::uint64_t kResidentBytesMax = 64 << 20;

// In a process of its own: puts `size` bytes as a loose object and, once more, through a batch,
// reads both back, packs and repacks. Expects every step to succeed, and the resident memory of
// that process to stay below the limit.
void expect_bounded_memory(std::uint64_t size);

}  // namespace packstore::store
